//! The frame of the OpenAPI document; the operations describe themselves.

use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::extract::SESSION_COOKIE;

/// Title, credentials and tags.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "ValueVerse Security",
        description = "Sign-in, accounts and a tamper-evident audit trail for multi-tenant services. \
                       Errors are problem documents (RFC 9457) with a stable `code`; lists come in \
                       pages with an opaque cursor.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    security(("bearer" = []), ("session_cookie" = [])),
    modifiers(&Credentials),
    tags(
        (name = "Sign-in", description = "Signing in, staying signed in, signing out"),
        (name = "Self", description = "The signed-in person's own account"),
        (name = "Staff", description = "People of the tenant"),
        (name = "Passwords", description = "Judging passwords"),
        (name = "Audit", description = "The tamper-evident trail"),
        (name = "Discovery", description = "Documents for other services"),
        (name = "Operations", description = "Health and metrics"),
    )
)]
pub(crate) struct ApiDocument;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("An access token of POST /api/v1/auth/login"))
            .build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let cookie = ApiKeyValue::with_description(SESSION_COOKIE, "The console's session");
        components.add_security_scheme(
            "session_cookie",
            SecurityScheme::ApiKey(ApiKey::Cookie(cookie)),
        );
        let metrics = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token of the setting server.metrics_token"))
            .build();
        components.add_security_scheme("metrics_token", SecurityScheme::Http(metrics));
    }
}

/// The document as text. It is built from constants, so failing to write it is
/// a programming error that shows as an empty document in the tests.
pub(crate) fn to_json(document: &Document) -> String {
    document.to_pretty_json().unwrap_or_default()
}
