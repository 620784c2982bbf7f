//! Signatures over what we post, so that a receiver can tell our messages from
//! anybody else's.

use aws_lc_rs::hmac;
use vv_base::{Secret, Span, Timestamp};

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "X-Valueverse-Signature";
/// How old a message may be when a receiver follows our advice.
pub const SIGNATURE_TOLERANCE: Span = Span::minutes(5);

const MIN_SECRET: usize = 16;
const MAX_SECRET: usize = 256;
const MAX_HEADER: usize = 1_024;

/// The secret that sender and receiver share, 16 to 256 bytes. A receiver who
/// was given text uses its UTF-8 bytes.
#[derive(Debug, Clone)]
pub struct WebhookSecret(Secret<Vec<u8>>);

/// The secret is shorter than 16 or longer than 256 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret must have {MIN_SECRET} to {MAX_SECRET} bytes")]
pub struct SecretLength;

impl WebhookSecret {
    /// Checks the length.
    pub fn new(secret: Secret<Vec<u8>>) -> Result<Self, SecretLength> {
        let length = secret.expose().len();
        if (MIN_SECRET..=MAX_SECRET).contains(&length) {
            Ok(Self(secret))
        } else {
            Err(SecretLength)
        }
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.0.expose())
    }
}

/// The value of [`SIGNATURE_HEADER`]: `t=<seconds since 1970>,v1=<hex>`, where
/// the hex digits are the HMAC-SHA-256 (RFC 2104) of `<seconds>.<body>`.
///
/// The time is part of what is signed; a receiver who refuses old times
/// refuses repeated messages. In Python:
///
/// ```python
/// t, v1 = (part.split("=", 1)[1] for part in header.split(","))
/// mac = hmac.new(secret, t.encode() + b"." + body, "sha256").hexdigest()
/// fresh = abs(time.time() - int(t)) <= 300
/// genuine = fresh and hmac.compare_digest(mac, v1)
/// ```
pub fn sign_webhook(secret: &WebhookSecret, at: Timestamp, body: &[u8]) -> String {
    let seconds = at.unix_seconds().to_string();
    let mut context = hmac::Context::with_key(&secret.key());
    context.update(seconds.as_bytes());
    context.update(b".");
    context.update(body);
    format!("t={seconds},v1={}", hex::encode(context.sign()))
}

/// Why a signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not of the form `t=…,v1=…`.
    #[error("the signature header is not valid")]
    Malformed,
    /// No signature in the header fits secret, time and body.
    #[error("the signature does not match")]
    Mismatch,
    /// Signed too long ago, or in the future.
    #[error("the signature is too old or from the future")]
    Stale,
}

/// Checks a signature the way a receiver should: genuine first, then not
/// further from `now` than `tolerance`. One of several `v1` suffices, which is
/// how a sender changes its secret; unknown fields are skipped.
///
/// Returns when the message was signed.
pub fn verify_webhook(
    secret: &WebhookSecret,
    header: &str,
    body: &[u8],
    now: Timestamp,
    tolerance: Span,
) -> Result<Timestamp, SignatureError> {
    if header.len() > MAX_HEADER {
        return Err(SignatureError::Malformed);
    }
    let mut signed_at = None;
    let mut tags = Vec::new();
    for field in header.split(',') {
        match field.trim().split_once('=') {
            Some(("t", _)) if signed_at.is_some() => return Err(SignatureError::Malformed),
            Some(("t", text)) => signed_at = Some(text),
            Some(("v1", text)) => tags.push(hex::decode(text)),
            Some(_) => {}
            None => return Err(SignatureError::Malformed),
        }
    }
    let text = signed_at.ok_or(SignatureError::Malformed)?;
    let seconds: i64 = text.parse().map_err(|_| SignatureError::Malformed)?;
    if tags.is_empty() {
        return Err(SignatureError::Malformed);
    }
    let message = [text.as_bytes(), b".", body].concat();
    let key = secret.key();
    let genuine = |tag: &Vec<u8>| hmac::verify(&key, &message, tag).is_ok();
    if !tags.iter().flatten().any(genuine) {
        return Err(SignatureError::Mismatch);
    }
    let at = Timestamp::from_unix_seconds(seconds);
    let fresh = at <= now.plus(tolerance) && at >= now.minus(tolerance);
    if fresh {
        Ok(at)
    } else {
        Err(SignatureError::Stale)
    }
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
