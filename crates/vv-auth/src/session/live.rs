use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use vv_base::{SessionId, Span, Timestamp};

use super::model::LiveSession;

/// Most sessions remembered; beyond that the memory starts afresh.
const CAPACITY: usize = 50_000;

/// What this node read about sessions a moment ago.
#[derive(Default)]
pub(crate) struct LiveSessions {
    known: Mutex<HashMap<SessionId, LiveSession>>,
}

impl LiveSessions {
    pub(crate) fn get(
        &self,
        id: SessionId,
        now: Timestamp,
        stale_after: Span,
    ) -> Option<LiveSession> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let live = known.get(&id)?;
        // A clock that stepped back must not keep an entry alive.
        let age = now.since(live.read_at);
        let fresh = age >= Span::seconds(0) && age < stale_after;
        fresh.then(|| live.clone())
    }

    pub(crate) fn put(&self, id: SessionId, live: LiveSession) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CAPACITY {
            known.clear();
        }
        known.insert(id, live);
    }

    pub(crate) fn forget(&self, id: SessionId) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(&id);
    }
}
