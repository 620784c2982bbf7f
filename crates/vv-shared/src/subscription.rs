use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::{PubSubSink, PubSubStream};
use redis::{Client, ConnectionInfo, ProtocolVersion};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until, timeout};

use crate::shared::MAX_PAYLOAD;

/// A silent connection is asked for a sign of life this often.
const PING_EVERY: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What a subscription gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// One published payload.
    Message(String),
    /// Payloads may have been lost; the reader has to look at SQL again.
    Gap,
}

/// The notices of one topic, from the moment of subscribing on.
pub struct Subscription {
    source: Source,
}

enum Source {
    Memory(broadcast::Receiver<Arc<str>>),
    Redis(Box<RemoteSubscription>),
}

impl Subscription {
    pub(crate) fn memory(receiver: broadcast::Receiver<Arc<str>>) -> Self {
        Self {
            source: Source::Memory(receiver),
        }
    }

    pub(crate) fn redis(remote: RemoteSubscription) -> Self {
        Self {
            source: Source::Redis(Box::new(remote)),
        }
    }

    /// Waits for the next notice, reconnecting for as long as it takes. May be
    /// dropped while waiting without losing a notice.
    pub async fn recv(&mut self) -> Notice {
        match &mut self.source {
            Source::Redis(remote) => remote.recv().await,
            Source::Memory(receiver) => match receiver.recv().await {
                Ok(payload) => Notice::Message(payload.as_ref().to_owned()),
                Err(RecvError::Lagged(_)) => Notice::Gap,
                // The publishing side is gone with the process; nothing will ever come.
                Err(RecvError::Closed) => std::future::pending().await,
            },
        }
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Subscription")
    }
}

pub(crate) struct RemoteSubscription {
    nodes: Vec<ConnectionInfo>,
    channel: String,
    limit: Duration,
    live: Option<(PubSubSink, PubSubStream)>,
    next_ping: Instant,
    next_attempt: Instant,
    pause: Duration,
    /// Which node to try; moves on after each failure.
    turn: usize,
}

impl RemoteSubscription {
    pub(crate) async fn open(nodes: &[ConnectionInfo], channel: String, limit: Duration) -> Self {
        let now = Instant::now();
        let mut subscription = Self {
            nodes: nodes.to_vec(),
            channel,
            limit,
            live: None,
            next_ping: now,
            next_attempt: now,
            pause: FIRST_PAUSE,
            turn: 0,
        };
        subscription.attempt().await;
        subscription
    }

    async fn recv(&mut self) -> Notice {
        loop {
            let Some((sink, stream)) = &mut self.live else {
                sleep_until(self.next_attempt).await;
                self.attempt().await;
                if self.live.is_some() {
                    return Notice::Gap;
                }
                continue;
            };
            tokio::select! {
                biased;
                message = stream.next() => match message.map(|m| m.get_payload::<String>()) {
                    Some(Ok(text)) if text.len() <= MAX_PAYLOAD => return Notice::Message(text),
                    // Not from us: we publish short text only.
                    Some(_) => {}
                    None => self.live = None,
                },
                () = sleep_until(self.next_ping) => {
                    let pong = timeout(self.limit, sink.ping::<redis::Value>()).await;
                    if matches!(pong, Ok(Ok(_))) {
                        self.next_ping = Instant::now() + PING_EVERY;
                    } else {
                        self.live = None;
                    }
                }
            }
        }
    }

    async fn attempt(&mut self) {
        if let Ok(Some(live)) = timeout(self.limit, self.connect()).await {
            self.live = Some(live);
            self.pause = FIRST_PAUSE;
            self.next_ping = Instant::now() + PING_EVERY;
        } else {
            self.turn = self.turn.wrapping_add(1);
            self.next_attempt = Instant::now() + self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// In a cluster any node will do: plain `PUBLISH` reaches all of them.
    async fn connect(&self) -> Option<(PubSubSink, PubSubStream)> {
        let turn = self.turn.checked_rem(self.nodes.len())?;
        let node = self.nodes.get(turn)?.clone();
        // The library's subscriber speaks version 2 of the protocol only.
        let settings = node.redis_settings().clone();
        let node = node.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP2));
        let mut connection = Client::open(node).ok()?.get_async_pubsub().await.ok()?;
        connection.subscribe(&self.channel).await.ok()?;
        Some(connection.split())
    }
}
