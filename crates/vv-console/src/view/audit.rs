use askama::Template;
use vv_base::Timestamp;

use super::{Badge, ChainState, Icon, Pager, Shell, Theme, href, text};

/// From this height on a check takes long enough to ask first.
const LONG_CHAIN: u64 = 1_000_000;

/// The audit trail, newest first. The check posts `csrf` to
/// [`href::AUDIT_VERIFY`].
#[derive(Debug, Clone, Template)]
#[template(path = "audit.html")]
pub struct AuditPage {
    /// Navigation and account.
    pub shell: Shell,
    /// The chain the rows belong to.
    pub chain: ChainState,
    /// The check that was asked for just now.
    pub verification: Option<Verification>,
    /// The rows of this page.
    pub rows: Vec<EventRow>,
    /// The way through the list.
    pub pager: Pager,
}

impl AuditPage {
    pub(crate) fn ask_before_check(&self) -> bool {
        self.chain.height >= LONG_CHAIN
    }
}

/// One audit event.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// Position in the chain, from 1.
    pub height: u64,
    /// When it happened.
    pub at: Timestamp,
    /// The kind, such as `session.created`.
    pub kind: String,
    /// See [`Badge::severity`].
    pub severity: Badge,
    /// See [`Badge::outcome`].
    pub outcome: Badge,
    /// Who did it.
    pub actor: String,
    /// What it was done to.
    pub target: Option<String>,
    /// Hash of the event in lowercase hex.
    pub hash: String,
}

/// The verdict of a check of the whole chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Whether every event follows from the one before.
    pub verified: bool,
    /// Events read.
    pub checked: u64,
    /// The first event that does not fit.
    pub first_bad_height: Option<u64>,
    /// When the check ran.
    pub at: Timestamp,
}
