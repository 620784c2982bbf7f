//! Every route of the REST interface on one page.

use axum::Router;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::openapi::ApiDocument;
use crate::routes::{audit, auth, me, ops, passwords, users, wellknown};
use crate::state::AppState;

/// The routes and their description.
fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(ApiDocument::openapi())
        // signing in
        .routes(routes!(auth::login))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        // self
        .routes(routes!(me::me))
        // staff
        .routes(routes!(users::list))
        .routes(routes!(users::get))
        .routes(routes!(passwords::check))
        // audit
        .routes(routes!(audit::verify))
        .routes(routes!(audit::list))
        // discovery
        .routes(routes!(wellknown::jwks))
        // operations
        .routes(routes!(ops::healthz))
        .routes(routes!(ops::readyz))
        .routes(routes!(ops::metrics))
}

/// The REST interface with its documentation pages. Put the edge around it with
/// [`apply`](crate::apply).
pub fn router(state: AppState) -> Router {
    let (router, mut document) = described().split_for_parts();
    crate::openapi::add_default_refusal(&mut document);
    let json = crate::openapi::to_json(&document);
    router.with_state(state).merge(crate::docs::routes(json))
}

/// The OpenAPI document as JSON text.
pub fn openapi_json() -> String {
    let (_, mut document) = described().split_for_parts();
    crate::openapi::add_default_refusal(&mut document);
    crate::openapi::to_json(&document)
}
