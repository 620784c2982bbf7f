//! What the trail does on its own, once a second.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use vv_base::Timestamp;

use crate::audit::Audit;
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::Event;
use crate::spool::SpoolIncident;
use crate::write::CaptureCounts;

const TICK: Duration = Duration::from_secs(1);

/// Moves what is left over into the chains: events of nodes that died between
/// a commit and the append, events on this node's disk. Also tells the trail
/// what this node took in, wrote and lost, so that silence shows.
pub struct Keeper {
    audit: Audit,
    told: Option<(Timestamp, CaptureCounts)>,
    failing: bool,
}

impl Audit {
    /// The keeper of this process. Run it beside the service.
    pub fn keeper(&self) -> Keeper {
        Keeper {
            audit: self.clone(),
            told: None,
            failing: false,
        }
    }

    /// What this start of the node emitted and what became of it.
    pub fn capture_counts(&self) -> CaptureCounts {
        self.inner.counters.counts()
    }
}

impl Keeper {
    /// Works until it is told to stop, then reports once more and returns.
    pub async fn run(mut self, stop: CancellationToken) {
        self.audit.start_anchoring();
        while !stop.is_cancelled() {
            self.step().await;
            // An error means that the time is over, which is the point.
            let _ = tokio::time::timeout(TICK, stop.cancelled()).await;
        }
        self.step().await;
        if let Err(error) = self.report().await {
            tracing::warn!(%error, "the last audit heartbeat was not written");
        }
    }

    /// One round. Outages are logged once, when they begin and when they end.
    pub async fn step(&mut self) {
        let done = self.round().await;
        match (&done, self.failing) {
            (Err(error), false) => {
                tracing::warn!(%error, "audit events wait for the database");
            }
            (Ok(()), true) => tracing::info!("audit events are written again"),
            _ => {}
        }
        self.failing = done.is_err();
    }

    async fn round(&mut self) -> Result<(), AuditError> {
        let audit = &self.audit;
        let drained = audit.drain_spool().await?;
        if drained > 0 {
            let events = i64::try_from(drained).unwrap_or(i64::MAX);
            let event = Event::new(Kind::SpoolDrained).detail("events", events);
            audit.append(&audit.inner.ctx, event).await?;
        }
        audit.note_incidents().await?;
        if !audit.another_node_appends().await? {
            audit.catch_up().await?;
        }
        if self.is_due() {
            self.report().await?;
        }
        self.audit.anchor_round().await?;
        Ok(())
    }

    fn is_due(&self) -> bool {
        let Some((at, told)) = self.told else {
            return true;
        };
        let settings = self.audit.settings();
        let busy = self.audit.capture_counts().emitted > told.emitted;
        let wait = if busy {
            settings.heartbeat
        } else {
            settings.idle_heartbeat
        };
        self.audit.inner.ctx.now() >= at.plus(wait)
    }

    /// The counters as an event of the system chain. The heartbeat itself is
    /// counted after it was read, so that it is never the reason for the next.
    async fn report(&mut self) -> Result<(), AuditError> {
        let audit = &self.audit;
        let counts = audit.capture_counts();
        // What was emitted until now should have arrived by now.
        audit.catch_up().await?;
        let arrived = audit.arrived().await?;
        let event = Event::new(Kind::Heartbeat)
            .detail("boot", audit.inner.boot.to_string())
            .detail("emitted", number(counts.emitted))
            .detail("arrived", arrived)
            .detail("sequenced", number(counts.sequenced))
            .detail("spooled", number(counts.spooled))
            .detail("dropped", number(counts.dropped));
        audit.append(&audit.inner.ctx, event).await?;
        let now = audit.inner.ctx.now();
        self.told = Some((now, audit.capture_counts()));
        Ok(())
    }
}

impl Audit {
    /// Damage of the spool goes on record.
    async fn note_incidents(&self) -> Result<(), AuditError> {
        let Some(spool) = &self.inner.spool else {
            return Ok(());
        };
        for incident in spool.take_incidents() {
            let event = match incident {
                SpoolIncident::Damaged {
                    segment,
                    good,
                    lost,
                } => Event::new(Kind::SpoolDamaged)
                    .detail("segment", number(segment))
                    .detail("good_bytes", number(good))
                    .detail("lost_bytes", number(lost)),
                SpoolIncident::Missing { segment } => Event::new(Kind::SpoolDamaged)
                    .detail("segment", number(segment))
                    .detail("missing", true),
                // Nothing that was acknowledged is lost.
                SpoolIncident::TornTail { .. } | SpoolIncident::Restored { .. } => continue,
            };
            self.append(&self.inner.ctx, event).await?;
        }
        Ok(())
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
