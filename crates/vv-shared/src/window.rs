use vv_base::{Span, Timestamp};

use crate::Subject;

/// Latest moment that the scripts in Redis calculate with: their numbers are
/// IEEE 754 doubles, exact up to 2^53.
const LAST_MICROS: i64 = 8_000_000_000_000_000;
/// Longest rate window and longest time to live, in microseconds (400 days).
pub(crate) const MAX_SPAN: Span = Span::days(400);

/// A moment as the number that both homes store: microseconds since the epoch,
/// kept inside the range that doubles represent exactly.
pub(crate) fn stored_micros(time: Timestamp) -> i64 {
    time.unix_micros().clamp(0, LAST_MICROS)
}

/// A rate limit for one subject: `limit` units at once, refilled evenly over
/// `length`.
///
/// The algorithm is GCRA (the virtual-scheduling form of ITU-T I.371): the
/// whole state is one number, the theoretical arrival time. After a rest,
/// `limit` units pass at once, then one per `length / limit`. So any stretch
/// of `length` sees at most twice the limit, and a refused attempt costs
/// nothing. A hard ceiling, such as failed passwords in a row, belongs in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    name: &'static str,
    subject: Subject,
    limit: u32,
    length: Span,
}

impl Window {
    /// `name` says what is counted, such as `login.address`; keep limit and
    /// length the same for one name. A limit of 0 refuses everything. The
    /// length is brought into 1 second to 400 days.
    pub fn new(name: &'static str, subject: impl Into<Subject>, limit: u32, length: Span) -> Self {
        Self {
            name,
            subject: subject.into(),
            limit,
            length: length.clamp(Span::seconds(1), MAX_SPAN),
        }
    }

    /// What is counted.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Units that pass at once after a rest.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    pub(crate) const fn subject(&self) -> Subject {
        self.subject
    }

    /// This node's part of the limit when the nodes cannot count together.
    pub(crate) fn share_of(&self, nodes: u32) -> Self {
        let least = self.limit.min(1);
        Self {
            limit: (self.limit / nodes.max(1)).max(least),
            ..*self
        }
    }

    /// Microseconds that one unit takes to come back; rounded up, so never too generous.
    pub(crate) fn step(&self) -> i64 {
        let limit = i64::from(self.limit.max(1));
        let length = self.length.micros();
        let whole = length.checked_div(limit).unwrap_or(length);
        let exact = whole.saturating_mul(limit) == length;
        whole.saturating_add(i64::from(!exact)).max(1)
    }

    /// Microseconds that a used-up budget takes to come back in full.
    pub(crate) fn capacity(&self) -> i64 {
        self.step().saturating_mul(i64::from(self.limit))
    }

    /// One step of the algorithm. `arrival` is the stored number, 0 for none.
    /// A number further ahead than a full budget means that the clock went
    /// back; it counts as a full budget, so that nobody is locked out for
    /// longer.
    pub(crate) fn decide(&self, arrival: i64, now: i64, cost: u32) -> Decision {
        let full = now.saturating_add(self.capacity());
        let base = arrival.max(now).min(full);
        let wanted = base.saturating_add(self.step().saturating_mul(i64::from(cost.max(1))));
        let allowed = wanted <= full;
        Decision {
            hit: self.describe(allowed, base, now, cost),
            arrival: (allowed && cost > 0).then_some(wanted),
        }
    }

    /// The answer for a decision that was already taken on `base`.
    pub(crate) fn describe(&self, allowed: bool, base: i64, now: i64, cost: u32) -> Hit {
        let step = self.step();
        let full = now.saturating_add(self.capacity());
        let used = step.saturating_mul(i64::from(cost));
        let after = if allowed {
            base.saturating_add(used)
        } else {
            base
        };
        let left = full.saturating_sub(after).max(0).checked_div(step);
        let wait = base
            .saturating_add(step.saturating_mul(i64::from(cost.max(1))))
            .saturating_sub(full);
        Hit {
            allowed,
            limit: self.limit,
            remaining: left
                .and_then(|left| u32::try_from(left).ok())
                .unwrap_or(0)
                .min(self.limit),
            retry_after: match (allowed, cost.max(1) > self.limit) {
                (true, _) => span(0),
                (false, true) => self.length,
                (false, false) => span(wait.max(1)),
            },
            degraded: false,
        }
    }

    pub(crate) fn redis_key(&self, prefix: &str) -> String {
        format!("{prefix}w:{}:{}", self.name, self.subject)
    }
}

