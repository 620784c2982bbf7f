//! Removing events at the end of their time.

use vv_base::{Ctx, TenantId};
use vv_crypto::sha256;
use vv_store::{Engine, Tx, args};

use super::manifest::Manifest;
use super::segment::{Segment, SegmentRow, SegmentState};
use super::{LEAST_MONTHS, RetentionError, month, sql};
use crate::audit::{Audit, SYSTEM_CHAIN};
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::Event;
use crate::proof::to_i64;
use crate::write::month_of;
use crate::write::sql::REPLACE_HEAD;

/// Events removed per transaction.
const STEP: i64 = 1_000;
/// Segments of one chain looked at in one run: a century of months.
const MOST: i64 = 1_200;

/// Why a segment whose time is over stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blocked {
    /// A legal hold is in force.
    Hold,
    /// It was not archived yet.
    NotArchived,
    /// Its archive file is missing, damaged or another one.
    Archive,
    /// What is stored does not fit its manifest or the head of the chain.
    Damaged,
}

impl Blocked {
    /// The spelling in reports and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "legal_hold",
            Self::NotArchived => "not_archived",
            Self::Archive => "archive",
            Self::Damaged => "damaged",
        }
    }
}

/// A segment whose time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The chain.
    pub chain: TenantId,
    /// The month, such as 202611.
    pub month: u32,
    /// The height of its first event.
    pub from_height: u64,
    /// The height of its last event.
    pub to_height: u64,
    /// Bytes of its leaves.
    pub bytes: u64,
    /// Why it stays; what comes behind it in its chain stays with it.
    pub blocked: Option<Blocked>,
}

/// What a run removed, or a dry run would.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PruneReport {
    /// The segments, those of one chain together and oldest first.
    pub segments: Vec<Planned>,
}

impl PruneReport {
    /// How many events went or would go.
    pub fn events(&self) -> u64 {
        self.gone().map(|s| s.to_height + 1 - s.from_height).sum()
    }

    /// Bytes of their leaves.
    pub fn bytes(&self) -> u64 {
        self.gone().map(|segment| segment.bytes).sum()
    }

    fn gone(&self) -> impl Iterator<Item = &Planned> {
        self.segments
            .iter()
            .filter(|segment| segment.blocked.is_none())
    }
}

/// How far a step came.
enum Step {
    More,
    Done,
    Held,
}

impl Audit {
    /// Removes the events of every segment that is older than `keep_months`
    /// whole months from the database, oldest first, as long as it is archived
    /// and its archive is good. Their hashes stay, so that every proof can
    /// still be made. The actor of the context stands in the events about it.
    ///
    /// May be stopped at any time; the next run goes on. A dry run only lists,
    /// and does not read the archive files.
    pub async fn prune(
        &self,
        ctx: &Ctx,
        keep_months: u32,
        dry_run: bool,
    ) -> Result<PruneReport, RetentionError> {
        if keep_months < LEAST_MONTHS {
            return Err(RetentionError::TooShort);
        }
        let chains: Vec<(TenantId, i64)> = self
            .store()
            .read(&self.inner.ctx, "audit.oldest_left", async |tx| {
                tx.all(&sql::OLDEST_LEFT, args![]).await
            })
            .await?;
        let mut report = PruneReport::default();
        for (chain, oldest) in chains {
            for row in self.segments_from(chain, oldest).await? {
                let mut planned = planned(&row);
                let segment = match self.open_segment(row) {
                    Ok(segment) => Some(segment),
                    Err(error) => {
                        tracing::error!(%chain, %error, "an audit segment has no genuine manifest");
                        None
                    }
                };
                if !is_over(segment.as_ref(), planned.month, ctx, keep_months) {
                    break;
                }
                planned.blocked = match segment {
                    Some(segment) => {
                        planned.bytes = segment.manifest.bytes;
                        self.prune_or_plan(ctx, &segment, keep_months, dry_run)
                            .await?
                    }
                    None => Some(Blocked::Damaged),
                };
                let stop = planned.blocked.is_some();
                report.segments.push(planned);
                if stop {
                    break;
                }
            }
        }
        if !dry_run {
            self.drop_months().await;
        }
        Ok(report)
    }

