//! Everything a client may present as a credential or position.
#![no_main]
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use vv_auth::{CookieToken, RefreshToken};
use vv_base::{Cursor, SystemRng, Timestamp};
use vv_crypto::{AccessSigner, Expected, SigningKey, Verifier};

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let key = SigningKey::generate_ed25519(&SystemRng).expect("a key");
    Verifier::new(vec![AccessSigner::EdDsa(key).verifying_key()])
});

fuzz_target!(|text: &str| {
    if let Some(cookie) = CookieToken::parse(text) {
        assert_eq!(cookie.to_text().expose(), text);
    }
    if let Some(token) = RefreshToken::parse(text) {
        assert_eq!(token.to_text().expose(), text);
    }
    if let Ok(cursor) = Cursor::parse(text) {
        assert_eq!(cursor.to_string(), text);
    }
    let expected = Expected {
        issuer: "i",
        audience: "a",
    };
    assert!(VERIFIER.verify(text, Timestamp::from_unix_seconds(0), &expected).is_err());
});
