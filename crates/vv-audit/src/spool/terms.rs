//! Positions, frames, limits, errors and incidents of the spool.

use std::io;

use vv_base::{ErrorCode, Span, Timestamp};

/// A place in the spool: how far somebody has read. Ordered, and never used
/// twice in the life of a spool folder, whatever was released meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct SpoolPosition {
    /// Number of the segment file; fits an SQL `BIGINT`.
    pub(crate) segment: u64,
    /// Byte offset in the segment.
    pub(crate) offset: u64,
}

/// One acknowledged payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpoolFrame {
    /// The END of the frame: what to hand to the next read, and to release.
    pub(crate) position: SpoolPosition,
    /// The time the appender gave.
    pub(crate) at: Timestamp,
    /// The bytes as they were appended.
    pub(crate) payload: Vec<u8>,
}

/// How much waits to be drained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SpoolDepth {
    /// Frames not yet released.
    pub(crate) frames: u64,
    /// Their bytes, with frame heads.
    pub(crate) bytes: u64,
    /// Time of the oldest of them.
    pub(crate) oldest: Option<Timestamp>,
}

/// How much the spool may hold.
#[derive(Debug, Clone, Copy)]
pub struct SpoolLimits {
    /// Bytes of all segment files together.
    pub bytes: u64,
    /// How old the oldest waiting frame may be before new ones are refused.
    pub age: Span,
    /// Bytes of one segment file before the next is started.
    pub segment_bytes: u64,
}

impl Default for SpoolLimits {
    fn default() -> Self {
        Self {
            bytes: 256 * 1024 * 1024,
            age: Span::days(1),
            segment_bytes: 16 * 1024 * 1024,
        }
    }
}

impl SpoolLimits {
    const SEGMENT_MIN: u64 = 4 * 1024;
    pub(super) const SEGMENT_MAX: u64 = 64 * 1024 * 1024;

    pub(super) fn check(&self) -> Result<(), SpoolError> {
        let segment_fits = (Self::SEGMENT_MIN..=Self::SEGMENT_MAX).contains(&self.segment_bytes);
        if segment_fits && self.bytes >= self.segment_bytes && self.age > Span::seconds(0) {
            Ok(())
        } else {
            Err(SpoolError::Limits)
        }
    }
}

/// Why the spool did not do it. An append that failed left nothing behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpoolError {
    /// The limit of bytes is reached.
    #[error("the audit spool is full")]
    Full,
    /// The oldest frame waits longer than allowed.
    #[error("the audit spool has not been drained for too long")]
    Overdue,
    /// The payload is empty or larger than 128 KiB.
    #[error("an audit spool entry must have between 1 byte and 128 KiB")]
    Size,
    /// The disk or the quota is full.
    #[error("no space left on the disk of the audit spool")]
    NoSpace,
    /// Another process, or another part of this one, holds the folder.
    #[error("the audit spool folder is in use by another process")]
    Locked,
    /// Group or others may enter the folder.
    #[error("the audit spool folder must be open to its owner only (mode 0700)")]
    Exposed,
    /// A position that is not the end of a frame, or lies ahead of the spool:
    /// the cursor belongs to another folder.
    #[error("the position does not belong to this audit spool folder")]
    UnknownPosition,
    /// The settings contradict each other.
    #[error("audit spool limits: segments of 4 KiB to 64 MiB, no more than the total, age above 0")]
    Limits,
    /// The spool was closed.
    #[error("the audit spool is closed")]
    Closed,
    /// The file system refused.
    #[error("the audit spool could not {doing}: {kind}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        kind: io::ErrorKind,
    },
}

impl SpoolError {
    /// The stable code for problem documents.
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::new(match self {
            Self::Full => "audit.spool_full",
            Self::Overdue => "audit.spool_overdue",
            Self::Size => "audit.spool_entry_size",
            Self::NoSpace => "audit.spool_no_space",
            Self::Locked => "audit.spool_locked",
            Self::Exposed => "audit.spool_exposed",
            Self::UnknownPosition => "audit.spool_position",
            Self::Limits => "audit.spool_limits",
            Self::Closed => "audit.spool_closed",
            Self::Io { .. } => "audit.spool_io",
        })
    }

    pub(crate) fn io(doing: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::NoSpace,
            kind => Self::Io { doing, kind },
        }
    }
}

/// Something that must not happen did. The caller turns it into an event of
/// the trail; the spool itself went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpoolIncident {
    /// The newest segment ended in bytes that are no whole frame; they were
    /// cut. After a crash that is a write nobody got an answer to; a last
    /// write that rotted on the disk looks the same.
    TornTail {
        /// The segment.
        segment: u64,
        /// Where it ends now.
        end: u64,
        /// Bytes cut.
        cut: u64,
    },
    /// Acknowledged bytes changed or vanished. The file is kept as
    /// `<segment>.damaged`; what stood before the damage is still drained.
    Damaged {
        /// The segment.
        segment: u64,
        /// End of the part that is still good; 0 when the header is gone too.
        good: u64,
        /// Bytes behind it, of which some may be readable by hand.
        lost: u64,
    },
    /// A segment file that nobody released is gone.
    Missing {
        /// The segment.
        segment: u64,
    },
    /// The file being written was deleted or replaced; it was written anew
    /// from the open file, nothing is lost.
    Restored {
        /// The segment.
        segment: u64,
    },
}
