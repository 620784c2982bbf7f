//! The audit trail: the list, one event, the check, the export.

mod check;
mod event;
mod export;
mod filter;

use askama::Template;
use vv_base::Timestamp;

use super::{Badge, ChainState, Icon, Pager, Shell, Theme, Tone, href, text};
use crate::chart::{self, ChainStrip};

pub use check::{
    Answer, Answers, FindingRow, SegmentRow, SinkRow, VerdictMark, Verification, VerifyPage,
};
pub use event::{EventPage, PersonalField, Proof, ProofStep, Side};
pub use export::{ExportPage, FormatChoice};
pub use filter::{AuditFilter, Chip, FilterForm, KindGroup};

/// The audit trail, newest first. The filters send GET to [`href::AUDIT`].
#[derive(Debug, Clone, Template)]
#[template(path = "audit.html")]
pub struct AuditPage {
    /// Navigation and account.
    pub shell: Shell,
    /// The chain the rows belong to.
    pub chain: ChainState,
    /// The chain as a picture.
    pub strip: ChainStrip,
    /// The filters.
    pub form: FilterForm,
    /// The rows of this page.
    pub rows: Vec<EventRow>,
    /// The way through the list.
    pub pager: Pager,
    /// Whether the person may check the chain.
    pub may_verify: bool,
    /// Whether the person may take the trail out of the service.
    pub may_export: bool,
    /// Where new rows come from; `None` where they make no sense.
    pub live: Option<String>,
}

impl AuditPage {
    /// The page that exports what is shown.
    pub(crate) fn export_href(&self) -> String {
        self.form.filter.href(href::AUDIT_EXPORT)
    }
}

/// Rows alone, as the live list gets them.
#[derive(Debug, Clone, Template)]
#[template(path = "audit_rows.html")]
pub struct EventRows {
    /// The rows, in the order in which they are written.
    pub rows: Vec<EventRow>,
}

/// One audit event in the list.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// The event's id.
    pub id: String,
    /// Position in the chain, from 1.
    pub height: u64,
    /// When it got its place.
    pub at: Timestamp,
    /// Who did it, as people know them.
    pub who: String,
    /// What was done, to be read after the name.
    pub what: String,
    /// The kind, such as `session.created`.
    pub kind: String,
    /// See [`Badge::severity`].
    pub severity: Badge,
    /// See [`Badge::outcome`].
    pub outcome: Badge,
    /// What it was done to.
    pub target: Option<String>,
}

impl EventRow {
    pub(crate) fn href(&self) -> String {
        event_href(&self.id)
    }
}

pub(crate) fn event_href(id: &str) -> String {
    let mut way = format!("{}/", href::AUDIT_EVENTS);
    super::encode(&mut way, id);
    way
}

/// The event at a height; the address leads to its page.
pub(crate) fn height_href(height: u64) -> String {
    format!("{}/{height}", href::AUDIT_HEIGHTS)
}
