use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use vv_base::{Clock, Span, Timestamp};

use crate::expiring::{Expiring, Full};
use crate::window::stored_micros;
use crate::{
    Hit, LeaseKey, OnceKey, Revocation, RevocationKey, SharedError, Subject, Topic, Window,
};

/// Subjects counted exactly per window name; about 10 MiB when full.
const SUBJECTS: usize = 65_536;
/// Budgets that the subjects beyond share.
const OVERFLOW: u32 = 4_096;
/// Live one-time guards; about 30 MiB when full.
const GUARDS: usize = 262_144;
/// Live tombstones; about 25 MiB when full.
const TOMBSTONES: usize = 262_144;
/// Live leases.
const LEASES: usize = 16_384;
/// Notices a slow reader may be behind before it sees a gap.
const BACKLOG: usize = 1_024;

/// Shared state of a single process. Every table is bounded:
///
/// - rate windows: beyond the cap of live subjects per window name, further
///   subjects share a fixed number of budgets by hash. They may be refused too
///   early while the table is full, and nobody is ever unlimited.
/// - one-time guards and leases: beyond the cap the verb fails, so the caller refuses.
/// - tombstones: beyond the cap unseen keys answer `Unknown`, so SQL decides.
pub(crate) struct Memory {
    clock: Arc<dyn Clock>,
    windows: Mutex<HashMap<&'static str, Counters>>,
    once: Mutex<Expiring<OnceKey, ()>>,
    tombstones: Mutex<Tombstones>,
    leases: Mutex<Expiring<LeaseKey, String>>,
    topics: Mutex<HashMap<Topic, broadcast::Sender<Arc<str>>>>,
    subjects: usize,
    hasher: RandomState,
}

struct Counters {
    exact: Expiring<Subject, i64>,
    overflow: Vec<i64>,
}

struct Tombstones {
    exact: Expiring<RevocationKey, ()>,
    /// Until when some tombstone that found no room is valid.
    lost_until: i64,
}

