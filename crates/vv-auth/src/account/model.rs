use serde::Serialize;
use vv_audit::SubjectSealer;
use vv_base::{TenantId, Timestamp, UserId};
use vv_store::row;

use super::EmailAddress;
use crate::role::SystemRole;

/// A person as staff of a tenant see them.
#[derive(Debug, Clone, Serialize)]
pub struct UserSummary {
    /// The account's id.
    pub user_id: UserId,
    /// The e-mail address.
    pub email: String,
    /// The display name.
    pub name: String,
    /// Role names in this tenant.
    pub roles: Vec<String>,
    /// `active` or `suspended`.
    pub status: String,
    /// When the account was made.
    pub created_at: Timestamp,
    /// The latest sign-in.
    pub last_sign_in_at: Option<Timestamp>,
}

/// An account to be created.
pub struct NewPerson<'a> {
    /// The id chosen for it.
    pub user: UserId,
    /// The tenant it belongs to first.
    pub tenant: TenantId,
    /// Its address.
    pub email: &'a EmailAddress,
    /// Its display name.
    pub name: &'a str,
    /// The PHC string of its password.
    pub password_hash: &'a str,
    /// Its role in the tenant.
    pub role: SystemRole,
    /// Seals what the audit trail keeps about the person.
    pub sealer: &'a SubjectSealer,
}

/// What signing in needs to know about an account.
pub(crate) struct Account {
    pub(crate) user: UserId,
    pub(crate) tenant: TenantId,
    pub(crate) password_hash: Option<String>,
    pub(crate) usable: bool,
}

impl From<LoginRow> for Account {
    fn from(row: LoginRow) -> Self {
        Self {
            user: row.user_id,
            tenant: row.home_tenant_id,
            password_hash: row.password_hash,
            usable: super::usable(&row.status) && super::usable(&row.tenant_status),
        }
    }
}

row! {
    pub(crate) struct LoginRow {
        pub user_id: UserId,
        pub home_tenant_id: TenantId,
        pub password_hash: Option<String>,
        pub status: String,
        pub tenant_status: String,
    }
}

row! {
    pub(crate) struct UserRow {
        pub user_id: UserId,
        pub email_sealed: Vec<u8>,
        pub name_sealed: Vec<u8>,
        pub status: String,
        pub created_at: Timestamp,
        pub last_sign_in_at: Option<Timestamp>,
        pub roles: String,
    }
}

row! {
    pub(crate) struct UserTotals {
        pub total: i64,
        pub active: i64,
    }
}

row! {
    pub(crate) struct UserIdRow {
        pub user_id: UserId,
    }
}

row! {
    pub(crate) struct TenantRow {
        pub tenant_id: TenantId,
        pub name: String,
    }
}

row! {
    pub(crate) struct RoleRow {
        pub role: String,
    }
}
