use std::fmt;
use std::str::FromStr;

macro_rules! permissions {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// One thing that somebody may be allowed to do, written `resource:action`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Permission { $($(#[doc = $doc])+ $name,)+ }

        impl Permission {
            /// Every permission there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The wire form.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

permissions! {
    /// See the accounts of the tenant.
    UserRead = "user:read",
    /// Read the tenant's audit trail.
    AuditRead = "audit:read",
    /// Check the tenant's audit chain.
    AuditVerify = "audit:verify",
    /// Write events of applications into the tenant's audit trail.
    AuditWrite = "audit:write",
    /// Take the tenant's audit trail out of the service.
    AuditExport = "audit:export",
    /// Place and release legal holds, see how the trail is kept.
    AuditManage = "audit:manage",
    /// See the overview numbers.
    DashboardRead = "dashboard:read",
}

impl Permission {
    /// Its bit in a [`PermissionSet`].
    const fn bit(self) -> u64 {
        match self {
            Self::UserRead => 1,
            Self::AuditRead => 1 << 1,
            Self::AuditVerify => 1 << 2,
            Self::DashboardRead => 1 << 3,
            Self::AuditWrite => 1 << 4,
            Self::AuditExport => 1 << 5,
            Self::AuditManage => 1 << 6,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The permissions somebody holds in one tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u64);

impl PermissionSet {
    /// Whether the permission is held.
    pub const fn allows(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// This set and another together.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The permissions held, in catalogue order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .iter()
            .copied()
            .filter(move |permission| self.allows(*permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(
            permissions
                .into_iter()
                .fold(0, |bits, permission| bits | permission.bit()),
        )
    }
}

/// The roles that come with the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SystemRole {
    /// Full administrative access to a tenant.
    BillingAdmin,
    /// Day-to-day operation.
    BillingOperator,
    /// Looks, changes nothing.
    BillingReadonly,
    /// Programs that integrate with the billing system.
    BillingApi,
}

impl SystemRole {
    /// Every system role.
    pub const ALL: &'static [Self] = &[
        Self::BillingAdmin,
        Self::BillingOperator,
        Self::BillingReadonly,
        Self::BillingApi,
    ];

    /// The stored and wire name; PostgreSQL has a role of the same name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BillingAdmin => "billing_admin",
            Self::BillingOperator => "billing_operator",
            Self::BillingReadonly => "billing_readonly",
            Self::BillingApi => "billing_api",
        }
    }

    /// What it allows.
    pub fn permissions(self) -> PermissionSet {
        match self {
            Self::BillingAdmin => Permission::ALL.iter().copied().collect(),
            Self::BillingOperator => [Permission::UserRead, Permission::DashboardRead]
                .into_iter()
                .collect(),
            Self::BillingReadonly => [Permission::DashboardRead].into_iter().collect(),
            Self::BillingApi => [Permission::AuditWrite].into_iter().collect(),
        }
    }
}

impl FromStr for SystemRole {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL
            .iter()
            .copied()
            .find(|role| role.as_str() == name)
            .ok_or(())
    }
}

/// The permissions of several role names; a name we do not know allows nothing.
pub(crate) fn permissions_of<'a>(roles: impl Iterator<Item = &'a str>) -> PermissionSet {
    roles
        .filter_map(|name| name.parse::<SystemRole>().ok())
        .fold(PermissionSet::default(), |set, role| {
            set.union(role.permissions())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_distinct() {
        let all: PermissionSet = Permission::ALL.iter().copied().collect();
        assert_eq!(all.iter().count(), Permission::ALL.len());
    }

    #[test]
    fn unknown_roles_allow_nothing() {
        let set = permissions_of(["root", "billing_admin\0", ""].into_iter());
        assert_eq!(set, PermissionSet::default());
    }

    #[test]
    fn the_matrix_is_the_documented_one() {
        let matrix: Vec<String> = SystemRole::ALL
            .iter()
            .map(|role| {
                let held: Vec<_> = role.permissions().iter().map(Permission::as_str).collect();
                format!("{}: {}", role.as_str(), held.join(" "))
            })
            .collect();
        assert_eq!(
            matrix,
            [
                "billing_admin: user:read audit:read audit:verify audit:write audit:export \
                 audit:manage dashboard:read",
                "billing_operator: user:read dashboard:read",
                "billing_readonly: dashboard:read",
                "billing_api: audit:write",
            ]
        );
    }
}
