use std::sync::Arc;
use std::time::Instant;

use vv_base::{Clock, Span, Timestamp};

use crate::memory::Memory;
use crate::remote::Remote;
use crate::window::MAX_SPAN;
use crate::{
    Hit, LeaseKey, OnceKey, RedisConfig, RevocationKey, SharedError, Subscription, Topic, Window,
};

/// Longest payload of a notice, in bytes.
pub(crate) const MAX_PAYLOAD: usize = 8_192;
/// Longest name of a lease holder, in bytes.
const MAX_HOLDER: usize = 128;
/// Most keys one question about revocation may name.
const MAX_KEYS: usize = 16;

/// Whether a tombstone stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// Revoked.
    Revoked,
    /// No tombstone here. Redis may have lost one (restart, eviction), so this
    /// is an answer only as far as the caller also trusts its cached SQL epoch.
    NotSeen,
    /// Nobody here can tell; the caller has to ask SQL.
    Unknown,
}

impl Revocation {
    /// The stricter of two answers.
    pub(crate) const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Revoked, _) | (_, Self::Revoked) => Self::Revoked,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::NotSeen, Self::NotSeen) => Self::NotSeen,
        }
    }
}

/// Whether the nodes can work together, for the readiness page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// They can.
    Ok,
    /// The circuit is open; the outage rules apply.
    Degraded {
        /// The first failure of this outage.
        since: Timestamp,
    },
}

/// The shared state. Cheap to clone; clones are the same state.
#[derive(Clone)]
pub struct Shared {
    home: Home,
}

#[derive(Clone)]
enum Home {
    Memory(Arc<Memory>),
    Redis(Arc<Remote>),
}

impl Shared {
    /// State of this process only. Every table is bounded; a full one refuses
    /// or sends callers to SQL, it never forgives.
    pub fn memory(clock: Arc<dyn Clock>) -> Self {
        Self {
            home: Home::Memory(Arc::new(Memory::new(clock))),
        }
    }

    /// State in Redis. Makes one attempt to connect; start-up code retries.
    pub async fn redis(config: &RedisConfig, clock: Arc<dyn Clock>) -> Result<Self, SharedError> {
        let remote = Remote::connect(config, clock).await?;
        Ok(Self {
            home: Home::Redis(Arc::new(remote)),
        })
    }

