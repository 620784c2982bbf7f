//! Every route of the REST interface on one page.

use axum::Router;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::openapi::ApiDocument;
use crate::routes::{audit, auth, me, ops, passwords, users, wellknown, witness};
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
        .routes(routes!(audit::events::write, audit::events::list))
        .routes(routes!(audit::events::get))
        .routes(routes!(audit::verify::stats))
        .routes(routes!(audit::verify::verify))
        .routes(routes!(audit::export::export))
        .routes(routes!(audit::tail::tail))
        .routes(routes!(audit::proof::checkpoint))
        .routes(routes!(audit::proof::inclusion))
        .routes(routes!(audit::proof::consistency))
        .routes(routes!(audit::proof::keys))
        .routes(routes!(audit::proof::receipt))
        .routes(routes!(audit::tiles::checkpoint))
        .routes(routes!(audit::tiles::tile))
        .routes(routes!(audit::custody::holds, audit::custody::place))
        .routes(routes!(audit::custody::release))
        .routes(routes!(audit::custody::segments))
        .routes(routes!(witness::add_checkpoint))
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
    crate::openapi::finish(&mut document);
    let json = crate::openapi::to_json(&document);
    router.with_state(state).merge(crate::docs::routes(json))
}

/// The witness alone, for a program that does nothing else.
pub fn witness_router(state: AppState) -> Router {
    let (router, _) = OpenApiRouter::new()
        .routes(routes!(witness::add_checkpoint))
        .routes(routes!(ops::healthz))
        .routes(routes!(ops::readyz))
        .routes(routes!(ops::metrics))
        .split_for_parts();
    router.with_state(state)
}

/// The OpenAPI document as JSON text.
pub fn openapi_json() -> String {
    let (_, mut document) = described().split_for_parts();
    crate::openapi::finish(&mut document);
    crate::openapi::to_json(&document)
}
