use vv_audit::AuditError;
use vv_base::{ErrorCode, Span};
use vv_store::StoreError;

use crate::account::AccountError;
use crate::password::HashError;
use crate::session::SessionError;

/// Why somebody could not sign in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Wrong address, wrong password, suspended: one answer for all.
    #[error("the e-mail address or the password is not right")]
    InvalidCredentials,
    /// Too many tries.
    #[error("too many attempts; wait before trying again")]
    Throttled {
        /// When the next try is counted again.
        retry_after: Span,
    },
    /// The hash queue is full.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The account could not be read.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The session could not be started.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The event could not be recorded.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The database could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl LoginError {
    /// The stable code for problem documents.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidCredentials => ErrorCode::new("auth.invalid_credentials"),
            Self::Throttled { .. } => ErrorCode::new("auth.throttled"),
            Self::Hash(error) => error.code(),
            Self::Account(error) => error.code(),
            Self::Session(error) => error.code(),
            Self::Audit(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
