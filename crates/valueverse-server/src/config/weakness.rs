use vv_crypto::{RootKey, weak_secret};

use super::section::Checks;
use super::value::SecretText;

/// Refuses a secret that is short, a known default, or a pattern.
pub(crate) fn refuse_weak(key: &str, secret: Option<&SecretText>, checks: &mut Checks<'_>) {
    if let Some(reason) = secret.and_then(|secret| weak_secret(secret.expose())) {
        checks.error(key, reason, "use the output of `openssl rand -hex 32`");
    }
}

/// Why a text cannot be the root key, if so. Without the advice that follows the semicolon:
/// the issue brings its own.
pub(crate) fn root_key_fault(secret: &SecretText) -> Option<String> {
    let error = RootKey::parse(secret.expose()).err()?.to_string();
    let cause = error.split(';').next().unwrap_or_default();
    Some(cause.trim_start_matches("the root key ").to_owned())
}
