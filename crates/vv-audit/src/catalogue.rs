//! The event kinds this product writes itself. Later slices add theirs here, so
//! that one list answers "what is ever recorded?".

/// How much attention an event deserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Ordinary business.
    Info,
    /// Worth a look when it repeats.
    Warning,
    /// Something failed that should work.
    Error,
    /// Somebody should look now.
    Critical,
}

impl Severity {
    /// The spelling in leaves, columns and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

macro_rules! catalogue {
    ($($(#[doc = $doc:literal])+ $name:ident = $category:literal . $action:literal, $severity:ident, $phrase:literal;)+) => {
        /// What happened. The wire name is `category.action`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[doc = $doc])+ $name,)+ }

        impl Kind {
            /// Every kind, for documentation and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The group it belongs to.
            pub const fn category(self) -> &'static str {
                match self { $(Self::$name => $category,)+ }
            }
            /// What happened within the group.
            pub const fn action(self) -> &'static str {
                match self { $(Self::$name => $action,)+ }
            }
            /// `category.action`, as stored and searched.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => concat!($category, ".", $action),)+ }
            }
            /// The severity it is recorded with.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)+ }
            }
            /// What was done, to be read after the name of whoever did it.
            pub const fn phrase(self) -> &'static str {
                match self { $(Self::$name => $phrase,)+ }
            }
            /// The kind of a stored name; kinds of newer releases are unknown.
            pub fn by_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.name() == name)
            }
            /// One sentence for people.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc,)+),)+ }
            }
        }
    };
}

catalogue! {
    /// A person signed in.
    LoginSucceeded = "authentication"."login_succeeded", Info, "signed in";
    /// A sign-in was refused.
    LoginFailed = "authentication"."login_failed", Warning, "failed to sign in";
    /// A sign-in was refused because of too many attempts.
    LoginThrottled = "authentication"."login_throttled", Warning, "was turned away after too many sign-in attempts";
    /// A person signed out.
    Logout = "authentication"."logout", Info, "signed out";
    /// A token pair was exchanged for a new one.
    SessionRefreshed = "authentication"."session_refreshed", Info, "renewed a session";
    /// A refresh token was presented a second time; its session was ended.
    RefreshReused = "authentication"."refresh_reused", Critical, "presented a used refresh token";
    /// Somebody asked for something their roles do not allow.
    PermissionDenied = "authorization"."permission_denied", Warning, "was refused for lack of a permission";
    /// A role was given to a person.
    RoleGranted = "authorization"."role_granted", Warning, "granted a role";
    /// A tenant was created.
    TenantCreated = "data"."tenant_created", Info, "created the organisation";
    /// An account was created.
    UserCreated = "data"."user_created", Info, "created an account";
    /// The accounts of a tenant were listed.
    UsersListed = "data"."users_listed", Info, "listed the users";
    /// One account was looked at by staff.
    UserViewed = "data"."user_viewed", Info, "looked at an account";
    /// Audit events were looked at.
    AuditViewed = "data"."audit_viewed", Info, "looked at the audit trail";
    /// The audit chain was checked.
    ChainVerified = "security"."chain_verified", Info, "verified the audit chain";
    /// The audit chain did not verify.
    ChainBroken = "security"."chain_broken", Critical, "found the audit chain broken";
    /// A key was generated.
    KeyGenerated = "security"."key_generated", Info, "generated a key";
    /// The one-time set-up link was issued.
    SetupLinkIssued = "system"."setup_link_issued", Warning, "issued a set-up link";
    /// The first administrator was created.
    SetupCompleted = "system"."setup_completed", Warning, "completed the set-up";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_descriptions_are_sentences() {
        let names: HashSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert!(kind.description().trim().ends_with('.'), "{}", kind.name());
        }
    }
}
