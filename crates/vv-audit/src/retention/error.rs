use std::io;

use vv_base::ErrorCode;
use vv_store::StoreError;

use super::ManifestError;
use crate::error::AuditError;

/// Why old events could not be closed, archived, pruned or held.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The settings name no folder for archive files.
    #[error("no folder for audit archives is configured")]
    NoArchiveFolder,
    /// Fewer months than a standard asks for.
    #[error("audit events are kept for {least} months at least", least = super::LEAST_MONTHS)]
    TooShort,
    /// There is no such segment.
    #[error("the audit chain has no closed segment for that month")]
    NoSegment,
    /// The reason of a legal hold is empty, too long or has control characters.
    #[error(
        "the reason must have 1 to {} characters and no control characters",
        super::MAX_REASON
    )]
    Reason,
    /// There is no such legal hold, or it was released before.
    #[error("no such legal hold is in force")]
    NoHold,
    /// More legal holds at once than make sense.
    #[error("the chain has too many legal holds")]
    TooManyHolds,
    /// The stored events do not lead to the head of the chain or to the signed
    /// manifest; nothing is closed, archived or pruned over such a difference.
    #[error("the stored events do not fit the chain; run `valueverse audit verify`")]
    Damaged,
    /// A stored manifest is not one that this installation signed.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// An archive file is missing, damaged or another one.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The trail could not be read or written.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl From<StoreError> for RetentionError {
    fn from(error: StoreError) -> Self {
        Self::Audit(error.into())
    }
}

impl RetentionError {
    /// The stable code for problem documents.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::NoArchiveFolder => ErrorCode::new("audit.no_archive_folder"),
            Self::TooShort => ErrorCode::new("audit.retention_too_short"),
            Self::NoSegment => ErrorCode::new("audit.no_segment"),
            Self::Reason => ErrorCode::new("audit.hold_reason"),
            Self::NoHold => ErrorCode::new("audit.no_hold"),
            Self::TooManyHolds => ErrorCode::new("audit.too_many_holds"),
            Self::Damaged => ErrorCode::new("audit.segment_damaged"),
            Self::Manifest(_) => ErrorCode::new("audit.manifest"),
            Self::Archive(_) => ErrorCode::new("audit.archive"),
            Self::Audit(error) => error.code(),
        }
    }
}

/// Why a file is not the archive of a segment.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file system could not do it.
    #[error("the audit archive could not be read or written: {0}")]
    Io(#[from] io::Error),
    /// It does not start as an archive does.
    #[error("the file is not an audit archive")]
    Format,
    /// The manifest in it is not one that a known key signed.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The leaf at this height is missing, changed or cut off, or does not
    /// link to the one before.
    #[error("the audit archive is damaged at height {0}")]
    Leaf(u64),
    /// The leaves are whole and are not those that the manifest speaks of.
    #[error("the leaves of the audit archive do not fit its manifest")]
    Tree,
    /// There is something behind the last leaf.
    #[error("the audit archive goes on behind its last event")]
    Excess,
    /// A good archive, of something else than was asked for.
    #[error("the audit archive is that of another segment, or was replaced")]
    Other,
}
