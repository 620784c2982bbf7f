//! Reading the trail: pages for people, counts for charts, exports.
//!
//! A filter is answered from the index that finds least. Whatever remains of
//! it is checked row by row, a bounded number of them per page: a filter that
//! fits next to nothing gives short pages with a cursor, never a long wait.

mod event;
#[cfg(test)]
mod explain;
mod filter;
mod lane;
mod plan;
pub(crate) mod sql;
mod stats;
mod stream;
mod walk;
mod words;

pub(crate) use event::StoredEvent;
pub use event::{EventDetail, EventView};
pub use filter::{EventFilter, FilterError, Order};
pub use stats::{ActorCount, AuditStats, HourCount};
pub use stream::ExportRequest;
pub(crate) use words::indexed as indexed_words;

use serde::Serialize;
use vv_base::{Ctx, Cursor, EventId, Page, PageRequest, TenantId, Timestamp};
use vv_store::{FromRow, Row, StoreError, args};

use self::event::says;
use self::walk::{Placed, Walk};
use crate::audit::{ANCHOR_CHAIN, Audit, chain_of};
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::Event;
use crate::write::HeadRow;

/// Heights and index entries looked at for one page.
const BUDGET: usize = 30_000;
/// The same for a count.
const COUNT_BUDGET: usize = 120_000;
/// Most events that are counted.
const MAX_COUNT: u64 = 10_000;
/// Rows per step of a count.
const COUNT_STEP: usize = 2_000;

/// The end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// Events so far.
    pub height: i64,
    /// Leaf hash of the newest event.
    pub hash: [u8; 32],
    /// When the newest event got its place.
    pub at: Timestamp,
}

impl ChainHead {
    /// The hash in lowercase hex.
    pub fn hash_hex(&self) -> String {
        hex::encode(self.hash)
    }
}

/// How many events a filter finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EventCount {
    /// So many.
    pub events: u64,
    /// There may be more: counting ended at a cap.
    pub at_least: bool,
}

/// A row that is only counted.
struct Height(i64);

impl FromRow for Height {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("height").map(Self)
    }
}

impl Placed for Height {
    const SELECT: &'static str = "select height from audit_events";

    fn height(&self) -> i64 {
        self.0
    }
}

