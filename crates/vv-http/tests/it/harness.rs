//! A small application behind the edge, and how to talk to it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::HeaderValue;
use http::header::HOST;
use http::request::Builder;
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt as _;
use vv_base::{ErrorCode, RequestId, Source, SystemClock, SystemRng};
use vv_http::extract::Json;
use vv_http::layer::Secured;
use vv_http::{Edge, HttpSettings, Problem, apply, docs};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    identifier: String,
}

async fn whoami(
    axum::Extension(id): axum::Extension<RequestId>,
    axum::Extension(source): axum::Extension<Source>,
    axum::Extension(Secured(https)): axum::Extension<Secured>,
) -> String {
    let ip = source.ip.map(|ip| ip.to_string()).unwrap_or_default();
    format!(
        "{id} {ip} {https} {}",
        source.user_agent.unwrap_or_default()
    )
}

async fn hang() {
    std::future::pending::<()>().await;
}

async fn break_down() -> &'static str {
    panic!("the secret reason")
}

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/plain", get(|| async { "fine" }).post(|| async { "done" }))
        .route("/whoami", get(whoami))
        .route("/hang", get(hang))
        .route("/healthz", get(|| async { "ok" }))
        .route("/panic", get(break_down))
        .route(
            "/login",
            post(|Json(body): Json<Login>| async move { body.identifier }),
        )
        .route(
            "/import",
            post(|body: axum::body::Bytes| async move { body.len().to_string() })
                .layer(DefaultBodyLimit::max(200_000)),
        )
        .route(
            "/stream",
            post(|body: Body| async move {
                match axum::body::to_bytes(body, usize::MAX).await {
                    Ok(bytes) => bytes.len().to_string().into_response(),
                    Err(_) => {
                        Problem::from_code(ErrorCode::new("request.body_too_large")).into_response()
                    }
                }
            }),
        )
        .route(
            "/cleared",
            get(|| async {
                let problem = Problem::from_code(ErrorCode::new("session.expired"));
                ([("set-cookie", "a=; Max-Age=0")], problem)
            }),
        )
        .route("/users/{id}", get(|| async { "" }))
        .merge(docs::routes(String::from(r#"{"openapi":"3.1.0"}"#)))
}

pub(crate) fn edge(settings: HttpSettings) -> Edge {
    Edge::new(settings, Arc::new(SystemClock), Arc::new(SystemRng)).unwrap()
}

pub(crate) fn app(settings: HttpSettings) -> Router {
    apply(routes(), edge(settings))
}

pub(crate) async fn send(app: Router, request: Builder, body: impl Into<Body>) -> Response {
    let mut request = request.body(body.into()).unwrap();
    let host = HeaderValue::from_static("localhost");
    request.headers_mut().entry(HOST).or_insert(host);
    app.oneshot(request).await.unwrap()
}

pub(crate) async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 4 << 20)
        .await
        .unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Checks everything that every problem must be, and gives its document.
pub(crate) async fn problem(response: Response, status: u16, code: &str) -> Value {
    assert_eq!(response.status().as_u16(), status);
    let headers = response.headers().clone();
    assert_eq!(headers["content-type"], "application/problem+json");
    assert_eq!(headers["cache-control"], "no-store");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let id = headers["x-request-id"].to_str().unwrap().to_owned();
    let document: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(document["code"], code);
    assert_eq!(document["status"], status);
    assert_eq!(document["type"], format!("/problems/{code}"));
    assert_eq!(document["instance"], format!("urn:request:{id}"));
    document
}
