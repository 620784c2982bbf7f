//! Closing the months that are over.

use vv_base::{Ctx, Span, TenantId, Timestamp};
use vv_crypto::sha256;
use vv_store::{Tx, args};

use super::manifest::Manifest;
use super::segment::SegmentRow;
use super::walk::Walk;
use super::{RetentionError, month, sql};
use crate::audit::{ANCHOR_CHAIN, Audit};
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::Event;
use crate::proof::sql::LEAVES;
use crate::proof::to_i64;
use crate::write::sql::{ENSURE_MONTH, FIND_HEAD, LOCK_SEQUENCER};
use crate::write::{Head, HeadRow, month_of};

/// A month stays open for so long, for nodes whose clock is behind.
const GRACE: Span = Span::days(1);
/// Leaves read per step.
const STEP: i64 = 500;

/// What a run closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closed {
    /// Each segment: the chain and the month.
    pub segments: Vec<(TenantId, u32)>,
    /// Chains whose events do not lead to their head; nothing of them was closed.
    pub damaged: Vec<TenantId>,
}

impl Audit {
    /// Makes sure that this month and the next have their partition, where
    /// there are partitions. Appending does it when it must; then it waits.
    pub async fn ensure_months(&self, ctx: &Ctx) -> Result<(), RetentionError> {
        let now = ctx.now();
        self.store()
            .tx(&self.inner.ctx, "audit.ensure_months", async |tx| {
                for at in [now, month::end(month_of(now))] {
                    let _: (i64,) = tx.one(&ENSURE_MONTH, args![at]).await?;
                }
                Ok::<_, RetentionError>(())
            })
            .await
    }

