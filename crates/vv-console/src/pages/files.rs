use axum::response::{IntoResponse, Redirect, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use vv_base::ErrorCode;
use vv_http::Problem;
use vv_http::extract::Path;

use crate::assets;

/// GET /assets/{file}
pub(crate) async fn serve(Path(file): Path<String>) -> Result<Response, Problem> {
    let asset = assets::find(&format!("/assets/{file}"))
        .ok_or_else(|| Problem::from_code(ErrorCode::new("request.not_found")))?;
    let headers = [
        (CONTENT_TYPE, asset.content_type),
        (CACHE_CONTROL, assets::CACHE_CONTROL),
        (ETAG, asset.etag.as_str()),
    ];
    Ok((headers, asset.bytes).into_response())
}

/// GET /favicon.ico: browsers ask for it on pages that are not ours to style.
pub(crate) async fn favicon() -> Redirect {
    Redirect::permanent(assets::asset("favicon.svg"))
}
