//! Events that go with no other change.

use std::time::Duration;

use tokio::sync::oneshot;
use vv_base::{Ctx, EventId};

use super::Recorded;
use super::prepared::Prepared;
use super::queue::Direct;
use crate::audit::Audit;
use crate::catalogue::Durability;
use crate::error::AuditError;
use crate::event::Event;

/// What became of an event given to [`Audit::emit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emitted {
    /// It has its place in the chain.
    Recorded(Recorded),
    /// It is safe on this node's disk until the database answers.
    Spooled(EventId),
    /// It waits in memory.
    Queued(EventId),
    /// It is in the database; its chain is broken and takes no events until an
    /// operator looked at it.
    Waiting(EventId),
}

impl Emitted {
    /// The event's id.
    pub const fn event_id(&self) -> EventId {
        match self {
            Self::Recorded(recorded) => recorded.event_id,
            Self::Spooled(id) | Self::Queued(id) | Self::Waiting(id) => *id,
        }
    }
}

impl Audit {
    /// Appends an event to the context's chain and waits until it is durable
    /// there. Callers at the same time share one commit; one that is alone
    /// pays for one.
    ///
    /// With [`AuditError::HeadTampered`] the event is kept and waits until an
    /// operator looked at the chain.
    pub async fn append(&self, ctx: &Ctx, event: Event) -> Result<Recorded, AuditError> {
        let prepared = self.prepare_sealed(ctx, &event)?;
        let answer = self.queue(prepared)?;
        answer.await.unwrap_or(Err(AuditError::Overloaded))
    }

    /// Only the spool takes fields that wait for their seal.
    fn prepare_sealed(&self, ctx: &Ctx, event: &Event) -> Result<Prepared, AuditError> {
        if event
            .personal
            .iter()
            .any(|field| field.sealer.is_deferred())
        {
            return Err(AuditError::SubjectKey);
        }
        self.prepare(ctx, event)
    }

    /// Records an event by the durability class of its kind.
    pub async fn emit(&self, ctx: &Ctx, event: Event) -> Result<Emitted, AuditError> {
        match event.event_type().durability() {
            Durability::Tx | Durability::Sync => {
                let prepared = self.prepare_sealed(ctx, &event)?;
                let event_id = prepared.event_id;
                let answer = self.queue(prepared)?;
                match answer.await.unwrap_or(Err(AuditError::Overloaded)) {
                    Ok(recorded) => Ok(Emitted::Recorded(recorded)),
                    Err(AuditError::HeadTampered) => Ok(Emitted::Waiting(event_id)),
                    Err(error) => Err(error),
                }
            }
            Durability::Spool => self.emit_durably(ctx, &event).await,
            Durability::Async => self.emit_later(ctx, &event),
        }
    }

    fn queue(
        &self,
        event: Prepared,
    ) -> Result<oneshot::Receiver<Result<Recorded, AuditError>>, AuditError> {
        let (answer, receiver) = oneshot::channel();
        self.inner.sequencer.push(Direct { event, answer })?;
        self.inner.counters.note_emitted();
        self.kick(Duration::ZERO);
        Ok(receiver)
    }

    /// Records an event, here or on this node's disk.
    pub(crate) async fn emit_durably(
        &self,
        ctx: &Ctx,
        event: &Event,
    ) -> Result<Emitted, AuditError> {
        let deferred = event
            .personal
            .iter()
            .any(|field| field.sealer.is_deferred());
        let prepared = self.prepare(ctx, event)?;
        let event_id = prepared.event_id;
        if deferred {
            return self.spool(prepared, event).await;
        }
        let answer = match self.queue(prepared.clone()) {
            Ok(answer) => answer,
            Err(error) if error.is_outage() => return self.spool(prepared, event).await,
            Err(error) => return Err(error),
        };
        let patience = self.inner.settings.patience;
        match tokio::time::timeout(patience, answer).await {
            Ok(Ok(Ok(recorded))) => Ok(Emitted::Recorded(recorded)),
            Ok(Ok(Err(AuditError::HeadTampered))) => Ok(Emitted::Waiting(event_id)),
            Ok(Ok(Err(error))) if !error.is_outage() => Err(error),
            // Refused, lost or too slow. If the batch gets through after all,
            // the spool finds the event in its chain and lets it be.
            _ => self.spool(prepared, event).await,
        }
    }

    fn emit_later(&self, ctx: &Ctx, event: &Event) -> Result<Emitted, AuditError> {
        let prepared = self.prepare(ctx, event)?;
        let event_id = prepared.event_id;
        let kept = prepared.clone();
        let Ok(answer) = self.queue(prepared) else {
            self.inner.counters.note_dropped();
            return Err(AuditError::Overloaded);
        };
        let audit = self.clone();
        self.inner.sequencer.watch(async move {
            if let Ok(Err(error)) = answer.await
                // That one waits in the intake.
                && !matches!(error, AuditError::HeadTampered)
                && audit.spool_prepared(kept).await.is_err()
            {
                audit.inner.counters.note_dropped();
                tracing::error!(%error, "an audit event was lost");
            }
        });
        Ok(Emitted::Queued(event_id))
    }
}
