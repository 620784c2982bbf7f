use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use vv_base::{Span, Timestamp};

use super::claims::AccessClaims;
use super::key::VerifyingKey;
use super::strict::parse_object;
use super::{MAX_TOKEN_BYTES, TYP};

/// Most clock difference between nodes that is forgiven.
const MAX_LEEWAY: Span = Span::seconds(30);

/// Why a token is not accepted. For our own logs; the bearer sees one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Over [`MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Not three base64url parts.
    #[error("the token is not a signed JWT")]
    Malformed,
    /// The header is not exactly `alg`, `typ`, `kid`, or `typ` is not `at+jwt`.
    #[error("the token header is not that of an access token")]
    Header,
    /// No key of that id is accepted.
    #[error("the token names an unknown key")]
    UnknownKey,
    /// The header's algorithm is not the key's.
    #[error("the token names another algorithm than its key has")]
    Algorithm,
    /// The signature is wrong.
    #[error("the token signature is wrong")]
    Signature,
    /// Claims are missing, repeated, of the wrong type or contradict each other.
    #[error("the token claims are not valid")]
    Claims,
    /// Issued by somebody else.
    #[error("the token has another issuer")]
    Issuer,
    /// Meant for somebody else.
    #[error("the token is meant for another audience")]
    Audience,
    /// Past its expiry by more than the leeway.
    #[error("the token has expired")]
    Expired,
    /// Its `nbf` or `iat` lies further in the future than the leeway.
    #[error("the token is not valid yet")]
    NotYetValid,
}

/// What the claims must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The only accepted `iss`.
    pub issuer: &'a str,
    /// The only accepted `aud`.
    pub audience: &'a str,
}

/// The keys whose tokens are accepted.
#[derive(Debug, Clone)]
pub struct Verifier {
    keys: Vec<VerifyingKey>,
    leeway: Span,
}

/// The whole header. Nothing else may stand in it: no `crit`, `jwk`, `jku`,
/// `x5u`, `zip` or `b64` that could redirect the check.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenHeader {
    alg: String,
    typ: String,
    kid: String,
}

impl Verifier {
    /// Accepts tokens of these keys, with ten seconds of leeway for clock differences.
    pub fn new(keys: Vec<VerifyingKey>) -> Self {
        Self {
            keys,
            leeway: Span::seconds(10),
        }
    }

    /// Another leeway; brought into the range of 0 to 30 seconds.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Span) -> Self {
        self.leeway = leeway.clamp(Span::seconds(0), MAX_LEEWAY);
        self
    }

    pub(super) fn keys(&self) -> &[VerifyingKey] {
        &self.keys
    }

    /// Checks everything that the token itself can tell: form, header, signature,
    /// issuer, audience and times against `now`. Revocation is the caller's part.
    pub fn verify(
        &self,
        token: &str,
        now: Timestamp,
        expected: &Expected<'_>,
    ) -> Result<AccessClaims, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::Malformed)?;
        if payload.contains('.') {
            return Err(TokenError::Malformed);
        }
        let key = self.key_for(header)?;
        let algorithm = key.algorithm.primitive();
        let genuine =
            jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key.key, algorithm)
                .map_err(|_| TokenError::Signature)?;
        if !genuine {
            return Err(TokenError::Signature);
        }
        let claims: AccessClaims = parse_object(&decode(payload)?).ok_or(TokenError::Claims)?;
        self.check(&claims, now, expected)?;
        Ok(claims)
    }

    /// The key decides the algorithm; the header only has to agree.
    fn key_for(&self, header: &str) -> Result<&VerifyingKey, TokenError> {
        let header: TokenHeader = parse_object(&decode(header)?).ok_or(TokenError::Header)?;
        if header.typ != TYP {
            return Err(TokenError::Header);
        }
        let key = self
            .keys
            .iter()
            .find(|key| key.kid == header.kid)
            .ok_or(TokenError::UnknownKey)?;
        if header.alg != key.algorithm.name() {
            return Err(TokenError::Algorithm);
        }
        Ok(key)
    }

    fn check(
        &self,
        claims: &AccessClaims,
        now: Timestamp,
        expected: &Expected<'_>,
    ) -> Result<(), TokenError> {
        if claims.iss != expected.issuer {
            return Err(TokenError::Issuer);
        }
        if claims.aud != expected.audience {
            return Err(TokenError::Audience);
        }
        if !claims.in_range() {
            return Err(TokenError::Claims);
        }
        if now >= claims.exp.plus(self.leeway) {
            return Err(TokenError::Expired);
        }
        let latest = now.plus(self.leeway);
        if claims.nbf > latest || claims.iat > latest {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::Malformed)
}
