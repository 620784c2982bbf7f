//! A clock that tests move by hand.

use std::sync::atomic::{AtomicI64, Ordering};

use vv_base::{Clock, Span, Timestamp};

/// Stands still until told otherwise.
#[derive(Debug)]
pub struct MockClock {
    micros: AtomicI64,
}

impl MockClock {
    /// Starts at a given moment.
    pub fn new(start: Timestamp) -> Self {
        Self {
            micros: AtomicI64::new(start.unix_micros()),
        }
    }

    /// Jumps to a moment, forward or back.
    pub fn set(&self, time: Timestamp) {
        self.micros.store(time.unix_micros(), Ordering::SeqCst);
    }

    /// Moves by a span; a negative one moves back.
    pub fn advance(&self, span: Span) {
        self.micros.fetch_add(span.micros(), Ordering::SeqCst);
    }
}

impl Default for MockClock {
    /// Starts on 1 January 2026, midnight UTC.
    fn default() -> Self {
        Self::new(Timestamp::from_unix_seconds(1_767_225_600))
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.micros.load(Ordering::SeqCst))
    }
}