fn span(micros: i64) -> Span {
    Timestamp::from_unix_micros(micros).since(Timestamp::from_unix_micros(0))
}

/// What a step of the rate algorithm gave.
pub(crate) struct Decision {
    pub(crate) hit: Hit,
    /// The number to store; nothing changes when `None`.
    pub(crate) arrival: Option<i64>,
}

/// The answer of a rate window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Whether the cost fitted and was taken.
    pub allowed: bool,
    /// The limit that was applied; smaller than asked for while degraded.
    pub limit: u32,
    /// Units left now.
    pub remaining: u32,
    /// When refused, how long until the same cost fits; the window's length if
    /// the cost is above the limit and never fits. Zero when allowed.
    pub retry_after: Span,
    /// The nodes could not count together; this is one node's own, stricter count.
    pub degraded: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_more_than_burst_plus_refill(
            limit in 0_u32..50,
            seconds in 1_i64..5_000,
            steps in prop::collection::vec((0_i64..20_000_000, 1_u32..4), 1..200),
        ) {
            let window = Window::new("t", Subject::GLOBAL, limit, Span::seconds(seconds));
            let start = 1_800_000_000_000_000_i64;
            let (mut now, mut arrival, mut passed) = (start, 0_i64, 0_i64);
            for (pause, cost) in steps {
                now += pause;
                let decision = window.decide(arrival, now, cost);
                prop_assert_eq!(decision.hit.allowed, decision.arrival.is_some());
                if let Some(next) = decision.arrival {
                    arrival = next;
                    passed += i64::from(cost);
                }
                prop_assert!(passed <= i64::from(limit) + (now - start) / window.step());
            }
        }

        #[test]
        fn waiting_as_told_is_enough_and_not_a_microsecond_less(
            limit in 1_u32..50, seconds in 1_i64..5_000, cost in 1_u32..50,
        ) {
            prop_assume!(cost <= limit);
            let window = Window::new("t", Subject::GLOBAL, limit, Span::seconds(seconds));
            let now = 1_800_000_000_000_000_i64;
            let used = window.decide(0, now, limit).arrival.unwrap();
            let refused = window.decide(used, now, cost).hit;
            prop_assert!(!refused.allowed);
            let wait = refused.retry_after.micros();
            prop_assert!(window.decide(used, now + wait, cost).hit.allowed);
            prop_assert!(!window.decide(used, now + wait - 1, cost).hit.allowed);
        }

        #[test]
        fn nothing_overflows(
            arrival in any::<i64>(), now in any::<i64>(), cost in any::<u32>(),
            limit in any::<u32>(), length in any::<i64>(),
        ) {
            let length = span(length);
            let hit = Window::new("t", Subject::GLOBAL, limit, length).decide(arrival, now, cost).hit;
            prop_assert!(hit.remaining <= limit);
            prop_assert!(hit.retry_after.micros() >= 0);
        }
    }

    #[test]
    fn a_share_is_stricter_but_never_zero() {
        let window = Window::new("t", Subject::GLOBAL, 10, Span::seconds(60));
        assert_eq!(window.share_of(4).limit(), 2);
        assert_eq!(window.share_of(400).limit(), 1);
        assert_eq!(window.share_of(0).limit(), 10);
        let closed = Window::new("t", Subject::GLOBAL, 0, Span::seconds(60));
        assert_eq!(closed.share_of(4).limit(), 0);
        assert!(!closed.decide(0, 1, 1).hit.allowed);
        assert!(!closed.decide(0, 1, 0).hit.allowed);
    }

    #[test]
    fn a_clock_that_went_back_locks_out_for_one_window_at_most() {
        let window = Window::new("t", Subject::GLOBAL, 2, Span::seconds(60));
        let far = 9_000_000_000_i64;
        let hit = window.decide(far, 1_000_000, 1).hit;
        assert!(!hit.allowed);
        assert_eq!(hit.retry_after, Span::seconds(30));
    }
}