    async fn segments_from(
        &self,
        chain: TenantId,
        oldest: i64,
    ) -> Result<Vec<SegmentRow>, RetentionError> {
        let rows = self
            .store()
            .read(&self.inner.ctx, "audit.segments", async |tx| {
                tx.all(&sql::SEGMENTS, args![chain, oldest - 1, MOST]).await
            })
            .await?;
        Ok(rows)
    }

    async fn prune_or_plan(
        &self,
        ctx: &Ctx,
        segment: &Segment,
        keep_months: u32,
        dry_run: bool,
    ) -> Result<Option<Blocked>, RetentionError> {
        let chain = segment.manifest.chain;
        let held = self
            .store()
            .read(&self.inner.ctx, "audit.active_holds", async |tx| {
                is_held(tx, chain).await
            })
            .await?;
        if held {
            return Ok(Some(Blocked::Hold));
        }
        if segment.state == SegmentState::Closed {
            return Ok(Some(Blocked::NotArchived));
        }
        if dry_run {
            return Ok(None);
        }
        match self.prune_segment(ctx, segment, keep_months).await {
            Ok(true) => Ok(None),
            Ok(false) => Ok(Some(Blocked::Hold)),
            Err(RetentionError::Archive(error)) => {
                tracing::error!(%chain, %error, "an audit archive is not good; its events stay");
                Ok(Some(Blocked::Archive))
            }
            Err(
                error @ (RetentionError::Damaged
                | RetentionError::Manifest(_)
                | RetentionError::Audit(AuditError::HeadTampered | AuditError::TreeDamaged)),
            ) => {
                tracing::error!(%chain, %error, "an audit segment is damaged; its events stay");
                Ok(Some(Blocked::Damaged))
            }
            Err(error) => Err(error),
        }
    }

    /// `false` when a legal hold was placed meanwhile.
    async fn prune_segment(
        &self,
        ctx: &Ctx,
        segment: &Segment,
        keep_months: u32,
    ) -> Result<bool, RetentionError> {
        let manifest = &segment.manifest;
        if segment.state == SegmentState::Archived {
            self.check_archive(manifest).await?;
            self.keep_tiles(manifest).await?;
            if !self.begin_pruning(manifest).await? {
                return Ok(false);
            }
        }
        loop {
            match self.prune_step(manifest).await? {
                Step::More => {}
                Step::Held => return Ok(false),
                Step::Done => break,
            }
        }
        self.end_pruning(ctx, segment, keep_months).await?;
        Ok(true)
    }

    /// From here on the chain begins behind the segment.
    async fn begin_pruning(&self, manifest: &Manifest) -> Result<bool, RetentionError> {
        let (chain, month) = (manifest.chain, i64::from(manifest.month));
        self.store()
            .tx(&self.inner.ctx, "audit.begin_pruning", async |tx| {
                let mut head = self.lock_head(tx, chain).await?;
                if is_held(tx, chain).await? {
                    return Ok(false);
                }
                let follows = head.pruned_to + 1 == to_i64(manifest.from_height());
                if !follows || manifest.to_height() > head.height {
                    return Err(RetentionError::Damaged);
                }
                tx.exec_one(&sql::MARK_PRUNING, args![chain, month]).await?;
                head.pruned_to = to_i64(manifest.to_height());
                let row = head.to_row(self);
                tx.exec_one(
                    &REPLACE_HEAD,
                    args![
                        chain,
                        row.height,
                        row.head_hash,
                        row.head_ts,
                        row.head_mac,
                        row.tree,
                        row.pruned_to
                    ],
                )
                .await?;
                Ok(true)
            })
            .await
    }

