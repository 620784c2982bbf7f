//! The OpenAPI document and a page that shows it, from assets in the binary.

use std::borrow::Cow;
use std::future::ready;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use serde::Serialize;
use utoipa_swagger_ui::Config;
use vv_base::ErrorCode;

use crate::extract::{Json, Path};
use crate::problem::{Problem, catalogue};

const INDEX: &str = include_str!("../assets/docs/index.html");
const PAGE_CSS: &str = include_str!("../assets/docs/page.css");
const PAGE_JS: &str = include_str!("../assets/docs/page.js");

/// The viewer's files that the page uses; the rest of its distribution is not
/// served.
const VENDORED: [(&str, &str); 3] = [
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("favicon-32x32.png", "image/png"),
];

/// The assets change only with the binary.
const ASSET_CACHING: &str = "public, max-age=3600";
/// Pages and documents are asked for afresh.
const PAGE_CACHING: &str = "no-cache";

/// GET /openapi.json, /docs, /problems and /problems/{code}. `openapi` is the
/// finished document as JSON text.
///
/// The page lives with the service's general content policy: the viewer sets
/// its styles through the object model, which the policy does not concern.
pub fn routes(openapi: String) -> Router {
    let openapi = Bytes::from(openapi);
    Router::new()
        .route(
            "/openapi.json",
            get(move || ready(answer("application/json", PAGE_CACHING, openapi.clone()))),
        )
        .route(
            "/docs",
            get(|| ready(answer("text/html; charset=utf-8", PAGE_CACHING, INDEX))),
        )
        .route("/docs/", get(|| ready(Redirect::permanent("/docs"))))
        .route(
            "/docs/{file}",
            get(|Path(name): Path<String>| ready(file(&name))),
        )
        .route(
            "/problems",
            get(|| {
                ready(answer(
                    "text/markdown; charset=utf-8",
                    PAGE_CACHING,
                    catalogue::to_markdown(),
                ))
            }),
        )
        .route(
            "/problems/{code}",
            get(|Path(code): Path<String>| ready(problem(&code))),
        )
}

fn answer(content_type: &'static str, caching: &'static str, body: impl Into<Body>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (CACHE_CONTROL, HeaderValue::from_static(caching)),
    ];
    (headers, body.into()).into_response()
}

fn not_found() -> Response {
    Problem::from_code(ErrorCode::new("request.not_found")).into_response()
}

fn file(name: &str) -> Response {
    match name {
        "page.css" => answer("text/css; charset=utf-8", ASSET_CACHING, PAGE_CSS),
        "page.js" => answer("text/javascript; charset=utf-8", ASSET_CACHING, PAGE_JS),
        _ => VENDORED
            .iter()
            .find(|(known, _)| *known == name)
            .and_then(|(known, content_type)| vendored(known, content_type))
            .unwrap_or_else(not_found),
    }
}

fn vendored(name: &str, content_type: &'static str) -> Option<Response> {
    // The configuration only matters for a file that we do not serve.
    let config: Config<'static> = Config::from("/openapi.json");
    let file = utoipa_swagger_ui::serve(name, Arc::new(config))
        .ok()
        .flatten()?;
    let body = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut response = answer(content_type, ASSET_CACHING, body);
    if file.gzpipped {
        response
            .headers_mut()
            .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Some(response)
}

fn problem(code: &str) -> Response {
    catalogue::find(code).map_or_else(not_found, |entry| {
        Json(Description {
            code: entry.code,
            status: entry.status,
            title: entry.title,
            detail: entry.detail,
            action: entry.action,
        })
        .into_response()
    })
}

#[derive(Serialize)]
struct Description {
    code: &'static str,
    status: u16,
    title: &'static str,
    detail: &'static str,
    action: &'static str,
}
