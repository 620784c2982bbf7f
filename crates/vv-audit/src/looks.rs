//! Looks at the trail are events of the trail (PCI DSS 4.0.1, 10.2.1.3).

use vv_base::{Ctx, EventId};

use crate::audit::Audit;
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::Event;
use crate::query::EventDetail;
use crate::tree::TilePath;

/// What somebody looks at, apart from lists, which record themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// One event with everything that is stored of it.
    Event(EventId),
    /// The leaves of a bundle.
    Entries(TilePath),
    /// The trail as it grows, behind this height.
    Tail(u64),
}

impl Audit {
    /// Records a look. Nothing may be shown without it.
    pub async fn record_look(&self, ctx: &Ctx, look: Look) -> Result<(), AuditError> {
        let event = Event::new(Kind::AuditViewed);
        let event = match look {
            Look::Event(id) => event.target("audit_event", id),
            Look::Entries(path) => event.detail("entries", path.to_string()),
            Look::Tail(after) => {
                event.detail("tail_after", i64::try_from(after).unwrap_or(i64::MAX))
            }
        };
        self.emit(ctx, event).await.map(drop)
    }

    /// One event as [`Audit::view`] gives it, for somebody who reads the
    /// trail: the look is recorded.
    pub async fn view_for_reader(
        &self,
        ctx: &Ctx,
        event: EventId,
    ) -> Result<Option<EventDetail>, AuditError> {
        let found = self.view(ctx, event).await?;
        if found.is_some() {
            self.record_look(ctx, Look::Event(event)).await?;
        }
        Ok(found)
    }
}
