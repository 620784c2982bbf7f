//! The event classes of the Open Cybersecurity Schema Framework, version 1.9,
//! that the catalogue maps to.

/// A class of OCSF events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OcsfClass {
    /// Base Event: of a kind this release does not know.
    Base,
    /// Event Log Activity: something was done to the trail itself.
    EventLog,
    /// Compliance Finding: the result of a check.
    Compliance,
    /// Detection Finding: something looks like an attack.
    Detection,
    /// Authentication.
    Authentication,
    /// Authorize Session: rights of a session changed.
    AuthorizeSession,
    /// Entity Management: keys, organisations, requests, consents.
    Entity,
    /// User Management.
    User,
    /// Role Management.
    Role,
    /// Application Lifecycle.
    Lifecycle,
    /// API Activity.
    Api,
    /// Datastore Activity.
    Datastore,
}

impl OcsfClass {
    /// `class_uid`.
    pub const fn uid(self) -> u16 {
        match self {
            Self::Base => 0,
            Self::EventLog => 1008,
            Self::Compliance => 2003,
            Self::Detection => 2004,
            Self::Authentication => 3002,
            Self::AuthorizeSession => 3003,
            Self::Entity => 3004,
            Self::User => 3007,
            Self::Role => 3008,
            Self::Lifecycle => 6002,
            Self::Api => 6003,
            Self::Datastore => 6005,
        }
    }

    /// `category_uid`: the thousands of the class.
    pub const fn category_uid(self) -> u16 {
        self.uid() / 1000
    }

    /// `class_name`.
    pub const fn caption(self) -> &'static str {
        match self {
            Self::Base => "Base Event",
            Self::EventLog => "Event Log Activity",
            Self::Compliance => "Compliance Finding",
            Self::Detection => "Detection Finding",
            Self::Authentication => "Authentication",
            Self::AuthorizeSession => "Authorize Session",
            Self::Entity => "Entity Management",
            Self::User => "User Management",
            Self::Role => "Role Management",
            Self::Lifecycle => "Application Lifecycle",
            Self::Api => "API Activity",
            Self::Datastore => "Datastore Activity",
        }
    }

    /// `activity_name` of an `activity_id`; `None` for 99 (Other) and for what
    /// the class does not define.
    pub fn activity(self, id: u8) -> Option<&'static str> {
        let names = self.activities();
        usize::from(id)
            .checked_sub(1)
            .and_then(|index| names.get(index))
            .copied()
            .filter(|name| !name.is_empty())
    }

    /// The names of the activities from 1 on, as the schema numbers them.
    const fn activities(self) -> &'static [&'static str] {
        match self {
            Self::Base => &[],
            Self::EventLog => &[
                "Clear", "Delete", "Export", "Archive", "Rotate", "Start", "Stop", "Restart",
                "Enable", "Disable",
            ],
            Self::Compliance | Self::Detection => &["Create", "Update", "Close"],
            Self::Authentication => &[
                "Logon",
                "Logoff",
                "Authentication Ticket",
                "Service Ticket Request",
                "Service Ticket Renew",
                "Preauth",
                "Account Switch",
            ],
            Self::AuthorizeSession => &["Assign Privileges", "Assign Groups", "Assign Roles"],
            Self::Entity => &[
                "Create",
                "Read",
                "Update",
                "Delete",
                "Move",
                "Enroll",
                "Unenroll",
                "Enable",
                "Disable",
                "Activate",
                "Deactivate",
                "Suspend",
                "Resume",
            ],
            Self::User => USER_ACTIVITIES,
            Self::Role => &[
                "Create",
                "Update",
                "Delete",
                "Assign Privileges",
                "Remove Privileges",
                "Assign Resources",
                "Remove Resources",
                "Attach Policies",
                "Detach Policies",
                "Add Programmatic Credentials",
                "Remove Programmatic Credentials",
            ],
            Self::Lifecycle => &[
                "Install", "Remove", "Start", "Stop", "Restart", "Enable", "Disable", "Update",
            ],
            Self::Api => &["Create", "Read", "Update", "Delete"],
            Self::Datastore => &[
                "Read", "Update", "Connect", "Query", "Write", "Create", "Delete", "List",
                "Encrypt", "Decrypt",
            ],
        }
    }
}

const USER_ACTIVITIES: &[&str] = &[
    "Create",
    "Update",
    "Delete",
    "Enable",
    "Disable",
    "Lock",
    "Unlock",
    "Password Change",
    "Password Reset",
    "Attach Policies",
    "Detach Policies",
    "Enable MFA Factors",
    "Disable MFA Factors",
    "Assign Privileges",
    "Remove Privileges",
    "Assign Roles",
    "Remove Roles",
    "Add Programmatic Credentials",
    "Remove Programmatic Credentials",
];
