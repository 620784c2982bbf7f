use std::sync::Arc;

use askama::Template;
use axum::response::{Html, IntoResponse};
use http::Method;
use vv_http::layer::{ErrorPage as Shown, FailedRequest};

use super::local_path;
use crate::view::{ErrorPage, Theme};

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
            theme: Theme::default(),
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
