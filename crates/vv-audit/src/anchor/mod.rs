//! The log of logs, and what is left of it with others.
//!
//! [`crate::Audit::anchor_round`] writes the size and root of every chain that grew
//! into the anchor log, whose leaves form a tree of their own, and signs a
//! checkpoint over it. Whoever keeps one such checkpoint can show that a chain
//! was cut, rewritten or removed since. Sinks take checkpoints outside: files,
//! webhooks, witnesses.

mod leaf;
mod receipt;
mod round;
mod settings;
mod sink;
pub(crate) mod sql;
mod state;

pub use leaf::AnchorLeaf;
pub use receipt::{Receipt, ReceiptError};
pub use round::Anchored;
pub use settings::{AnchorSettings, SinkKind, SinkSettings};
pub use sink::{AnchorStatus, SinkFailure, SinkStatus};
pub use sql::ANCHORS;
pub(crate) use state::Anchors;
