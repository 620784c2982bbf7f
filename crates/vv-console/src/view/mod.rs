//! One struct per page, holding plain data. Call [`askama::Template::render`]
//! on it; handlers fill the fields, nothing here reads a database or a clock.

mod audit;
mod badge;
mod error;
mod gate;
mod icon;
mod overview;
mod pager;
mod shell;
mod text;
mod theme;
mod users;

pub use askama::Template;
pub(crate) use audit::event_href;
pub use audit::{
    Answer, Answers, AuditFilter, AuditPage, Chip, EventPage, EventRow, EventRows, ExportPage,
    FilterForm, FindingRow, FormatChoice, KindGroup, PersonalField, Proof, ProofStep, SegmentRow,
    Side, SinkRow, VerdictMark, Verification, VerifyPage,
};
pub use badge::{Badge, Tone};
pub use error::ErrorPage;
pub use gate::{Field, LoginPage, Notice, SetupGone, SetupPage};
pub use icon::Icon;
pub use overview::{Activity, ChainState, OverviewPage, SystemFacts, UserCount};
pub use pager::Pager;
pub(crate) use pager::encode;
pub use shell::{NavGroup, NavItem, Person, Shell};
pub use theme::Theme;
pub use users::{UserRow, UsersPage};

/// Addresses the pages link and post to.
pub mod href {
    /// First page after signing in.
    pub const OVERVIEW: &str = "/";
    /// People of the tenant.
    pub const USERS: &str = "/users";
    /// The audit trail.
    pub const AUDIT: &str = "/audit";
    /// The chain, its checks and its anchors; POST: check it.
    pub const AUDIT_VERIFY: &str = "/audit/verify";
    /// GET: what to export; POST: the export.
    pub const AUDIT_EXPORT: &str = "/audit/export";
    /// GET: new rows as they come (server-sent events).
    pub const AUDIT_TAIL: &str = "/audit/tail";
    /// GET with an id behind it: one event.
    pub const AUDIT_EVENTS: &str = "/audit/events";
    /// GET with a height behind it: leads to the event there.
    pub const AUDIT_HEIGHTS: &str = "/audit/heights";
    /// GET: a signed checkpoint of the chain.
    pub const CHECKPOINT: &str = "/api/v1/audit/checkpoint";
    /// GET: the keys that verify it.
    pub const CHECKPOINT_KEYS: &str = "/api/v1/audit/keys";
    /// GET with `height`: the proof that an event is in the chain.
    pub const INCLUSION_PROOF: &str = "/api/v1/audit/proof/inclusion";
    /// GET and POST: sign in.
    pub const LOGIN: &str = "/login";
    /// POST: sign out.
    pub const LOGOUT: &str = "/logout";
    /// POST `theme`, `return_to`: sets the `theme` cookie.
    pub const THEME: &str = "/theme";
    /// GET and POST: first tenant and administrator.
    pub const SETUP: &str = "/setup";
    /// POST `{password, username?, email?}`: what the password policy says.
    pub const PASSWORD_CHECK: &str = "/api/v1/passwords/check";
}

#[cfg(test)]
mod contrast_tests;
#[cfg(test)]
mod markup_tests;
#[cfg(test)]
#[path = "../../examples/preview/samples/mod.rs"]
mod samples;
