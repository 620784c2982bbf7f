use std::sync::{Mutex, MutexGuard, PoisonError};

use vv_base::{Span, Timestamp};

/// Failures in a row after which no more calls are tried.
pub(crate) const THRESHOLD: u32 = 3;
/// How long an open circuit refuses before it lets one probe through.
const COOL_DOWN: Span = Span::seconds(1);

#[derive(Default)]
struct State {
    failures: u32,
    opened: Option<Timestamp>,
    probing: bool,
    failing_since: Option<Timestamp>,
}

/// Stops asking a server that does not answer, so that an outage costs
/// callers three timeouts and then nothing but one probe per second.
#[derive(Default)]
pub(crate) struct Breaker {
    state: Mutex<State>,
}

/// What a caller may do.
pub(crate) enum Admission<'a> {
    /// Ask; report the outcome with [`Breaker::succeeded`] or [`Breaker::failed`].
    Pass,
    /// Ask on a new connection, as the only one.
    Probe(Probe<'a>),
    /// Do not ask.
    Refuse,
}

impl Breaker {
    pub(crate) fn admit(&self, now: Timestamp) -> Admission<'_> {
        let mut state = self.lock();
        let Some(opened) = state.opened else {
            return Admission::Pass;
        };
        let waited = now.since(opened);
        // A wall clock that went back must not keep the circuit open.
        let due = waited >= COOL_DOWN || waited < Span::seconds(0);
        if !due || state.probing {
            return Admission::Refuse;
        }
        state.probing = true;
        Admission::Probe(Probe { breaker: self })
    }

    /// A call that was passed got its answer. An open circuit stays open: the
    /// answer belongs to a call from before, and only a probe closes it.
    pub(crate) fn succeeded(&self) {
        let mut state = self.lock();
        if state.opened.is_none() {
            *state = State::default();
        }
    }

    /// A call that was passed failed. Tells whether this one opened the circuit.
    pub(crate) fn failed(&self, now: Timestamp) -> bool {
        let mut state = self.lock();
        state.failing_since.get_or_insert(now);
        state.failures = state.failures.saturating_add(1);
        if state.opened.is_some() || state.failures < THRESHOLD {
            return false;
        }
        state.opened = Some(now);
        metrics::gauge!("valueverse_shared_circuit_open").set(1.0);
        true
    }

    pub(crate) fn is_open(&self) -> bool {
        self.lock().opened.is_some()
    }

    /// Since when calls fail without a success in between.
    pub(crate) fn failing_since(&self) -> Option<Timestamp> {
        self.lock().failing_since
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to try once. Dropping it unused, as a cancelled call does, lets
/// the next caller probe.
pub(crate) struct Probe<'a> {
    breaker: &'a Breaker,
}

impl Probe<'_> {
    /// The server answers again.
    pub(crate) fn succeeded(self) {
        *self.breaker.lock() = State::default();
        metrics::gauge!("valueverse_shared_circuit_open").set(0.0);
    }

    /// The server still does not answer; wait again.
    pub(crate) fn failed(self, now: Timestamp) {
        self.breaker.lock().opened = Some(now);
    }
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        self.breaker.lock().probing = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn open_at(seconds: i64) -> Breaker {
        let breaker = Breaker::default();
        assert!(!breaker.failed(at(seconds)));
        assert!(!breaker.failed(at(seconds)));
        assert!(!breaker.is_open());
        assert!(breaker.failed(at(seconds)));
        assert!(breaker.is_open());
        breaker
    }

    #[test]
    fn a_success_in_between_starts_the_count_again() {
        let breaker = Breaker::default();
        breaker.failed(at(1));
        breaker.failed(at(1));
        assert_eq!(breaker.failing_since(), Some(at(1)));
        breaker.succeeded();
        assert_eq!(breaker.failing_since(), None);
        breaker.failed(at(2));
        breaker.failed(at(2));
        assert!(!breaker.is_open());
    }

    #[test]
    fn one_probe_per_cool_down() {
        let breaker = open_at(10);
        assert!(matches!(breaker.admit(at(10)), Admission::Refuse));
        let Admission::Probe(probe) = breaker.admit(at(11)) else {
            panic!("a probe is due");
        };
        assert!(matches!(breaker.admit(at(11)), Admission::Refuse));
        probe.failed(at(11));
        assert!(matches!(breaker.admit(at(11)), Admission::Refuse));
        let Admission::Probe(probe) = breaker.admit(at(12)) else {
            panic!("the next probe is due");
        };
        probe.succeeded();
        assert!(matches!(breaker.admit(at(12)), Admission::Pass));
    }

    #[test]
    fn a_cancelled_probe_and_a_clock_set_back_do_not_block_for_ever() {
        let breaker = open_at(10);
        drop(breaker.admit(at(11)));
        assert!(matches!(breaker.admit(at(11)), Admission::Probe(_)));
        assert!(matches!(breaker.admit(at(3)), Admission::Probe(_)));
    }

    #[test]
    fn a_late_answer_does_not_close_the_circuit() {
        let breaker = open_at(10);
        breaker.succeeded();
        assert!(breaker.is_open());
    }
}
