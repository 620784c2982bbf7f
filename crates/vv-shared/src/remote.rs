use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use redis::{FromRedisValue, RedisError, Value};
use vv_base::{Clock, Span, Timestamp};

use crate::breaker::{Admission, Breaker, Probe};
use crate::config::Target;
use crate::link::{Link, Request, prepare_tls};
use crate::memory::Memory;
use crate::script::{self, keep_ms};
use crate::subscription::RemoteSubscription;
use crate::window::stored_micros;
use crate::{
    Health, Hit, LeaseKey, OnceKey, RedisConfig, Revocation, RevocationKey, SharedError, Topic,
    Window,
};

/// Shared state in Redis.
pub(crate) struct Remote {
    clock: Arc<dyn Clock>,
    target: Target,
    prefix: String,
    nodes: u32,
    command_timeout: Duration,
    connect_timeout: Duration,
    link: RwLock<Link>,
    breaker: Breaker,
    /// Counts this node's share while Redis does not answer.
    local: Memory,
}

impl Remote {
    pub(crate) async fn connect(
        config: &RedisConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SharedError> {
        let target = config.target()?;
        prepare_tls(&target);
        let command_timeout = config.command_timeout.to_duration();
        let connect_timeout = config.connect_timeout.to_duration();
        let refused = |reason: String| SharedError::Connect {
            endpoint: target.endpoint(),
            reason,
        };
        let link = fresh_link(&target, connect_timeout, command_timeout)
            .await
            .map_err(refused)?;
        // A server that accepts connections but does not serve, such as one
        // that is still loading, must not pass as reachable.
        let ping = Request::Command(redis::cmd("PING"));
        ask_in_time(&link, &ping, connect_timeout)
            .await
            .map_err(|reason| refused(target.scrub(&reason)))?;
        metrics::gauge!("valueverse_shared_circuit_open").set(0.0);
        Ok(Self {
            local: Memory::new(Arc::clone(&clock)),
            clock,
            target,
            prefix: config.prefix.clone(),
            nodes: config.nodes.get(),
            command_timeout,
            connect_timeout,
            link: RwLock::new(link),
            breaker: Breaker::default(),
        })
    }

    pub(crate) async fn hit(&self, window: &Window, cost: u32) -> Hit {
        let now = stored_micros(self.clock.now());
        let mut call = script::HIT.key(window.redis_key(&self.prefix));
        call.arg(now)
            .arg(window.step())
            .arg(window.capacity())
            .arg(cost);
        match self.ask::<(bool, i64)>(&Request::Script(call)).await {
            Ok((allowed, base)) => window.describe(allowed, base, now, cost),
            Err(_) => Hit {
                degraded: true,
                ..self.local.hit(&window.share_of(self.nodes), cost)
            },
        }
    }

    pub(crate) async fn set_once(&self, key: &OnceKey, ttl: Span) -> Result<bool, SharedError> {
        let now = stored_micros(self.clock.now());
        let mut call = script::SET_ONCE.key(key.redis_key(&self.prefix));
        call.arg(now)
            .arg(now.saturating_add(ttl.micros()))
            .arg(keep_ms(ttl.micros()));
        self.ask(&Request::Script(call)).await
    }

    pub(crate) async fn revoke(
        &self,
        key: &RevocationKey,
        until: Timestamp,
    ) -> Result<(), SharedError> {
        let now = stored_micros(self.clock.now());
        let until = stored_micros(until);
        if until <= now {
            return Ok(());
        }
        let mut call = script::REVOKE.key(key.redis_key(&self.prefix));
        call.arg(until).arg(keep_ms(until.saturating_sub(now)));
        self.ask::<bool>(&Request::Script(call)).await.map(drop)
    }

    pub(crate) async fn any_revoked(&self, keys: &[RevocationKey]) -> Revocation {
        let now = stored_micros(self.clock.now());
        let mut command = redis::cmd("MGET");
        for key in keys {
            command.arg(key.redis_key(&self.prefix));
        }
        let answer = self
            .ask::<Vec<Option<Vec<u8>>>>(&Request::Command(command))
            .await;
        match answer {
            Ok(values) if values.len() == keys.len() => values
                .into_iter()
                .map(|value| read_tombstone(value.as_deref(), now))
                .fold(Revocation::NotSeen, Revocation::or),
            Ok(_) | Err(_) => Revocation::Unknown,
        }
    }

    pub(crate) async fn lease(
        &self,
        key: &LeaseKey,
        holder: &str,
        ttl: Span,
    ) -> Result<bool, SharedError> {
        let now = stored_micros(self.clock.now());
        let mut call = script::LEASE.key(key.redis_key(&self.prefix));
        call.arg(now)
            .arg(holder)
            .arg(now.saturating_add(ttl.micros()))
            .arg(keep_ms(ttl.micros()));
        self.ask(&Request::Script(call)).await
    }

    pub(crate) async fn release(&self, key: &LeaseKey, holder: &str) -> Result<bool, SharedError> {
        let mut call = script::RELEASE.key(key.redis_key(&self.prefix));
        call.arg(holder);
        self.ask(&Request::Script(call)).await
    }

    pub(crate) async fn publish(&self, topic: Topic, payload: &str) -> Result<(), SharedError> {
        let mut command = redis::cmd("PUBLISH");
        command.arg(topic.redis_channel(&self.prefix)).arg(payload);
        self.ask::<i64>(&Request::Command(command)).await.map(drop)
    }

    pub(crate) async fn subscribe(&self, topic: Topic) -> RemoteSubscription {
        let channel = topic.redis_channel(&self.prefix);
        RemoteSubscription::open(&self.target.nodes, channel, self.connect_timeout).await
    }

    /// Lets the breaker see whether Redis answers.
    pub(crate) async fn ping(&self) {
        let request = Request::Command(redis::cmd("PING"));
        let answer = self.ask::<Value>(&request).await;
        drop(answer);
    }

    pub(crate) fn health(&self) -> Health {
        match self.breaker.failing_since() {
            Some(since) if self.breaker.is_open() => Health::Degraded { since },
            Some(_) | None => Health::Ok,
        }
    }

    pub(crate) fn circuit_open(&self) -> bool {
        self.breaker.is_open()
    }

    /// Asks while the circuit breaker lets us, never longer than the timeouts.
    async fn ask<T: FromRedisValue>(&self, request: &Request<'_>) -> Result<T, SharedError> {
        let answer = match self.breaker.admit(self.clock.now()) {
            Admission::Refuse => Err(String::from("the circuit is open")),
            Admission::Probe(probe) => self.probe(probe, request).await,
            Admission::Pass => self.pass(request).await,
        };
        answer
            .and_then(|value| T::from_redis_value(value).map_err(|error| error.to_string()))
            .map_err(|reason| SharedError::Unavailable(self.target.scrub(&reason)))
    }

    async fn pass(&self, request: &Request<'_>) -> Result<Value, String> {
        let link = self.current_link();
        let answer = ask_in_time(&link, request, self.command_timeout).await;
        match &answer {
            Ok(_) => self.breaker.succeeded(),
            Err(reason) => {
                if self.breaker.failed(self.clock.now()) {
                    let reason = self.target.scrub(reason);
                    tracing::warn!(%reason, "Redis does not answer; working without it");
                }
            }
        }
        answer
    }

    /// Always on a new connection: the old one may hang on a peer that vanished.
    async fn probe(&self, probe: Probe<'_>, request: &Request<'_>) -> Result<Value, String> {
        let asked = async {
            let link = fresh_link(&self.target, self.connect_timeout, self.command_timeout).await?;
            let value = ask_in_time(&link, request, self.command_timeout).await?;
            Ok((link, value))
        };
        match asked.await {
            Ok((link, value)) => {
                *self.link.write().unwrap_or_else(PoisonError::into_inner) = link;
                probe.succeeded();
                tracing::info!("Redis answers again");
                Ok(value)
            }
            Err(reason) => {
                probe.failed(self.clock.now());
                Err(reason)
            }
        }
    }

    fn current_link(&self) -> Link {
        self.link
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn fresh_link(target: &Target, connect: Duration, answer: Duration) -> Result<Link, String> {
    let attempt = Link::connect(target, connect, answer);
    match tokio::time::timeout(connect, attempt).await {
        Ok(Ok(link)) => Ok(link),
        Ok(Err(error)) => Err(target.scrub(&error.to_string())),
        Err(_) => Err(String::from("no connection in time")),
    }
}

async fn ask_in_time(link: &Link, request: &Request<'_>, limit: Duration) -> Result<Value, String> {
    match tokio::time::timeout(limit, link.ask(request)).await {
        Ok(answer) => answer.map_err(|error: RedisError| error.to_string()),
        Err(_) => Err(String::from("no answer in time")),
    }
}

fn read_tombstone(value: Option<&[u8]>, now: i64) -> Revocation {
    let Some(value) = value else {
        return Revocation::NotSeen;
    };
    let until = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
    match until {
        Some(until) if now < until => Revocation::Revoked,
        Some(_) => Revocation::NotSeen,
        // Somebody else wrote here; SQL decides.
        None => Revocation::Unknown,
    }
}
