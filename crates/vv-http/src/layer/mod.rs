//! What every request passes before a handler and every answer after it.

pub mod client_ip;
pub mod csrf;
pub mod fallback;
pub mod host;
pub mod limits;
pub mod request_id;
pub mod security_headers;

mod edge;
mod settings;

use axum::Router;
use axum::extract::DefaultBodyLimit;

pub use edge::{Edge, ErrorPage, FailedRequest, Secured};
pub use settings::{ForwardHeader, HttpSettings, SettingsFault};

/// Puts the edge around a finished router. Call it last: routes added later
/// would bypass it.
///
/// One service does all of it, because each stacked layer costs allocations on
/// every request. The order, from the outside in:
///
/// 1. **request id and span**: whatever follows can be found in the log;
/// 2. **security headers, problem ids, metrics** on the way out: they also
///    cover every refusal below;
/// 3. **size of the head**: nothing is parsed before it is known to be small;
/// 4. **client address**: the refusals below and the log need it;
/// 5. **host, then cross-site**: the cross-site check compares with the host;
/// 6. **concurrency slot**: only requests that may run take one;
/// 7. **body caps, time limit, panic catcher**: around the handler alone.
pub fn apply(router: Router, edge: Edge) -> Router {
    let body_limit = DefaultBodyLimit::max(edge.settings().body_limit);
    router
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::method_not_allowed)
        .layer((edge, body_limit))
}
