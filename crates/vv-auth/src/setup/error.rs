use vv_audit::AuditError;
use vv_base::ErrorCode;
use vv_store::StoreError;

use crate::account::AccountError;
use crate::password::{Fault, HashError};

/// Why set-up could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The link was used, replaced or is older than an hour.
    #[error("this set-up link was used or has expired")]
    LinkGone,
    /// The tenant's name is empty or too long.
    #[error("the organisation's name must have 1 to 100 printable characters")]
    TenantName,
    /// The person's name is empty or too long.
    #[error("the name must have 1 to 100 printable characters")]
    PersonName,
    /// The address is not one.
    #[error("this is not a valid e-mail address")]
    Email,
    /// The password breaks the rules.
    #[error("the password does not meet the policy")]
    Password(Vec<Fault>),
    /// Hashing failed or is overloaded.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The account could not be created.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The event could not be recorded.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The database could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SetupError {
    /// The stable code for problem documents.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::LinkGone => ErrorCode::new("setup.link_invalid"),
            Self::TenantName => ErrorCode::new("setup.invalid_tenant_name"),
            Self::PersonName => ErrorCode::new("setup.invalid_name"),
            Self::Email => ErrorCode::new("user.invalid_email"),
            Self::Password(_) => ErrorCode::new("password.rejected"),
            Self::Hash(error) => error.code(),
            Self::Account(error) => error.code(),
            Self::Audit(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}