    /// `memory` or `redis`.
    pub fn kind(&self) -> &'static str {
        match &self.home {
            Home::Memory(_) => "memory",
            Home::Redis(_) => "redis",
        }
    }

    /// Takes `cost` units from a rate window; a cost of 0 only looks whether
    /// one unit would pass. Never fails: without Redis it counts in this
    /// process against the node's share of the limit. That count starts fresh,
    /// so an outage gives a subject at most one share more per node.
    pub async fn hit(&self, window: &Window, cost: u32) -> Hit {
        let timer = Timer::start("hit");
        let hit = match &self.home {
            Home::Memory(memory) => memory.hit(window, cost),
            Home::Redis(remote) => remote.hit(window, cost).await,
        };
        timer.stop(hit.degraded);
        hit
    }

    /// True for the first caller within `ttl`, false for all later ones. On an
    /// error the caller must refuse. `ttl` is above zero and at most 400 days.
    pub async fn set_once(&self, key: &OnceKey, ttl: Span) -> Result<bool, SharedError> {
        check_ttl(ttl)?;
        let timer = Timer::start("set_once");
        timer.finish(match &self.home {
            Home::Memory(memory) => memory.set_once(key, ttl),
            Home::Redis(remote) => remote.set_once(key, ttl).await,
        })
    }

    /// Puts up a tombstone that stands until a moment. Never shortens one that
    /// stands longer; a moment in the past does nothing.
    pub async fn revoke(&self, key: &RevocationKey, until: Timestamp) -> Result<(), SharedError> {
        let timer = Timer::start("revoke");
        timer.finish(match &self.home {
            Home::Memory(memory) => {
                memory.revoke(key, until);
                Ok(())
            }
            Home::Redis(remote) => remote.revoke(key, until).await,
        })
    }

    /// Whether a tombstone stands for one key.
    pub async fn is_revoked(&self, key: &RevocationKey) -> Revocation {
        self.any_revoked(std::slice::from_ref(key)).await
    }

    /// The strictest answer over several keys, such as session, user and
    /// tenant, in one round trip. More than 16 keys answer `Unknown`.
    pub async fn any_revoked(&self, keys: &[RevocationKey]) -> Revocation {
        if keys.is_empty() {
            return Revocation::NotSeen;
        }
        if keys.len() > MAX_KEYS {
            return Revocation::Unknown;
        }
        let timer = Timer::start("is_revoked");
        let answer = match &self.home {
            Home::Memory(memory) => keys
                .iter()
                .map(|key| memory.is_revoked(key))
                .fold(Revocation::NotSeen, Revocation::or),
            Home::Redis(remote) => remote.any_revoked(keys).await,
        };
        timer.stop(answer == Revocation::Unknown);
        answer
    }

    /// Sends a notice of at most 8192 bytes to the subscribers of all nodes.
    /// Delivery is at most once: state belongs in SQL, the notice only says
    /// "look again". Nothing personal or secret may be in it.
    pub async fn publish(&self, topic: Topic, payload: &str) -> Result<(), SharedError> {
        if payload.len() > MAX_PAYLOAD {
            return Err(SharedError::Invalid("a notice has at most 8192 bytes"));
        }
        let timer = Timer::start("publish");
        timer.finish(match &self.home {
            Home::Memory(memory) => {
                memory.publish(topic, payload);
                Ok(())
            }
            Home::Redis(remote) => remote.publish(topic, payload).await,
        })
    }

    /// Listens to a topic. Never fails: without Redis the subscription
    /// connects later and then reports a gap.
    pub async fn subscribe(&self, topic: Topic) -> Subscription {
        match &self.home {
            Home::Memory(memory) => Subscription::memory(memory.subscribe(topic)),
            Home::Redis(remote) => Subscription::redis(remote.subscribe(topic).await),
        }
    }

    /// Takes a lease, or renews one's own; false if somebody else holds it. A
    /// holder that was paused may find out late that it lost the lease, so
    /// work that must not happen twice needs a guard in SQL too. The holder's
    /// name has 1 to 128 bytes; `ttl` is above zero and at most 400 days.
    pub async fn lease(
        &self,
        key: &LeaseKey,
        holder: &str,
        ttl: Span,
    ) -> Result<bool, SharedError> {
        check_ttl(ttl)?;
        check_holder(holder)?;
        let timer = Timer::start("lease");
        timer.finish(match &self.home {
            Home::Memory(memory) => memory.lease(key, holder, ttl),
            Home::Redis(remote) => remote.lease(key, holder, ttl).await,
        })
    }

    /// Gives a lease back; false if it was not the holder's.
    pub async fn release(&self, key: &LeaseKey, holder: &str) -> Result<bool, SharedError> {
        check_holder(holder)?;
        let timer = Timer::start("release");
        timer.finish(match &self.home {
            Home::Memory(memory) => Ok(memory.release(key, holder)),
            Home::Redis(remote) => remote.release(key, holder).await,
        })
    }

    /// What recent verbs found; asks nobody. An open circuit closes when a
    /// verb is called, so a readiness page that wants a fresh answer calls
    /// [`Shared::check`].
    pub fn health(&self) -> Health {
        match &self.home {
            Home::Memory(_) => Health::Ok,
            Home::Redis(remote) => remote.health(),
        }
    }

    /// Asks Redis once, within the timeouts, then tells the health.
    pub async fn check(&self) -> Health {
        if let Home::Redis(remote) = &self.home {
            remote.ping().await;
        }
        self.health()
    }

    /// Whether verbs are answered without asking Redis.
    pub fn circuit_open(&self) -> bool {
        match &self.home {
            Home::Memory(_) => false,
            Home::Redis(remote) => remote.circuit_open(),
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared({})", self.kind())
    }
}

fn check_ttl(ttl: Span) -> Result<(), SharedError> {
    if ttl <= Span::seconds(0) || ttl > MAX_SPAN {
        return Err(SharedError::Invalid(
            "a time to live is above zero and at most 400 days",
        ));
    }
    Ok(())
}

fn check_holder(holder: &str) -> Result<(), SharedError> {
    if holder.is_empty() || holder.len() > MAX_HOLDER {
        return Err(SharedError::Invalid("a holder's name has 1 to 128 bytes"));
    }
    Ok(())
}

/// Measures one verb.
struct Timer {
    verb: &'static str,
    started: Instant,
}

impl Timer {
    fn start(verb: &'static str) -> Self {
        Self {
            verb,
            started: Instant::now(),
        }
    }

    fn finish<T>(self, result: Result<T, SharedError>) -> Result<T, SharedError> {
        self.stop(result.is_err());
        result
    }

    fn stop(self, failed: bool) {
        metrics::histogram!("valueverse_shared_seconds", "verb" => self.verb)
            .record(self.started.elapsed());
        if failed {
            metrics::counter!("valueverse_shared_errors_total", "verb" => self.verb).increment(1);
        }
    }
}
