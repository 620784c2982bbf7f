//! Documents under `/.well-known`.

use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CACHE_CONTROL;
use utoipa::ToSchema;

use crate::state::AppState;

/// A JSON Web Key Set, RFC 7517.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes the document; the keys themselves build it"
)]
pub struct Jwks {
    /// The public keys.
    keys: Vec<std::collections::BTreeMap<String, String>>,
}

/// Public keys
///
/// The keys that verify our access tokens.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "get_jwks", tag = "Discovery", security(()),
    extensions(("x-access" = json!("public"))),
    responses((status = 200, description = "RFC 7517 key set", body = Jwks))
)]
pub async fn jwks(State(state): State<AppState>) -> impl IntoResponse {
    let caching = [(CACHE_CONTROL, "public, max-age=300")];
    (caching, axum::Json(state.auth().jwks()))
}
