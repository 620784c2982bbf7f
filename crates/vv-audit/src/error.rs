use vv_base::ErrorCode;
use vv_store::StoreError;

use crate::leaf::LeafError;
use crate::query::FilterError;
use crate::spool::SpoolError;

/// Why an event could not be recorded or the trail not be read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The head row of the chain, or what lies beyond it, was changed outside
    /// this product. Events of the chain wait until an operator looked at it:
    /// appending would cover up the change.
    #[error("the audit chain does not end where its head says; run `valueverse audit verify`")]
    HeadTampered,
    /// A subject key cannot be unwrapped with the configured root key.
    #[error("a subject key does not open with the configured root key")]
    SubjectKey,
    /// A stored leaf cannot be taken apart.
    #[error(transparent)]
    Leaf(#[from] LeafError),
    /// More events wait for the database than this node keeps in memory.
    #[error("too many audit events are waiting to be written")]
    Overloaded,
    /// The database is away and the local spool takes no more.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// What was asked for was pruned after its time of retention.
    #[error("events up to height {0} were pruned after their time of retention")]
    Pruned(u64),
    /// A height, size or position that the chain does not have.
    #[error("the audit chain has no such height or size")]
    OutOfRange,
    /// The event is in no anchor yet; it will be within seconds.
    #[error("the event is not anchored yet; try again in a few seconds")]
    NotAnchored,
    /// A setting cannot work.
    #[error("{0}")]
    Setting(&'static str),
    /// A key name or an origin is not usable, or a stored note is damaged.
    #[error(transparent)]
    Note(#[from] vv_crypto::NoteError),
    /// Stored tree nodes are missing or contradict each other.
    #[error("the stored audit tree is damaged; run `valueverse audit verify`")]
    TreeDamaged,
    /// What was searched for cannot be looked up.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The signed manifest that says where a pruned chain begins is missing or
    /// not genuine.
    #[error("the manifest of a pruned audit segment is missing or not genuine")]
    Manifest,
    /// The database could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuditError {
    /// The stable code for problem documents.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::HeadTampered => ErrorCode::new("audit.head_tampered"),
            Self::SubjectKey => ErrorCode::new("audit.subject_key"),
            Self::Leaf(_) => ErrorCode::new("audit.leaf"),
            Self::Overloaded => ErrorCode::new("audit.overloaded"),
            Self::Spool(error) => error.code(),
            Self::Pruned(_) => ErrorCode::new("audit.pruned"),
            Self::Filter(_) => ErrorCode::new("request.invalid_query"),
            Self::OutOfRange => ErrorCode::new("audit.out_of_range"),
            Self::NotAnchored => ErrorCode::new("audit.not_anchored"),
            Self::Setting(_) => ErrorCode::new("audit.setting"),
            Self::Note(_) => ErrorCode::new("audit.note"),
            Self::TreeDamaged => ErrorCode::new("audit.tree_damaged"),
            Self::Manifest => ErrorCode::new("audit.manifest"),
            Self::Store(error) => error.code(),
        }
    }

    /// Whether waiting may help: the database is away, busy or full.
    pub const fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::Overloaded
                | Self::Store(
                    StoreError::Unreachable(_)
                        | StoreError::Refused { .. }
                        | StoreError::Overloaded
                        | StoreError::Busy(_)
                        | StoreError::Serialization(_)
                        | StoreError::Full(_)
                        | StoreError::Closed
                )
        )
    }
}
