use vv_audit::AuditError;
use vv_base::ErrorCode;
use vv_crypto::TokenError;
use vv_store::StoreError;

use crate::system::KeysError;

/// Why a session cannot be used or changed.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The session ended, never was, or the proof does not fit. One answer for all.
    #[error("the session is not valid any more; sign in again")]
    Expired,
    /// A refresh token came a second time; its session was ended.
    #[error("this refresh token was used before, so its session was ended; sign in again")]
    ReuseDetected,
    /// The access token does not verify.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A token could not be issued.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The event could not be recorded.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The database could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SessionError {
    /// The stable code for problem documents.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Expired => ErrorCode::new("session.expired"),
            Self::ReuseDetected => ErrorCode::new("session.reuse_detected"),
            Self::Token(_) => ErrorCode::new("auth.invalid_token"),
            Self::Keys(error) => error.code(),
            Self::Audit(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