    async fn prune_step(&self, manifest: &Manifest) -> Result<Step, RetentionError> {
        let (chain, month) = (manifest.chain, i64::from(manifest.month));
        let (from, to) = (to_i64(manifest.from_height()), to_i64(manifest.to_height()));
        self.store()
            .tx(&self.inner.ctx, "audit.prune_step", async |tx| {
                tx.allow_prune().await?;
                let _: Option<(i64,)> = tx.opt(&sql::LOCK_CHAIN, args![chain]).await?;
                if is_held(tx, chain).await? {
                    return Ok(Step::Held);
                }
                let (up_to,): (Option<i64>,) = tx
                    .one(&sql::PRUNE_UP_TO, args![chain, from, to, STEP])
                    .await?;
                let Some(up_to) = up_to else {
                    return Ok(Step::Done);
                };
                for sql in [&sql::PRUNE_TEXT, &sql::PRUNE_BLIND] {
                    tx.exec(sql, args![chain, from, up_to]).await?;
                }
                let gone = prune_events(tx, chain, month).await?;
                if gone == 0 {
                    return Err(RetentionError::Damaged);
                }
                Ok(Step::More)
            })
            .await
    }

    async fn end_pruning(
        &self,
        ctx: &Ctx,
        segment: &Segment,
        keep_months: u32,
    ) -> Result<(), RetentionError> {
        let manifest = &segment.manifest;
        let (chain, month) = (manifest.chain, i64::from(manifest.month));
        // Whoever checks the chain learns from it why it begins later.
        let own = if chain == SYSTEM_CHAIN {
            ctx.clone().for_system()
        } else {
            ctx.clone().for_tenant(chain)
        };
        let digest = hex::encode(sha256(&[segment.note.as_bytes()]));
        let event = Event::new(Kind::SegmentPruned)
            .target("audit_chain", chain)
            .detail("month", month)
            .detail("from_height", to_i64(manifest.from_height()))
            .detail("to_height", to_i64(manifest.to_height()))
            .detail("policy", format!("months:{keep_months}"))
            .detail("manifest_sha256", digest);
        self.store()
            .tx(&self.inner.ctx, "audit.end_pruning", async |tx| {
                let marked = tx
                    .exec(&sql::MARK_PRUNED, args![chain, month, ctx.now()])
                    .await?;
                // Otherwise another process was faster.
                if marked > 0 {
                    self.record(&own, tx, event).await?;
                }
                Ok(())
            })
            .await
    }

    /// Drops the partitions in which nothing is left. One that cannot be
    /// dropped now is dropped by the next run.
    async fn drop_months(&self) {
        if self.store().engine() != Engine::Pg {
            return;
        }
        let months = self
            .store()
            .read(&self.inner.ctx, "audit.pruned_months", async |tx| {
                tx.all::<(i64,)>(&sql::PRUNED_MONTHS, args![]).await
            })
            .await;
        for (month,) in months.unwrap_or_default() {
            let dropped = self
                .store()
                .tx(&self.inner.ctx, "audit.drop_month", async |tx| {
                    tx.one::<(bool,)>(&sql::DROP_MONTH, args![month]).await
                })
                .await;
            match dropped {
                Ok((true,)) => {
                    tracing::info!(month, "an empty partition of audit events was dropped");
                }
                Ok((false,)) => {}
                Err(error) => {
                    tracing::warn!(month, %error, "an empty partition of audit events stays");
                }
            }
        }
    }
}

async fn prune_events(tx: &mut Tx, chain: TenantId, month: i64) -> Result<u64, RetentionError> {
    let args = args![chain, month, STEP];
    if tx.engine() == Engine::Lite {
        return Ok(tx.exec(&sql::PRUNE_EVENTS, args).await?);
    }
    let (gone,): (u64,) = tx.one(&sql::PRUNE_EVENTS, args).await?;
    Ok(gone)
}

async fn is_held(tx: &mut Tx, chain: TenantId) -> Result<bool, RetentionError> {
    let (active,): (i64,) = tx.one(&sql::ACTIVE_HOLDS, args![chain]).await?;
    Ok(active > 0)
}

/// Whether a month has been over for as many whole months as it is kept.
fn is_over(segment: Option<&Segment>, named: u32, ctx: &Ctx, keep_months: u32) -> bool {
    // The manifest is signed; the name of the month alone is not.
    let last = segment.map_or(named, |segment| month_of(segment.manifest.last_at));
    month::between(named.max(last), month_of(ctx.now())) > keep_months
}

fn planned(row: &SegmentRow) -> Planned {
    Planned {
        chain: row.tenant_id,
        month: row.month,
        from_height: row.from_height,
        to_height: row.to_height,
        bytes: 0,
        blocked: None,
    }
}
