//! The audit trail: what happened, in an order nobody can quietly change.
//!
//! Every state change of the product records an [`Event`] in its own
//! transaction. Events of one tenant form a chain: each leaf holds the hash of
//! the leaf before it, and the leaf hash is at the same time an RFC 6962 leaf
//! hash. The leaf bytes are stored verbatim and are the truth; search columns
//! are only a projection that [`Audit::verify`] compares with them.
//!
//! Personal fields never enter a leaf in clear. They are sealed under the key
//! of the data subject, so destroying that key makes them unreadable while
//! every hash stays as it was.

mod anchor;
mod application;
mod audit;
mod blind;
mod body;
mod catalogue;
mod erasure;
mod error;
mod event;
pub mod export;
mod health;
mod keeper;
mod leaf;
mod looks;
mod projection;
mod proof;
mod query;
pub mod redact;
mod retention;
pub(crate) mod spool;
mod sql;
mod subject;
mod tail;
pub mod tree;
mod verify;
mod view;
mod witness;
mod write;

pub use anchor::{
    ANCHORS, AnchorLeaf, AnchorSettings, AnchorStatus, Anchored, Receipt, ReceiptError,
    SinkFailure, SinkKind, SinkSettings, SinkStatus,
};
pub use application::{
    ApplicationEvent, ApplicationEventError, MAX_DESCRIPTION_CHARS, MAX_TARGET_CHARS,
};
pub use audit::{ANCHOR_CHAIN, Audit, AuditParts, AuditSettings, SYSTEM_CHAIN};
pub use blind::SEARCHABLE;
pub use body::{Json, MAX_DEPTH};
pub use catalogue::{
    AppKind, Durability, EventType, EventTypeError, Kind, MAX_APP_NAME, OcsfClass, Severity,
    catalogue_page,
};
pub use erasure::Erased;
pub use error::AuditError;
pub use event::{Event, Outcome, Target};
pub use health::AuditHealth;
pub use keeper::Keeper;
pub use leaf::{Leaf, LeafError, LeafHeader, leaf_hash};
pub use looks::Look;
pub use proof::{ConsistencyProof, InclusionProof, Log, LogHead, TlogProof, TlogProofError};
pub use query::{
    ActorCount, AuditStats, ChainHead, EventCount, EventDetail, EventFilter, EventView,
    ExportRequest, FilterError, HourCount, Order,
};
pub use retention::{
    ArchiveError, ArchiveRef, ArchiveSummary, Blocked, Closed, Edge, HoldId, LEAST_MONTHS,
    LegalHold, MAX_REASON, Manifest, ManifestError, Planned, PruneReport, RetentionError,
    RetentionSettings, Segment, SegmentState, read_archive,
};
pub use spool::{SpoolError, SpoolLimits};
#[doc(hidden)]
pub use spool::{fuzz_spool_build, fuzz_spool_scan};
pub use sql::statements;
pub use subject::{SUBJECT_STATEMENTS, SubjectSealer};
pub use tail::Followed;
#[doc(hidden)]
pub use verify::LoadedChain;
pub use verify::{
    Capture, CaptureVerdict, ExportVerification, Finding, LastVerification, LineFinding,
    MAX_FINDINGS, Question, Start, Verdict, Verdicts, Verification, VerifyOptions, verify_export,
};
pub use view::{BodyText, BodyValue, BodyView, SealedView, TargetView};
pub use witness::{MAX_WITNESS_REQUEST, Witness, WitnessRefusal, WitnessSettings, WitnessedLog};
#[doc(hidden)]
pub use write::PreparedEvents;
pub use write::{CaptureCounts, EVENTS, Emitted, Recorded, Resumed};