impl Audit {
    /// A page of the context's chain. A page may be short, or empty, and still
    /// have a cursor: then the filter fits so little that the search was
    /// broken off, and goes on with the next page.
    pub async fn list(
        &self,
        ctx: &Ctx,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<EventView>, AuditError> {
        let checked = filter.checked()?;
        let cursor = page.after.as_ref().map(position).transpose()?;
        self.catch_up().await?;
        let limit = usize::from(page.limit);
        let store = self.store();
        let (mut walk, mut rows) = store
            .read(ctx, "audit.list", async |tx| {
                let mut walk = self.plan(tx, ctx, &checked, cursor).await?;
                let rows = walk.step::<StoredEvent>(tx, limit + 1).await?;
                Ok::<_, AuditError>((walk, rows))
            })
            .await?;
        let mut items = Vec::with_capacity(limit + 1);
        loop {
            let mut found = self.views(ctx, &rows).await?;
            if let Some(wanted) = &checked.personal {
                found.retain(|event| says(&event.personal, wanted));
            }
            items.append(&mut found);
            if items.len() > limit || walk.is_done() || walk.examined() >= BUDGET {
                break;
            }
            let want = limit + 1 - items.len();
            rows = store
                .read(ctx, "audit.list_on", async |tx| walk.step(tx, want).await)
                .await?;
        }
        Ok(cut(items, limit, &walk))
    }

    /// A page as [`Audit::list`] gives it, for somebody who reads the trail: the
    /// look is recorded (PCI DSS 4.0.1, 10.2.1.3), after the page was read.
    pub async fn list_for_reader(
        &self,
        ctx: &Ctx,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<EventView>, AuditError> {
        let found = self.list(ctx, filter, page).await?;
        let shown = i64::try_from(found.items.len()).unwrap_or(i64::MAX);
        let mut event = Event::new(Kind::AuditViewed).detail("shown", shown);
        let asked = filter.describe();
        if !asked.is_empty() {
            event = event.detail("filter", asked);
        }
        self.emit(ctx, event).await?;
        Ok(found)
    }

    /// One event of the context's chain with everything that is stored of it.
    pub async fn view(&self, ctx: &Ctx, event: EventId) -> Result<Option<EventDetail>, AuditError> {
        self.catch_up().await?;
        let chain = chain_of(ctx);
        let row: Option<StoredEvent> = self
            .store()
            .read(ctx, "audit.event", async |tx| {
                tx.opt(&sql::EVENT, args![chain, event]).await
            })
            .await?;
        let Some(row) = row else { return Ok(None) };
        let rows = std::slice::from_ref(&row);
        let keys = self.keys_for(ctx, rows).await?;
        let view = event::view(&keys, &row);
        Ok(Some(EventDetail::new(view, &row)))
    }

    /// How many events of the context's chain a filter finds, counted up to
    /// 10,000. Fields of erased people count while their index entries stand.
    pub async fn count(&self, ctx: &Ctx, filter: &EventFilter) -> Result<EventCount, AuditError> {
        let checked = filter.checked()?;
        self.catch_up().await?;
        let store = self.store();
        let mut walk = store
            .read(ctx, "audit.plan_count", async |tx| {
                self.plan(tx, ctx, &checked, None).await
            })
            .await?;
        if walk.is_everything() {
            let range = walk.range();
            return Ok(EventCount {
                events: u64::try_from(range.high - range.low).unwrap_or(0),
                at_least: false,
            });
        }
        let mut events = 0;
        while events < MAX_COUNT && !walk.is_done() && walk.examined() < COUNT_BUDGET {
            let rows: Vec<Height> = store
                .read(ctx, "audit.count", async |tx| {
                    walk.step(tx, COUNT_STEP).await
                })
                .await?;
            events += u64::try_from(rows.len()).unwrap_or(0);
        }
        Ok(EventCount {
            events,
            at_least: !walk.is_done(),
        })
    }

    /// The newest event of the context's chain; `None` before the first.
    pub async fn head(&self, ctx: &Ctx) -> Result<Option<ChainHead>, AuditError> {
        self.catch_up().await?;
        let chain = chain_of(ctx);
        let head: Option<HeadRow> = self
            .store()
            .read(ctx, "audit.find_head", async |tx| {
                tx.opt(&crate::write::sql::FIND_HEAD, args![chain]).await
            })
            .await?;
        Ok(head.map(|head| ChainHead {
            height: head.height,
            hash: head.head_hash,
            at: head.head_ts,
        }))
    }

    /// Every chain there is, the system chain among them.
    pub async fn chains(&self, ctx: &Ctx) -> Result<Vec<TenantId>, AuditError> {
        self.catch_up().await?;
        let rows: Vec<(TenantId,)> = self
            .store()
            .read(&ctx.clone().for_system(), "audit.chains", async |tx| {
                tx.all(&sql::CHAINS, args![]).await
            })
            .await?;
        // The log of logs is checked along with every chain, not as one.
        let chains = rows.into_iter().map(|(chain,)| chain);
        Ok(chains.filter(|chain| *chain != ANCHOR_CHAIN).collect())
    }
}

/// The height in a cursor.
fn position(cursor: &Cursor) -> Result<i64, StoreError> {
    Ok(i64::from_be_bytes(cursor.key_array()?))
}

/// The page: one event more than fits, or a search that was broken off, means
/// that more follow.
fn cut(mut items: Vec<EventView>, limit: usize, walk: &Walk) -> Page<EventView> {
    let more = items.len() > limit;
    items.truncate(limit);
    let behind = match items.last() {
        Some(last) if more => Some(last.height),
        _ if walk.is_done() => None,
        _ => Some(walk.position()),
    };
    Page {
        items,
        next_cursor: behind.map(|height| Cursor::after(&height.to_be_bytes())),
    }
}
