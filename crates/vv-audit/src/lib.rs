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

mod body;
mod catalogue;
mod error;
mod event;
mod leaf;
mod query;
mod record;
mod sql;
mod subject;
mod verify;

pub use body::{Json, MAX_DEPTH};
pub use catalogue::{Kind, Severity};
pub use error::AuditError;
pub use event::{Event, Outcome, Target};
pub use leaf::{Leaf, LeafError, LeafHeader, leaf_hash};
pub use query::{ChainHead, EventFilter, EventView, HourCount};
pub use record::{Audit, Recorded, SYSTEM_CHAIN};
pub use sql::STATEMENTS;
pub use subject::{SUBJECT_STATEMENTS, SubjectSealer};
pub use verify::{LastVerification, Verdict, Verdicts, Verification};
