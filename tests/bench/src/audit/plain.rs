//! Rows as the trail wrote them, for tables that nobody protects.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::{ColumnIndex, Decode, FromRow, Row, Type};
use vv_base::{Ctx, EventId, SystemClock, SystemRng};

/// A row of `audit_events` with an id, a place and a hash of its own.
#[derive(Debug, Clone)]
pub(crate) struct PlainRow {
    pub(crate) gseq: i64,
    pub(crate) tenant_id: Vec<u8>,
    pub(crate) height: i64,
    pub(crate) event_id: Vec<u8>,
    pub(crate) seq_ts: i64,
    pub(crate) kind: String,
    pub(crate) severity: String,
    pub(crate) outcome: String,
    pub(crate) actor_kind: String,
    pub(crate) actor_ref: Option<Vec<u8>>,
    pub(crate) target_kind: Option<String>,
    pub(crate) target_ref: Option<String>,
    pub(crate) request_id: Vec<u8>,
    pub(crate) leaf: Vec<u8>,
    pub(crate) leaf_hash: Vec<u8>,
}

impl<'r, R: Row> FromRow<'r, R> for PlainRow
where
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        Ok(Self {
            gseq: row.try_get("gseq")?,
            tenant_id: row.try_get("tenant_id")?,
            height: row.try_get("height")?,
            event_id: row.try_get("event_id")?,
            seq_ts: row.try_get("seq_ts")?,
            kind: row.try_get("kind")?,
            severity: row.try_get("severity")?,
            outcome: row.try_get("outcome")?,
            actor_kind: row.try_get("actor_kind")?,
            actor_ref: row.try_get("actor_ref")?,
            target_kind: row.try_get("target_kind")?,
            target_ref: row.try_get("target_ref")?,
            request_id: row.try_get("request_id")?,
            leaf: row.try_get("leaf")?,
            leaf_hash: row.try_get("leaf_hash")?,
        })
    }
}

pub(crate) const COLUMNS: &str = "gseq, tenant_id, height, event_id, seq_ts, kind, severity, \
     outcome, actor_kind, actor_ref, target_kind, target_ref, request_id, leaf, leaf_hash";

/// Makes rows that no table has yet from ones that the trail wrote.
pub(crate) struct Rows {
    samples: Vec<PlainRow>,
    next: AtomicI64,
    ctx: Ctx,
}

impl Rows {
    pub(crate) fn new(samples: Vec<PlainRow>) -> Self {
        Self {
            samples,
            next: AtomicI64::new(1),
            ctx: Ctx::system(Arc::new(SystemClock), Arc::new(SystemRng)),
        }
    }

    /// A row of a chain behind all others: the trail has many chains, so that
    /// hardly ever a row goes to the end of every index.
    pub(crate) fn last_chain(&self) -> Vec<PlainRow> {
        let mut rows = self.batch(1);
        for row in &mut rows {
            row.tenant_id = vec![0xff; 16];
        }
        rows
    }

    pub(crate) fn batch(&self, count: usize) -> Vec<PlainRow> {
        let rows = self.samples.iter().cycle().take(count);
        rows.map(|row| self.renewed(row)).collect()
    }

    fn renewed(&self, row: &PlainRow) -> PlainRow {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        let event_id: EventId = self.ctx.new_id();
        let target: EventId = self.ctx.new_id();
        PlainRow {
            gseq: place,
            height: place,
            event_id: event_id.as_bytes().to_vec(),
            target_ref: row.target_ref.as_ref().map(|_| target.to_string()),
            leaf_hash: self.ctx.random::<32>().to_vec(),
            ..row.clone()
        }
    }
}
