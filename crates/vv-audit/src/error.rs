use vv_base::ErrorCode;
use vv_store::StoreError;

use crate::leaf::LeafError;

/// Why an event could not be recorded or the trail not be read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The head row of the chain, or what lies beyond it, was changed outside
    /// this product. Nothing is appended to such a chain: a new event would
    /// cover up the change.
    #[error("the audit chain does not end where its head says; run `valueverse audit verify`")]
    HeadTampered,
    /// A subject key cannot be unwrapped with the configured root key.
    #[error("a subject key does not open with the configured root key")]
    SubjectKey,
    /// A stored leaf cannot be taken apart.
    #[error(transparent)]
    Leaf(#[from] LeafError),
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
            Self::Store(error) => error.code(),
        }
    }
}
