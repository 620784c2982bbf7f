//! Events in batches of a known size, for whoever measures the trail.

use tokio::sync::oneshot;
use vv_base::Ctx;

use super::Recorded;
use super::prepared::Prepared;
use super::queue::Direct;
use crate::audit::Audit;
use crate::error::AuditError;
use crate::event::Event;

/// Events that are sealed, encoded and without a place.
#[derive(Debug, Clone, Default)]
pub struct PreparedEvents(Vec<Prepared>);

impl PreparedEvents {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes of their bodies.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|event| event.body.len()).sum()
    }
}

impl Audit {
    /// Does for one event what its producer does: seals and encodes it.
    #[doc(hidden)]
    pub fn prepare_into(
        &self,
        ctx: &Ctx,
        event: &Event,
        events: &mut PreparedEvents,
    ) -> Result<(), AuditError> {
        events.0.push(self.prepare(ctx, event)?);
        Ok(())
    }

    /// Appends prepared events and waits for their commit. All of them go into
    /// one batch, unless they are more than a batch holds or others are queued.
    #[doc(hidden)]
    pub async fn append_prepared(
        &self,
        events: PreparedEvents,
    ) -> Result<Vec<Recorded>, AuditError> {
        let mut direct = Vec::with_capacity(events.len());
        let mut answers = Vec::with_capacity(events.len());
        for event in events.0 {
            let (answer, receiver) = oneshot::channel();
            direct.push(Direct { event, answer });
            answers.push(receiver);
        }
        self.queue_all(direct)?;
        let mut recorded = Vec::with_capacity(answers.len());
        for answer in answers {
            recorded.push(answer.await.unwrap_or(Err(AuditError::Overloaded))?);
        }
        Ok(recorded)
    }
}
