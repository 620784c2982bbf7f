use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Environment;
use super::section::{Checks, Section};
use super::value::{Period, SecretText};
use super::weakness::refuse_weak;

/// Access tokens and sessions.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TokensConfig {
    /// Signs access tokens with HS256, for set-ups where one secret is shared with the
    /// applications; at least 32 random bytes. Also `JWT_SECRET_KEY`. Default: not set, then an
    /// Ed25519 key is generated and published as JWKS.
    pub(crate) jwt_secret_key: Option<SecretText>,
    /// The `iss` claim. Default: not set, then `server.public_origin`, or `valueverse` without one.
    pub(crate) issuer: Option<String>,
    /// The `aud` claim. Default: `valueverse`.
    pub(crate) audience: String,
    /// Life of an access token. From 1 minute to 1 hour. Default: `15m`.
    pub(crate) access_ttl: Period,
    /// A session unused for this long ends. From 1 minute to 30 days. Default: `1h`
    /// (NIST SP 800-63B-4 §2.2.3).
    pub(crate) session_idle: Period,
    /// A session ends this long after sign-in, used or not. From 5 minutes to 30 days.
    /// Default: `24h` (NIST SP 800-63B-4 §2.2.3).
    pub(crate) session_absolute: Period,
}

impl Default for TokensConfig {
    fn default() -> Self {
        Self {
            jwt_secret_key: None,
            issuer: None,
            audience: "valueverse".to_owned(),
            access_ttl: Period::minutes(15),
            session_idle: Period::hours(1),
            session_absolute: Period::hours(24),
        }
    }
}

impl Section for TokensConfig {
    const NAME: &'static str = "tokens";
    const SECRETS: &'static [&'static str] = &["jwt_secret_key"];

    fn check(&self, _: Environment, checks: &mut Checks<'_>) {
        checks.range(
            "access_ttl",
            &self.access_ttl,
            &Period::minutes(1),
            &Period::hours(1),
        );
        checks.range(
            "session_idle",
            &self.session_idle,
            &Period::minutes(1),
            &Period::days(30),
        );
        checks.range(
            "session_absolute",
            &self.session_absolute,
            &Period::minutes(5),
            &Period::days(30),
        );
        if self.session_idle > self.session_absolute {
            checks.error(
                "session_idle",
                "is longer than session_absolute",
                "make it the shorter of the two",
            );
        }
        if self.access_ttl > self.session_absolute {
            checks.error(
                "access_ttl",
                "is longer than session_absolute",
                "make it the shorter of the two",
            );
        }
        let issuer = self.issuer.as_deref().unwrap_or("valueverse");
        for (key, text) in [("issuer", issuer), ("audience", self.audience.as_str())] {
            if text.is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
                checks.error(
                    key,
                    "must be 1 to 255 characters",
                    "name the service, such as https://id.example.com",
                );
            }
        }
        // In every environment: a token anybody can sign is worth nothing in development either.
        refuse_weak("jwt_secret_key", self.jwt_secret_key.as_ref(), checks);
    }
}