impl Memory {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_caps(clock, SUBJECTS, GUARDS, TOMBSTONES)
    }

    fn with_caps(clock: Arc<dyn Clock>, subjects: usize, guards: usize, tombs: usize) -> Self {
        Self {
            clock,
            windows: Mutex::default(),
            once: Mutex::new(Expiring::new(guards)),
            tombstones: Mutex::new(Tombstones {
                exact: Expiring::new(tombs),
                lost_until: 0,
            }),
            leases: Mutex::new(Expiring::new(LEASES)),
            topics: Mutex::default(),
            subjects,
            hasher: RandomState::new(),
        }
    }

    fn now(&self) -> i64 {
        stored_micros(self.clock.now())
    }

    pub(crate) fn hit(&self, window: &Window, cost: u32) -> Hit {
        let now = self.now();
        let mut windows = lock(&self.windows);
        let counters = windows.entry(window.name()).or_insert_with(|| Counters {
            exact: Expiring::new(self.subjects),
            overflow: Vec::new(),
        });
        let subject = window.subject();
        if let Some(arrival) = counters.exact.get(&subject, now).copied() {
            let decision = window.decide(arrival, now, cost);
            if let Some(next) = decision.arrival {
                // A known subject always has room.
                let kept = counters.exact.put(subject, next, next, now);
                debug_assert_eq!(kept, Ok(()));
            }
            return decision.hit;
        }
        let decision = window.decide(0, now, cost);
        let Some(next) = decision.arrival else {
            return decision.hit;
        };
        match counters.exact.put(subject, next, next, now) {
            Ok(()) => decision.hit,
            Err(Full) => self.hit_overflow(&mut counters.overflow, window, now, cost),
        }
    }

    fn hit_overflow(&self, budgets: &mut Vec<i64>, window: &Window, now: i64, cost: u32) -> Hit {
        let slots = usize::try_from(OVERFLOW).unwrap_or(1);
        budgets.resize(slots, 0);
        let hash = self.hasher.hash_one(window.subject()) % u64::from(OVERFLOW);
        let slot = usize::try_from(hash).unwrap_or(0);
        let Some(arrival) = budgets.get_mut(slot) else {
            return window.describe(false, now, now, cost);
        };
        let decision = window.decide(*arrival, now, cost);
        if let Some(next) = decision.arrival {
            *arrival = next;
        }
        decision.hit
    }

    pub(crate) fn set_once(&self, key: &OnceKey, ttl: Span) -> Result<bool, SharedError> {
        let now = self.now();
        let mut once = lock(&self.once);
        if once.get(key, now).is_some() {
            return Ok(false);
        }
        once.put(*key, (), now.saturating_add(ttl.micros()), now)
            .map(|()| true)
            .map_err(|Full| SharedError::Full("one-time guards"))
    }

    pub(crate) fn revoke(&self, key: &RevocationKey, until: Timestamp) {
        let (now, until) = (self.now(), stored_micros(until));
        let mut tombstones = lock(&self.tombstones);
        // Still standing at the new end means that the old one lasts longer.
        if until <= now || tombstones.exact.get(key, until.saturating_sub(1)).is_some() {
            return;
        }
        if tombstones.exact.put(*key, (), until, now) == Err(Full) {
            tombstones.lost_until = tombstones.lost_until.max(until);
        }
    }

    pub(crate) fn is_revoked(&self, key: &RevocationKey) -> Revocation {
        let now = self.now();
        let tombstones = lock(&self.tombstones);
        match tombstones.exact.get(key, now) {
            Some(()) => Revocation::Revoked,
            None if tombstones.lost_until > now => Revocation::Unknown,
            None => Revocation::NotSeen,
        }
    }

    pub(crate) fn lease(
        &self,
        key: &LeaseKey,
        holder: &str,
        ttl: Span,
    ) -> Result<bool, SharedError> {
        let now = self.now();
        let mut leases = lock(&self.leases);
        if leases.get(key, now).is_some_and(|other| other != holder) {
            return Ok(false);
        }
        let end = now.saturating_add(ttl.micros());
        leases
            .put(*key, holder.to_owned(), end, now)
            .map(|()| true)
            .map_err(|Full| SharedError::Full("leases"))
    }

    pub(crate) fn release(&self, key: &LeaseKey, holder: &str) -> bool {
        let now = self.now();
        let mut leases = lock(&self.leases);
        let own = leases.get(key, now).is_some_and(|other| other == holder);
        if own {
            leases.remove(key);
        }
        own
    }

    pub(crate) fn publish(&self, topic: Topic, payload: &str) {
        let nobody_listens = self.topic(topic).send(Arc::from(payload)).is_err();
        if nobody_listens {
            lock(&self.topics).retain(|_, sender| sender.receiver_count() > 0);
        }
    }

    pub(crate) fn subscribe(&self, topic: Topic) -> broadcast::Receiver<Arc<str>> {
        lock(&self.topics)
            .entry(topic)
            .or_insert_with(|| broadcast::Sender::new(BACKLOG))
            .subscribe()
    }

    fn topic(&self, topic: Topic) -> broadcast::Sender<Arc<str>> {
        lock(&self.topics)
            .entry(topic)
            .or_insert_with(|| broadcast::Sender::new(BACKLOG))
            .clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use vv_base::{Id, UserId};

    use super::*;

    struct Hand(AtomicI64);
    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_seconds(self.0.load(Ordering::SeqCst))
        }
    }

    fn user(n: u32) -> UserId {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        let hex = hex::encode(bytes);
        let spelled = format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        );
        spelled.parse().unwrap()
    }

    fn small() -> (Memory, Arc<Hand>) {
        let clock = Arc::new(Hand(AtomicI64::new(1_000)));
        (Memory::with_caps(clock.clone(), 8, 8, 8), clock)
    }

    fn window(n: u32) -> Window {
        Window::new("t", user(n), 3, Span::minutes(10))
    }

    #[test]
    fn a_full_table_of_windows_leaves_nobody_unlimited() {
        let (memory, clock) = small();
        for n in 0..8 {
            assert!((0..3).all(|_| memory.hit(&window(n), 1).allowed));
        }
        // Newcomers, alone or alternating, get three each at most.
        let mut passed = 0;
        for _ in 0..50 {
            passed += u32::from(memory.hit(&window(100), 1).allowed);
            passed += u32::from(memory.hit(&window(200), 1).allowed);
        }
        assert!((3..=6).contains(&passed), "{passed}");
        // Nobody who was counted exactly is forgiven by the flood.
        assert!((0..8).all(|n| !memory.hit(&window(n), 1).allowed));
        clock.0.fetch_add(600, Ordering::SeqCst);
        assert_eq!(memory.hit(&window(300), 1).remaining, 2);
        assert_eq!(
            lock(&memory.windows)["t"].exact.get(&Id::into(user(0)), 0),
            None
        );
    }

    #[test]
    fn a_full_table_of_guards_refuses() {
        let (memory, clock) = small();
        let key = |n| OnceKey::new("t", user(n));
        for n in 0..8 {
            assert_eq!(memory.set_once(&key(n), Span::seconds(60)), Ok(true));
        }
        let full = Err(SharedError::Full("one-time guards"));
        assert_eq!(memory.set_once(&key(9), Span::seconds(60)), full);
        assert_eq!(memory.set_once(&key(0), Span::seconds(60)), Ok(false));
        clock.0.fetch_add(60, Ordering::SeqCst);
        assert_eq!(memory.set_once(&key(9), Span::seconds(60)), Ok(true));
    }

    #[test]
    fn a_full_table_of_tombstones_sends_callers_to_sql() {
        let (memory, clock) = small();
        let until = Timestamp::from_unix_seconds(1_100);
        for n in 0..9 {
            memory.revoke(&RevocationKey::user(user(n)), until);
        }
        let ask = |n| memory.is_revoked(&RevocationKey::user(user(n)));
        assert_eq!(ask(0), Revocation::Revoked);
        assert_eq!(ask(8), Revocation::Unknown);
        assert_eq!(ask(77), Revocation::Unknown);
        clock.0.fetch_add(100, Ordering::SeqCst);
        assert_eq!((ask(8), ask(0)), (Revocation::NotSeen, Revocation::NotSeen));
    }
}
