use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vv_base::{Rng, Secret, SessionId};

/// Bytes of randomness in a cookie.
const SECRET_BYTES: usize = 32;
/// Base64url of the session id and the secret together.
const TEXT_BYTES: usize = 64;

/// The value of the console's session cookie: session id and a random secret,
/// of which only a keyed hash is stored.
#[derive(Debug)]
pub struct CookieToken {
    session: SessionId,
    secret: Secret<[u8; SECRET_BYTES]>,
}

impl CookieToken {
    pub(crate) fn mint(session: SessionId, rng: &dyn Rng) -> Self {
        let mut secret = [0; SECRET_BYTES];
        rng.fill(&mut secret);
        Self {
            session,
            secret: Secret::new(secret),
        }
    }

    /// Reads the cookie's value; `None` when it is not one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != TEXT_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (session, secret) = bytes.split_first_chunk::<16>()?;
        let secret: [u8; SECRET_BYTES] = secret.try_into().ok()?;
        Some(Self {
            session: SessionId::from_bytes(*session),
            secret: Secret::new(secret),
        })
    }

    /// The text that goes into the cookie.
    pub fn to_text(&self) -> Secret<String> {
        let bytes = [self.session.as_bytes().as_slice(), self.secret.expose()].concat();
        Secret::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Which session it opens.
    pub const fn session(&self) -> SessionId {
        self.session
    }

    pub(crate) fn secret(&self) -> &[u8] {
        self.secret.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vv_base::SystemRng;

    #[test]
    fn the_text_form_comes_back_whole() {
        let cookie = CookieToken::mint(SessionId::from_bytes([7; 16]), &SystemRng);
        let text = cookie.to_text();
        let back = CookieToken::parse(text.expose()).expect("our own form");
        assert_eq!(back.session(), cookie.session());
        assert_eq!(back.secret(), cookie.secret());
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "x", &"A".repeat(63), &"A".repeat(65), &"=".repeat(64)] {
            assert!(CookieToken::parse(text).is_none(), "{text}");
        }
    }
}
