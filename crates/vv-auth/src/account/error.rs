use vv_audit::AuditError;
use vv_base::{CursorError, ErrorCode};
use vv_store::StoreError;

/// Why something about an account could not be done.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// There is no such person in this tenant.
    #[error("no such user in this tenant")]
    NotFound,
    /// The text is not an e-mail address.
    #[error("not a valid e-mail address")]
    Email,
    /// Another account has this address.
    #[error("an account with this e-mail address exists already")]
    EmailTaken,
    /// A sealed column does not open: another root key, or the row was altered.
    #[error("a sealed column does not open with the configured root key")]
    Sealed,
    /// The cursor is not ours.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The event could not be recorded.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The database could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AccountError {
    /// The stable code for problem documents.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound => ErrorCode::new("user.not_found"),
            Self::Email => ErrorCode::new("user.invalid_email"),
            Self::EmailTaken => ErrorCode::new("user.email_taken"),
            Self::Sealed => ErrorCode::new("user.sealed_data"),
            Self::Cursor(_) => ErrorCode::new("request.invalid_cursor"),
            Self::Audit(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    /// The only unique column besides fresh ids is the e-mail index.
    pub(super) fn from_insert(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(_) => Self::EmailTaken,
            other => Self::Store(other),
        }
    }
}
