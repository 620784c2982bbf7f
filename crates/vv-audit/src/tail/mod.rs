//! The trail as it grows.
//!
//! The database is the truth: a follower reads what lies behind its cursor and
//! waits. What wakes it is a batch of this node, a notice of another one, or a
//! second that went by. A slow reader is behind and misses nothing.

mod notice;
mod sql;

pub(crate) use notice::Announcer;
pub(crate) use sql::STATEMENTS;

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::stream::{Stream, try_unfold};
use serde::Serialize;
use tokio::sync::watch;
use vv_base::{Ctx, TenantId};
use vv_store::args;

use crate::audit::{Audit, chain_of};
use crate::error::AuditError;
use crate::query::{EventView, StoredEvent};

/// How long a follower waits for a wake-up.
const POLL: Duration = Duration::from_secs(1);
/// Events read ahead of the reader.
const AHEAD: i64 = 100;

/// An event among those of all chains.
#[derive(Debug, Clone, Serialize)]
pub struct Followed {
    /// Its number among the events of all chains, which grows in the order of
    /// the commits; the cursor to go on from.
    pub gseq: i64,
    /// Whose chain it is in.
    pub chain: TenantId,
    /// The event.
    pub event: EventView,
}

/// A place in the trail and what was read behind it.
struct Follower {
    audit: Audit,
    ctx: Ctx,
    /// One chain by height, or all of them by their common number.
    chain: Option<TenantId>,
    after: Option<i64>,
    ahead: VecDeque<Followed>,
    wake: watch::Receiver<i64>,
    begun: bool,
    failing: bool,
}

impl Audit {
    /// The events of the context's chain behind a height, oldest first, and
    /// then those to come; without a height only those to come. The stream
    /// waits through outages of the database and ends when it is dropped.
    ///
    /// The first answer is [`AuditError::OutOfRange`] for a height that the
    /// chain does not have.
    pub fn follow(
        &self,
        ctx: &Ctx,
        after: Option<u64>,
    ) -> impl Stream<Item = Result<EventView, AuditError>> + Send + use<> {
        let after = after.map(|height| i64::try_from(height).unwrap_or(i64::MAX));
        let follower = self.follower(ctx.clone(), Some(chain_of(ctx)), after);
        try_unfold(follower, async |mut follower| {
            let next = follower.next().await?;
            Ok(Some((next.event, follower)))
        })
    }

    /// The same over all chains, behind a global number; for work that is no
    /// tenant's.
    pub fn follow_all(
        &self,
        ctx: &Ctx,
        after: Option<i64>,
    ) -> impl Stream<Item = Result<Followed, AuditError>> + Send + use<> {
        let follower = self.follower(ctx.clone().for_system(), None, after);
        try_unfold(follower, async |mut follower| {
            let next = follower.next().await?;
            Ok(Some((next, follower)))
        })
    }

    fn follower(&self, ctx: Ctx, chain: Option<TenantId>, after: Option<i64>) -> Follower {
        Follower {
            audit: self.clone(),
            ctx,
            chain,
            after,
            ahead: VecDeque::new(),
            wake: self.newest(),
            begun: false,
            failing: false,
        }
    }
}

impl Follower {
    async fn next(&mut self) -> Result<Followed, AuditError> {
        loop {
            if let Some(next) = self.ahead.pop_front() {
                return Ok(next);
            }
            // Marked before the look, so that nothing in between is missed.
            self.wake.borrow_and_update();
            match self.look().await {
                Ok(()) => self.failing = false,
                Err(error) if error.is_outage() => {
                    if !self.failing {
                        tracing::warn!(%error, "a follower of the audit trail waits");
                    }
                    self.failing = true;
                    tokio::time::sleep(POLL).await;
                    continue;
                }
                Err(error) => return Err(error),
            }
            if self.ahead.is_empty() {
                // A second without a wake-up is as good as one.
                let _ = tokio::time::timeout(POLL, self.wake.changed()).await;
            }
        }
    }

    async fn look(&mut self) -> Result<(), AuditError> {
        let Some(after) = self.after else {
            self.audit.catch_up().await?;
            self.after = Some(self.end().await?);
            self.begun = true;
            return Ok(());
        };
        if !self.begun {
            self.audit.catch_up().await?;
            if after > self.end().await? {
                return Err(AuditError::OutOfRange);
            }
            self.begun = true;
        }
        let rows = self.read(after).await?;
        let views = self.audit.views(&self.ctx, &rows).await?;
        for (row, event) in rows.iter().zip(views) {
            self.ahead.push_back(Followed {
                gseq: row.gseq,
                chain: row.tenant_id,
                event,
            });
        }
        if let Some(last) = rows.last() {
            self.after = Some(match self.chain {
                Some(_) => last.height,
                None => last.gseq,
            });
        }
        Ok(())
    }

    async fn read(&self, after: i64) -> Result<Vec<StoredEvent>, AuditError> {
        let store = self.audit.store();
        let rows = store
            .read(&self.ctx, "audit.follow", async |tx| match self.chain {
                Some(chain) => tx.all(&sql::FOLLOW, args![chain, after, AHEAD]).await,
                None => tx.all(&sql::FOLLOW_ALL, args![after, AHEAD]).await,
            })
            .await?;
        Ok(rows)
    }

    /// The newest place there is.
    async fn end(&self) -> Result<i64, AuditError> {
        let store = self.audit.store();
        let (end,): (i64,) = store
            .read(&self.ctx, "audit.follow_end", async |tx| match self.chain {
                Some(chain) => tx.one(&sql::LAST_OF_CHAIN, args![chain]).await,
                None => tx.one(&sql::LAST_OF_ALL, args![]).await,
            })
            .await?;
        Ok(end)
    }
}
