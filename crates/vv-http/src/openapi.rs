//! The frame of the OpenAPI document; the operations describe themselves.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder};
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
        (name = "Witness", description = "Cosigning the checkpoints of other installations"),
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

/// What the operations cannot say themselves.
pub(crate) fn finish(document: &mut Document) {
    add_default_refusal(document);
    plain_parameters(document);
}

/// axum marks a parameter that holds slashes with a star, OpenAPI has no word for it.
fn plain_parameters(document: &mut Document) {
    let paths = std::mem::take(&mut document.paths.paths);
    let plain = |(path, item): (String, _)| (path.replace("{*", "{"), item);
    document.paths.paths = paths.into_iter().map(plain).collect();
}

/// Every operation may be refused for reasons that are not its own: size,
/// media type, overload. They all answer with a problem document.
fn add_default_refusal(document: &mut Document) {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ProblemDocument")))
        .build();
    let refusal = ResponseBuilder::new()
        .description("Any other refusal")
        .content("application/problem+json", content)
        .build();
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put];
        let others = [&mut item.patch, &mut item.delete];
        for operation in operations.into_iter().chain(others).flatten() {
            operation
                .responses
                .responses
                .insert("default".to_owned(), RefOr::T(refusal.clone()));
        }
    }
}

/// The document as text. It is built from constants, so failing to write it is
/// a programming error that shows as an empty document in the tests.
pub(crate) fn to_json(document: &Document) -> String {
    document.to_pretty_json().unwrap_or_default()
}
