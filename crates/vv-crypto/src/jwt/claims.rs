use serde::{Deserialize, Serialize};
use vv_base::{Id, SessionId, TenantId, Timestamp, UserId};

/// Marks the id of an access token.
#[derive(Debug, Clone, Copy)]
pub enum AccessTokenKind {}

/// Id of an access token, the `jti` claim.
pub type TokenId = Id<AccessTokenKind>;

/// What an access token says (RFC 9068 §2.2, with claims of our own). Times are
/// written as whole seconds; a fraction is cut when signing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who issued it: the public address of the installation.
    pub iss: String,
    /// The account.
    pub sub: UserId,
    /// For whom it is meant.
    pub aud: String,
    /// Not accepted from this moment on.
    #[serde(with = "numeric_date")]
    pub exp: Timestamp,
    /// When it was issued.
    #[serde(with = "numeric_date")]
    pub iat: Timestamp,
    /// Not accepted before this moment.
    #[serde(with = "numeric_date")]
    pub nbf: Timestamp,
    /// This token's own id.
    pub jti: TokenId,
    /// The session it belongs to.
    pub sid: SessionId,
    /// The tenant.
    pub tid: TenantId,
    /// Authenticator assurance level reached, 1 to 3 (NIST SP 800-63B-4).
    pub aal: u8,
    /// When the person last proved who they are.
    #[serde(with = "numeric_date")]
    pub auth_time: Timestamp,
    /// The client it was issued to.
    pub client_id: String,
}

/// Longest life of an access token, in seconds.
const MAX_LIFETIME: i64 = 24 * 60 * 60;
/// 9999-12-31T23:59:59Z in seconds: anything later is a mistake.
const LAST_SECOND: i64 = 253_402_300_799;

impl AccessClaims {
    /// Whether the claims make sense by themselves, whoever reads them and
    /// whenever. Checked on signing too, so that no token is issued that nobody accepts.
    pub(super) fn in_range(&self) -> bool {
        let times = [self.exp, self.iat, self.nbf, self.auth_time];
        let lifetime = self.exp.unix_seconds() - self.iat.unix_seconds();
        times
            .iter()
            .all(|time| (0..=LAST_SECOND).contains(&time.unix_seconds()))
            && (1..=MAX_LIFETIME).contains(&lifetime)
            && (1..=3).contains(&self.aal)
    }
}

/// `NumericDate` of RFC 7519 §2, whole seconds only.
mod numeric_date {
    use serde::{Deserialize, Deserializer, Serializer};
    use vv_base::Timestamp;

    use super::LAST_SECOND;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature serde's `with` asks for"
    )]
    pub(super) fn serialize<S: Serializer>(
        time: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(time.unix_seconds())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let seconds = i64::deserialize(deserializer)?;
        if !(0..=LAST_SECOND).contains(&seconds) {
            return Err(serde::de::Error::custom("time out of range"));
        }
        Ok(Timestamp::from_unix_seconds(seconds))
    }
}
