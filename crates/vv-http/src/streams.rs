//! Answers that go on for as long as the caller listens. Their number is
//! capped, they end when the caller may not see more, and when the node stops.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vv_auth::{Permission, Principal};
use vv_base::{Ctx, ErrorCode, SessionId, Span};

use crate::extract::{Require, Right};
use crate::problem::Problem;
use crate::state::AppState;

/// Most open streams of one session.
const PER_SESSION: usize = 4;
/// Most open streams of this node.
const PER_NODE: usize = 256;
/// How often the caller's session is looked up again.
const RECHECK: Duration = Duration::from_secs(4);
/// When somebody may try again who has too many.
const RETRY_AFTER: Span = Span::seconds(10);

/// The open streams of this node. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Streams {
    open: Arc<Mutex<HashMap<SessionId, usize>>>,
    stopping: CancellationToken,
}

/// Room for one stream; given back when dropped.
struct Slot {
    streams: Streams,
    session: SessionId,
}

impl Streams {
    fn locked(&self) -> MutexGuard<'_, HashMap<SessionId, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, session: SessionId) -> Option<Slot> {
        let mut open = self.locked();
        let all: usize = open.values().sum();
        let own = open.get(&session).copied().unwrap_or_default();
        if all >= PER_NODE || own >= PER_SESSION {
            return None;
        }
        open.insert(session, own + 1);
        let streams = self.clone();
        Some(Slot { streams, session })
    }

    /// Ends the streams that would never end by themselves, for good.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.streams.locked();
        if let Some(own) = open.get_mut(&self.session) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.session);
            }
        }
    }
}

/// Why a stream ended before its source did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Lapse {
    /// The session ended, or the permission is gone, or neither can be checked.
    #[error("the session ended or lost the permission")]
    Session,
    /// This node stops.
    #[error("the node stops")]
    Stopping,
}

/// Watches over one stream.
pub struct Watch {
    state: AppState,
    ctx: Ctx,
    principal: Principal,
    permission: Permission,
    due: Instant,
    /// `None` for a stream with an end, which is left to finish.
    stopping: Option<CancellationToken>,
    _slot: Slot,
}

impl Watch {
    /// Takes room for a stream that goes on until the node stops.
    pub fn endless<R: Right>(state: &AppState, caller: &Require<R>) -> Result<Self, Problem> {
        let stopping = state.streams().stopping.clone();
        Self::new(state, caller, Some(stopping))
    }

    /// Takes room for a stream that has an end.
    pub fn finite<R: Right>(state: &AppState, caller: &Require<R>) -> Result<Self, Problem> {
        Self::new(state, caller, None)
    }

    fn new<R: Right>(
        state: &AppState,
        caller: &Require<R>,
        stopping: Option<CancellationToken>,
    ) -> Result<Self, Problem> {
        let principal = caller.principal.clone();
        let too_many = || {
            Problem::from_code(ErrorCode::new("request.too_many_streams"))
                .with_retry_after(RETRY_AFTER)
        };
        let slot = state.streams().enter(principal.session);
        let mut watch = Self {
            state: state.clone(),
            ctx: caller.ctx.clone(),
            principal,
            permission: R::PERMISSION,
            due: Instant::now(),
            stopping,
            _slot: slot.ok_or_else(too_many)?,
        };
        watch.schedule();
        Ok(watch)
    }

    /// The next look at the session, at its end at the latest.
    fn schedule(&mut self) {
        let left = self.principal.until.since(self.ctx.now()).to_duration();
        self.due = Instant::now() + RECHECK.min(left);
    }

    /// Waits until something must be done about the stream.
    async fn ring(&self) -> Option<Lapse> {
        let stopped = async {
            match &self.stopping {
                Some(stopping) => stopping.cancelled().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stopped => Some(Lapse::Stopping),
            () = tokio::time::sleep_until(self.due) => None,
        }
    }

    async fn recheck(&mut self) -> Result<(), Lapse> {
        let auth = self.state.auth();
        let now = auth.recheck(&self.ctx, &self.principal).await;
        self.principal = now.map_err(|_| Lapse::Session)?;
        if !self.principal.permissions.allows(self.permission) {
            return Err(Lapse::Session);
        }
        self.schedule();
        Ok(())
    }
}

/// The items of a stream for as long as its caller may see them; the reason
/// comes last when that ends first.
pub fn watched<S: Stream + Send>(
    source: S,
    watch: Watch,
) -> impl Stream<Item = Result<S::Item, Lapse>> + Send
where
    S::Item: Send,
{
    let state = Some((Box::pin(source), watch));
    stream::unfold(state, async |state| {
        let (mut source, mut watch) = state?;
        loop {
            // First, so that a source that is never at a loss cannot put it off.
            tokio::select! {
                biased;
                lapse = watch.ring() => match lapse {
                    Some(lapse) => return Some((Err(lapse), None)),
                    None => if let Err(lapse) = watch.recheck().await {
                        return Some((Err(lapse), None));
                    },
                },
                next = source.next() => {
                    return Some((Ok(next?), Some((source, watch))));
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use vv_base::{Id, SystemRng, Timestamp};

    fn session() -> SessionId {
        Id::new(Timestamp::from_unix_seconds(1), &SystemRng)
    }

    #[test]
    fn room_is_capped_and_given_back() {
        let streams = Streams::default();
        let greedy = session();
        let held: Vec<_> = (0..PER_SESSION).map(|_| streams.enter(greedy)).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(streams.enter(greedy).is_none());
        assert!(streams.enter(session()).is_some());
        drop(held);
        assert!(streams.locked().is_empty());
        let all: Vec<_> = (0..PER_NODE).map(|_| streams.enter(session())).collect();
        assert!(all.iter().all(Option::is_some));
        assert!(streams.enter(session()).is_none());
        drop(all);
        assert!(streams.enter(greedy).is_some());
    }
}
