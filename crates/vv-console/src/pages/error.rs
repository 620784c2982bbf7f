use std::sync::Arc;

use askama::Template;
use axum::response::{Html, IntoResponse};
use http::Method;
use vv_http::layer::{ErrorPage as Shown, FailedRequest};

use super::form::theme_of;
use super::local_path;
use crate::view::ErrorPage;

/// Shows problems as pages to browsers; programs get the JSON document.
pub fn error_page() -> Shown {
    Arc::new(|failed: &FailedRequest<'_>| {
        let path = failed.uri.path();
        if !failed.accepts_html || path.starts_with("/api/") {
            return None;
        }
        let problem = failed.problem;
        let retry = problem.retry_after_seconds();
        let return_to = (failed.method == Method::GET)
            .then(|| local_path(path).map(str::to_owned))
            .flatten();
        let view = ErrorPage {
            theme: theme_of(failed.headers),
            status: problem.status().as_u16(),
            detail: Some(problem.detail().to_owned()),
            incident: problem.instance().map(|id| id.to_string()),
            retry_after: retry.and_then(|seconds| u32::try_from(seconds).ok()),
            return_to,
        };
        let html = view.render().ok()?;
        Some(Html(html).into_response())
    })
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use http::{HeaderMap, HeaderValue, Uri, header};
    use vv_base::ErrorCode;
    use vv_http::Problem;

    use super::*;

    async fn shown(uri: &'static str, accepts_html: bool) -> Option<String> {
        let problem = Problem::from_code(ErrorCode::new("request.not_found"));
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("theme=dark"));
        let page = error_page()(&FailedRequest {
            problem: &problem,
            method: &Method::GET,
            uri: &Uri::from_static(uri),
            accepts_html,
            headers: &headers,
        })?;
        let body = to_bytes(page.into_body(), 1 << 20).await.unwrap();
        Some(String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn browsers_get_a_page_in_their_colours_and_programs_the_document() {
        let page = shown("/nowhere", true).await.expect("a page");
        assert!(page.contains("data-theme=\"dark\""));
        assert!(shown("/nowhere", false).await.is_none());
        assert!(shown("/api/v1/nowhere", true).await.is_none());
    }
}
