//! Keyed hashes of tokens that we hand out.

use subtle::ConstantTimeEq;
use vv_base::SessionId;

use crate::kdf::MacKey;
use crate::keyring::Versioned;

/// Keyed hashes of opaque tokens at rest, and the MAC inside refresh tokens.
pub struct TokenKey(Versioned<MacKey>);

impl TokenKey {
    pub(crate) fn new(keys: Versioned<MacKey>) -> Self {
        Self(keys)
    }

    /// The hash of a one-time or session token to store instead of the token:
    /// HMAC-SHA-256 under the active version, separated by purpose.
    pub fn hash(&self, purpose: &'static str, token: &[u8]) -> [u8; 32] {
        hash(self.0.active().1, purpose, token)
    }

    /// The hash under every listed version, active first, for lookup by hash.
    pub fn candidates(&self, purpose: &'static str, token: &[u8]) -> Vec<[u8; 32]> {
        self.0
            .all()
            .map(|(_, key)| hash(key, purpose, token))
            .collect()
    }

    /// Whether the token belongs to the stored hash, under any listed version,
    /// in time that does not depend on the contents.
    pub fn matches(&self, purpose: &'static str, token: &[u8], stored: &[u8]) -> bool {
        any_equal(
            self.0.all().map(|(_, key)| hash(key, purpose, token)),
            stored,
        )
    }

    /// The MAC in a refresh token: deterministic in session and counter, so a
    /// lost answer can be repeated without storing the token.
    pub fn refresh_mac(&self, session: SessionId, counter: u64) -> [u8; 32] {
        refresh(self.0.active().1, session, counter)
    }

    /// Whether the MAC is the one of this session and counter under any listed
    /// version, in constant time.
    pub fn refresh_matches(&self, session: SessionId, counter: u64, mac: &[u8]) -> bool {
        any_equal(
            self.0.all().map(|(_, key)| refresh(key, session, counter)),
            mac,
        )
    }
}

fn hash(key: &MacKey, purpose: &str, token: &[u8]) -> [u8; 32] {
    key.framed("token", &[purpose.as_bytes(), token])
}

fn refresh(key: &MacKey, session: SessionId, counter: u64) -> [u8; 32] {
    key.framed("refresh", &[session.as_bytes(), &counter.to_be_bytes()])
}

/// Compares with all of them, without stopping at the first match.
fn any_equal(computed: impl Iterator<Item = [u8; 32]>, given: &[u8]) -> bool {
    let mut found = subtle::Choice::from(0);
    for mac in computed {
        found |= mac.as_slice().ct_eq(given);
    }
    found.into()
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

/// MACs over values that a browser keeps for us, such as a CSRF token tied to
/// its session.
pub struct CookieKey(Versioned<MacKey>);

impl CookieKey {
    pub(crate) fn new(keys: Versioned<MacKey>) -> Self {
        Self(keys)
    }

    /// HMAC-SHA-256 of the fields under the active version, separated by purpose.
    pub fn mac(&self, purpose: &'static str, fields: &[&[u8]]) -> [u8; 32] {
        cookie(self.0.active().1, purpose, fields)
    }

    /// Whether the MAC is the one of these fields under any listed version, in
    /// constant time.
    pub fn matches(&self, purpose: &'static str, fields: &[&[u8]], mac: &[u8]) -> bool {
        any_equal(
            self.0.all().map(|(_, key)| cookie(key, purpose, fields)),
            mac,
        )
    }
}

/// Check values over rows that only this product may write, such as the head
/// of an audit chain.
pub struct AuditSealKey(Versioned<MacKey>);

impl AuditSealKey {
    pub(crate) fn new(keys: Versioned<MacKey>) -> Self {
        Self(keys)
    }

    /// HMAC-SHA-256 of the fields under the active version, separated by purpose.
    pub fn mac(&self, purpose: &'static str, fields: &[&[u8]]) -> [u8; 32] {
        audit_seal(self.0.active().1, purpose, fields)
    }

    /// Whether the MAC is the one of these fields under any listed version, in
    /// constant time.
    pub fn matches(&self, purpose: &'static str, fields: &[&[u8]], mac: &[u8]) -> bool {
        any_equal(
            self.0
                .all()
                .map(|(_, key)| audit_seal(key, purpose, fields)),
            mac,
        )
    }
}

impl std::fmt::Debug for AuditSealKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuditSealKey(…)")
    }
}

fn audit_seal(key: &MacKey, purpose: &str, fields: &[&[u8]]) -> [u8; 32] {
    let mut parts = Vec::with_capacity(fields.len() + 1);
    parts.push(purpose.as_bytes());
    parts.extend_from_slice(fields);
    key.framed("audit-seal", &parts)
}

fn cookie(key: &MacKey, purpose: &str, fields: &[&[u8]]) -> [u8; 32] {
    let mut parts: Vec<&[u8]> = vec![purpose.as_bytes()];
    parts.extend_from_slice(fields);
    key.framed("cookie", &parts)
}

impl std::fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use crate::{Keyring, RootKey};
    use vv_base::{SessionId, SystemRng, Timestamp};

    #[test]
    fn a_stored_hash_accepts_its_token_and_purpose_only() {
        let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
        let key = keyring.token();
        let stored = key.hash("setup", b"token");
        assert!(key.matches("setup", b"token", &stored));
        assert!(!key.matches("reset", b"token", &stored));
        assert!(!key.matches("setup", b"tokeN", &stored));
        assert!(!key.matches("setu", b"ptoken", &stored));
        assert!(!key.matches("setup", b"token", &stored[..31]));
        assert!(!key.matches("setup", b"token", b""));
        assert_eq!(key.candidates("setup", b"token"), [stored]);
    }

    #[test]
    fn a_refresh_mac_is_tied_to_session_and_counter() {
        let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
        let key = keyring.token();
        let session = SessionId::new(Timestamp::from_unix_seconds(1), &SystemRng);
        let other = SessionId::new(Timestamp::from_unix_seconds(1), &SystemRng);
        let mac = key.refresh_mac(session, 7);
        assert_eq!(mac, key.refresh_mac(session, 7));
        assert!(key.refresh_matches(session, 7, &mac));
        assert!(!key.refresh_matches(session, 8, &mac));
        assert!(!key.refresh_matches(other, 7, &mac));
        assert!(!key.refresh_matches(session, 7, &mac[..16]));
    }

    #[test]
    fn a_cookie_mac_covers_the_borders_between_fields() {
        let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
        let key = keyring.cookie();
        let mac = key.mac("csrf", &[b"ab", b"c"]);
        assert!(key.matches("csrf", &[b"ab", b"c"], &mac));
        assert!(!key.matches("csrf", &[b"a", b"bc"], &mac));
        assert!(!key.matches("flash", &[b"ab", b"c"], &mac));
    }
}