    /// Closes every month of every chain that has been over for a day: signs
    /// a [`Manifest`] for each that has events. What was closed before stays.
    ///
    /// The events are read and must lead to the head of their chain.
    pub async fn close_segments(&self, ctx: &Ctx) -> Result<Closed, RetentionError> {
        self.catch_up().await?;
        let chains: Vec<(TenantId,)> = self
            .store()
            .read(&self.inner.ctx, "audit.chains", async |tx| {
                tx.all(&sql::CHAINS, args![]).await
            })
            .await?;
        let mut closed = Closed::default();
        for (chain,) in chains.into_iter().filter(|(chain,)| *chain != ANCHOR_CHAIN) {
            match self.close_chain(ctx, chain).await {
                Ok(months) => {
                    let segments = months.into_iter().map(|month| (chain, month));
                    closed.segments.extend(segments);
                }
                // The other chains are closed all the same.
                Err(
                    error @ (RetentionError::Damaged
                    | RetentionError::Manifest(_)
                    | RetentionError::Audit(
                        AuditError::HeadTampered | AuditError::TreeDamaged | AuditError::Manifest,
                    )),
                ) => {
                    tracing::error!(%chain, %error, "an audit chain cannot be closed");
                    closed.damaged.push(chain);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(closed)
    }

    async fn close_chain(&self, ctx: &Ctx, chain: TenantId) -> Result<Vec<u32>, RetentionError> {
        let (row, next) = self.last_segment(chain).await?;
        let last = match row {
            Some(row) => Some(self.open_segment(row)?.manifest),
            None => None,
        };
        let Some(next) = next else {
            return Ok(Vec::new());
        };
        let mut open = Open::at(next, last.as_ref());
        if !open.is_over(ctx.now()) {
            return Ok(Vec::new());
        }
        let head = self.whole_head(chain).await?;
        let mut walk = Walk::after(chain, last.as_ref());
        let mut manifests = Vec::new();
        while walk.height() < head.height {
            for leaf in self.leaves(chain, walk.height(), head.height).await? {
                let at = walk.check(&leaf).map_err(|_| RetentionError::Damaged)?;
                if at >= open.end {
                    manifests.extend(open.finish(&mut walk, ctx.now()));
                    open = Open::at(at, manifests.last().or(last.as_ref()));
                }
                walk.push(&leaf).map_err(|_| RetentionError::Damaged)?;
            }
        }
        manifests.extend(open.finish(&mut walk, ctx.now()));
        // What is signed must be what the chain was built from.
        if walk.edge.range != head.range || walk.edge.leaf != head.hash {
            return Err(RetentionError::Damaged);
        }
        let mut months = Vec::with_capacity(manifests.len());
        for manifest in manifests {
            if !self.write_segment(ctx, &manifest).await? {
                break;
            }
            months.push(manifest.month);
        }
        Ok(months)
    }

    /// The last segment of a chain, and when the first event behind it got its place.
    async fn last_segment(
        &self,
        chain: TenantId,
    ) -> Result<(Option<SegmentRow>, Option<Timestamp>), RetentionError> {
        self.store()
            .read(&self.inner.ctx, "audit.last_segment", async |tx| {
                let row: Option<SegmentRow> = tx.opt(&sql::LAST_SEGMENT, args![chain]).await?;
                let to = row.as_ref().map_or(0, |row| row.to_height);
                let to = to_i64(to);
                let next: Option<(Timestamp,)> = tx.opt(&sql::NEXT_TIME, args![chain, to]).await?;
                Ok((row, next.map(|(at,)| at)))
            })
            .await
    }

    /// The head of a chain, with its tree.
    pub(super) async fn whole_head(&self, chain: TenantId) -> Result<Head, AuditError> {
        self.store()
            .tx(&self.inner.ctx, "audit.whole_head", async |tx| {
                self.lock_head(tx, chain).await
            })
            .await
    }

    /// The head of a chain while nobody else changes it.
    pub(super) async fn lock_head(&self, tx: &mut Tx, chain: TenantId) -> Result<Head, AuditError> {
        let _: (String, i64, Timestamp, i64) = tx.one(&LOCK_SEQUENCER, args![]).await?;
        let _: Option<(i64,)> = tx.opt(&sql::LOCK_CHAIN, args![chain]).await?;
        let row: Option<HeadRow> = tx.opt(&FIND_HEAD, args![chain]).await?;
        let row = row.ok_or(AuditError::HeadTampered)?;
        self.settle_head(tx, &row).await
    }

    /// The next few leaves after a height, in order; an error when there are none.
    pub(super) async fn leaves(
        &self,
        chain: TenantId,
        after: u64,
        to: u64,
    ) -> Result<Vec<Vec<u8>>, RetentionError> {
        let after = to_i64(after);
        let to = to_i64(to);
        let rows: Vec<(i64, Vec<u8>)> = self
            .store()
            .read(&self.inner.ctx, "audit.leaves", async |tx| {
                tx.all(&LEAVES, args![chain, after, to, STEP]).await
            })
            .await?;
        if rows.is_empty() {
            return Err(RetentionError::Damaged);
        }
        Ok(rows.into_iter().map(|(_, leaf)| leaf).collect())
    }

    /// `false` when another process was faster.
    async fn write_segment(&self, ctx: &Ctx, manifest: &Manifest) -> Result<bool, RetentionError> {
        let note = self.sign_manifest(manifest)?;
        let chain = manifest.chain;
        let from = to_i64(manifest.from_height());
        let to = to_i64(manifest.to_height());
        let month = i64::from(manifest.month);
        let system = ctx.clone().for_system();
        let event = Event::new(Kind::SegmentClosed)
            .target("audit_chain", chain)
            .detail("month", month)
            .detail("from_height", from)
            .detail("to_height", to)
            .detail("manifest_sha256", hex::encode(sha256(&[note.as_bytes()])));
        self.store()
            .tx(&system, "audit.close_segment", async |tx| {
                let _: Option<(i64,)> = tx.opt(&sql::LOCK_CHAIN, args![chain]).await?;
                let last: Option<SegmentRow> = tx.opt(&sql::LAST_SEGMENT, args![chain]).await?;
                if last.map_or(0, |last| last.to_height) + 1 != manifest.from_height() {
                    return Ok(false);
                }
                let now = ctx.now();
                tx.exec_one(
                    &sql::INSERT_SEGMENT,
                    args![chain, month, from, to, note, now],
                )
                .await?;
                self.record(&system, tx, event).await?;
                Ok(true)
            })
            .await
    }
}

/// The month that a walk is in.
struct Open {
    month: u32,
    end: Timestamp,
}

impl Open {
    /// Events of a month that is closed already, from a node whose clock was
    /// behind, go into the month after.
    fn at(at: Timestamp, last: Option<&Manifest>) -> Self {
        let earliest = last.map_or(0, |last| month::next(last.month));
        let month = month_of(at).max(earliest);
        Self {
            month,
            end: month::end(month),
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.end.plus(GRACE) <= now
    }

    fn finish(&self, walk: &mut Walk, now: Timestamp) -> Option<Manifest> {
        if self.is_over(now) {
            walk.finish(self.month)
        } else {
            None
        }
    }
}
