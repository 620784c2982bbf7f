//! The handlers behind the pages: read, fill a view, render.

pub(crate) mod audit;
pub(crate) mod error;
pub(crate) mod files;
pub(crate) mod form;
pub(crate) mod login;
pub(crate) mod overview;
pub(crate) mod setup;
pub(crate) mod staff;
pub(crate) mod theme;
pub(crate) mod users;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use vv_base::ErrorCode;
use vv_http::Problem;

/// Renders a page. Templates only fail when a value's own formatting does.
pub(crate) fn page(view: &impl Template) -> Result<Response, Problem> {
    match view.render() {
        Ok(html) => Ok(Html(html).into_response()),
        Err(error) => {
            tracing::error!(%error, "a page did not render");
            Err(Problem::from_code(ErrorCode::new("internal.error")))
        }
    }
}

/// A path on this site to go to after a form, never another site: it starts
/// with one slash and holds nothing that a browser would read as a host.
pub(crate) fn local_path(text: &str) -> Option<&str> {
    let fits = text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= 512
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    fits.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_site_are_followed() {
        assert_eq!(local_path("/users?limit=25"), Some("/users?limit=25"));
        for text in [
            "",
            "users",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\nb",
            "/\tx",
        ] {
            assert_eq!(local_path(text), None, "{text:?}");
        }
    }
}
