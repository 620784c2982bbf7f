//! What becomes of old events.
//!
//! A month of a chain that is over is *closed*: a signed [`Manifest`] says
//! which heights it holds and what the tree and the chain were before and
//! after it. A closed segment is *archived*: its leaves are written to a file
//! that [`read_archive`] checks without any database. An archived segment is
//! *pruned* when its time is over: its events leave the database, while the
//! hashes stay, so that every proof can still be made. A legal hold stops that.

mod archive;
mod boundary;
mod close;
mod daily;
mod error;
mod file;
mod hold;
mod manifest;
mod month;
mod prune;
mod segment;
pub(crate) mod sql;
mod tiles;
mod walk;

use std::path::PathBuf;

pub use close::Closed;
pub use error::{ArchiveError, RetentionError};
pub use file::{ArchiveSummary, read_archive};
pub use hold::{HoldId, LegalHold, MAX_REASON};
pub use manifest::{ArchiveRef, Edge, Manifest, ManifestError};
pub use prune::{Blocked, Planned, PruneReport};
pub use segment::{Segment, SegmentState};

/// PCI DSS 10.5.1 asks for twelve months.
pub const LEAST_MONTHS: u32 = 12;

/// How long events are kept, and where their archive lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionSettings {
    /// Whole months for which events stay in the database after the month in
    /// which they were recorded, at least [`LEAST_MONTHS`]. `None` keeps them
    /// for ever.
    pub months: Option<u32>,
    /// Folder of the archive files, outside of the data folder. Without one
    /// nothing is archived, and so nothing can be pruned.
    pub archive_dir: Option<PathBuf>,
    /// Whether the daily job prunes. Otherwise only an explicit run does.
    pub auto_prune: bool,
}

impl Default for RetentionSettings {
    /// Seven years, without an archive and without pruning by itself.
    fn default() -> Self {
        Self {
            months: Some(84),
            archive_dir: None,
            auto_prune: false,
        }
    }
}
