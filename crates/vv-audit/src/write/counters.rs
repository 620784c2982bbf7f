use std::sync::atomic::{AtomicU64, Ordering};

/// What this start of the node emitted and what became of it.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    emitted: AtomicU64,
    sequenced: AtomicU64,
    spooled: AtomicU64,
    dropped: AtomicU64,
}

/// The counters at one moment. An event that was emitted and is in none of the
/// others is on its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CaptureCounts {
    /// Events whose transaction committed or that were given to the trail.
    pub emitted: u64,
    /// Events that this node moved into a chain, its own or another node's.
    pub sequenced: u64,
    /// Events that went through the local spool.
    pub spooled: u64,
    /// Events that could be kept nowhere.
    pub dropped: u64,
}

impl Counters {
    pub(crate) fn note_emitted(&self) {
        self.emitted.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("valueverse_audit_emitted_total").increment(1);
    }

    pub(crate) fn note_sequenced(&self, events: u64) {
        self.sequenced.fetch_add(events, Ordering::Relaxed);
        metrics::counter!("valueverse_audit_sequenced_total").increment(events);
    }

    pub(crate) fn note_spooled(&self) {
        self.spooled.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("valueverse_audit_spooled_total").increment(1);
    }

    pub(crate) fn note_dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("valueverse_audit_dropped_total").increment(1);
    }

    /// The counters now.
    pub(crate) fn counts(&self) -> CaptureCounts {
        CaptureCounts {
            emitted: self.emitted.load(Ordering::Relaxed),
            sequenced: self.sequenced.load(Ordering::Relaxed),
            spooled: self.spooled.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}
