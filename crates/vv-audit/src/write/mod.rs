//! From an event to its place in a chain.
//!
//! [`crate::Audit::record`] puts the event into the intake, in the transaction of the
//! change it tells of. The sequencer moves what is in the intake, what callers
//! gave to [`crate::Audit::append`] and what waits in the spool into the chains, many
//! events per transaction. Any node may do that at any time: a row lock keeps
//! batches apart, and a compare-and-set on the height of every head would
//! catch it if it did not.

mod batch;
mod broken;
mod counters;
mod emit;
mod head;
mod intake;
mod json;
mod many;
mod prepared;
mod queue;
mod resume;
mod sequence;
mod spooling;
pub(crate) mod sql;
mod tally;

pub use batch::EVENTS;
pub(crate) use batch::{TileGrowth, head_moves};
pub(crate) use batch::{month_of, month_start};
pub use counters::CaptureCounts;
pub(crate) use counters::Counters;
pub use emit::Emitted;
pub(crate) use head::{Head, HeadRow};
pub use many::PreparedEvents;
pub(crate) use queue::Sequencer;
pub use resume::Resumed;
pub(crate) use sequence::hex_ids;
pub(crate) use spooling::spool_cursor;
pub(crate) use tally::HOUR;

use vv_base::EventId;

/// Where an event found its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// The event's id.
    pub event_id: EventId,
    /// Its place in the chain, counted from 1.
    pub height: u64,
    /// Its hash, which the next event will hold.
    pub leaf_hash: [u8; 32],
}
