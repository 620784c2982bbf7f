//! Walks a chain and says what is wrong, if anything.
//!
//! The events are read in steps of many rows at once ([`frame`]) and checked
//! without I/O ([`walk`]); the head, the tiles, the roll-ups, the subject keys
//! and the log of logs are compared with what the walk found.

mod anchored;
mod boundary;
mod capture;
mod columns;
mod counts;
mod erasure;
mod export;
mod finish;
mod found;
mod frame;
mod memory;
mod outside;
mod progress;
mod save;
mod tiles;
mod walk;

use std::collections::HashMap;

use vv_base::{Ctx, TenantId};
use vv_store::{Sql, args};

pub use export::{ExportVerification, LineFinding, verify_export};
pub use found::{
    Capture, CaptureVerdict, Finding, MAX_FINDINGS, Question, Verdict, Verdicts, Verification,
};
pub use memory::LoadedChain;
pub use save::LastVerification;

use self::anchored::AnchorCursor;
use self::frame::{FRAMES, Stored};
use self::progress::Saved;
use self::tiles::TileCache;
use self::walk::Walk;
use crate::audit::{ANCHOR_CHAIN, Audit, SYSTEM_CHAIN, chain_of};
use crate::error::AuditError;
use crate::write::HeadRow;

/// Heights of a step, until the size of the events is known.
const FIRST_STEP: i64 = 256;
/// Heights of a step at most.
const MAX_STEP: i64 = 2_048;
/// Bytes of a step that are aimed at.
const STEP_BYTES: usize = 1 << 20;
/// Rows of a step beyond its heights, which only rows that share one take up.
const SPARE_ROWS: i64 = 1_024;
/// Events between two saved states.
const SAVE_EVERY: u64 = 50_000;

static NEXT_HEIGHT: Sql = Sql::same(
    "audit.next_height",
    "select height from audit_events where tenant_id = $1 and height > $2 \
     order by height limit 1",
);

/// Statements of verification.
pub(crate) const STATEMENTS: &[&Sql] = &[
    &FRAMES,
    &NEXT_HEIGHT,
    &anchored::ANCHORS_OF,
    &anchored::ANCHORS_FROM,
    &anchored::CHECKPOINTS_FROM,
    &anchored::LAST_ANCHOR_OF,
    &capture::ARRIVED,
    &capture::NODES,
    &counts::ROLLUP_TOTALS,
    &progress::SAVE,
    &progress::LOAD,
    &progress::DROP,
    &save::SAVE_VERIFICATION,
    &save::LAST_VERIFICATION,
    &tiles::TILE,
    &tiles::TILE_SHAPES,
];

/// Where a verification starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// At the first event there is: everything is read.
    #[default]
    Beginning,
    /// After the last event that a verification without a finding reached. What
    /// lies before is vouched for by its saved tree only.
    LastVerified,
    /// Where one that was interrupted in the last 24 hours stopped, or at the
    /// beginning.
    Resume,
}

/// What to verify.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Where to start.
    pub from: Start,
    /// Signed checkpoints of the chain or of the log of logs that were kept
    /// outside; the trail must continue each of them.
    pub checkpoints: Vec<String>,
}

/// The end of a chain in one snapshot.
struct End {
    head: Option<HeadRow>,
    genuine: bool,
    /// The height of the last event there is.
    last: i64,
    totals: HashMap<String, i64>,
    /// Where the last verification got to.
    seen: i64,
}

impl End {
    /// Events behind the head that was read are not judged one by one.
    fn top(&self) -> i64 {
        self.head.as_ref().map_or(self.last, |head| head.height)
    }

    /// A head of the first release, which had neither tree nor tiles.
    fn has_tree(&self) -> bool {
        self.head
            .as_ref()
            .is_some_and(|head| self.genuine && (head.height == 0 || !head.tree.is_empty()))
    }
}

impl Audit {
    /// Checks a chain. `progress` hears how many of how many events are done.
    /// The result is stored and itself recorded as an event.
    pub async fn verify(
        &self,
        ctx: &Ctx,
        options: &VerifyOptions,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<Verification, AuditError> {
        let chain = chain_of(ctx);
        if chain == ANCHOR_CHAIN {
            // The log of logs is checked along with every chain.
            return Err(AuditError::OutOfRange);
        }
        self.catch_up().await?;
        let first = self.begin(ctx, chain).await?;
        let end = self.end_of(ctx, chain, first.1).await?;
        let mut walk = self.start_walk(ctx, options.from, first.0, &end).await?;
        self.walk_along(ctx, &mut walk, &end, &mut progress).await?;
        finish::compare_end(&mut walk, &end);
        if end.has_tree() && walk.range.is_some() {
            self.check_tile_shapes(ctx, chain, &mut walk.report).await?;
        }
        self.check_anchors(ctx, options, &mut walk).await?;
        self.check_subjects(ctx, &mut walk, true).await?;
        let capture = if chain == SYSTEM_CHAIN {
            Some(self.check_capture(ctx, &walk.beats).await?)
        } else {
            None
        };
        self.end_walk(ctx, &walk).await?;
        let result = Verification {
            verified: !walk.report.failed(),
            checked: walk.checked,
            after: u64::try_from(walk.after).unwrap_or(0),
            verdicts: walk.report.verdicts,
            first_bad_height: walk.report.first_bad,
            findings: walk.report.findings,
            capture,
        };
        // A cut chain must not pass the next time for having been seen short.
        let height = walk.height.max(end.seen);
        self.save(ctx, height, &result).await?;
        Ok(result)
    }

    /// A walk at the first event, and the hour from which roll-ups count.
    async fn begin(&self, ctx: &Ctx, chain: TenantId) -> Result<(Walk, i64), AuditError> {
        let head: Option<HeadRow> = self
            .store()
            .read(ctx, "audit.find_head", async |tx| {
                tx.opt(&crate::write::sql::FIND_HEAD, args![chain]).await
            })
            .await?;
        let pruned_to = head.map_or(0, |head| head.pruned_to);
        let walk = self.first_walk(chain, pruned_to).await?;
        let hour = boundary::first_hour(&walk, pruned_to);
        Ok((walk, hour))
    }

    async fn end_of(&self, ctx: &Ctx, chain: TenantId, from_hour: i64) -> Result<End, AuditError> {
        let before = self.last_verification(ctx).await?;
        let (head, last, totals) = self
            .store()
            .read(ctx, "audit.find_end", async |tx| {
                let head: Option<HeadRow> =
                    tx.opt(&crate::write::sql::FIND_HEAD, args![chain]).await?;
                let last: Option<(i64,)> = tx
                    .opt(&crate::write::sql::LAST_HEIGHT, args![chain])
                    .await?;
                let totals = counts::totals(tx, chain, from_hour).await?;
                Ok::<_, AuditError>((head, last.map_or(0, |(height,)| height), totals))
            })
            .await?;
        Ok(End {
            genuine: head.as_ref().is_some_and(|head| self.head_is_genuine(head)),
            head,
            last,
            totals,
            seen: before.map_or(0, |before| before.height),
        })
    }

    /// The walk from where it is to start.
    async fn start_walk(
        &self,
        ctx: &Ctx,
        from: Start,
        first: Walk,
        end: &End,
    ) -> Result<Walk, AuditError> {
        let saved = match from {
            Start::Beginning => None,
            Start::LastVerified => self.load_walk(ctx, first.chain, Saved::Verified).await?,
            Start::Resume => self.load_walk(ctx, first.chain, Saved::Running).await?,
        };
        let Some(mut walk) = saved else {
            return Ok(first);
        };
        // What was pruned since cannot be joined, and a state beyond the end
        // is no place to go on from.
        if walk.height < first.height || walk.height > end.top() {
            return Ok(first);
        }
        if walk.height > first.height {
            self.check_join(ctx, &mut walk).await?;
        }
        Ok(walk)
    }

    /// The event that the saved state ends with must still be there.
    async fn check_join(&self, ctx: &Ctx, walk: &mut Walk) -> Result<(), AuditError> {
        let before = walk.height - 1;
        let frames = self.frames(ctx, walk.chain, before, walk.height).await?;
        let mut frames = frames.as_slice();
        let found = Stored::read(&mut frames);
        if found.is_none_or(|row| crate::leaf::leaf_hash(row.leaf) != walk.prev) {
            let detail = "the event is not the one that was verified before";
            walk.report
                .at(Question::Integrity, walk.height, "verified_before", detail);
        }
        Ok(())
    }

    async fn frames(
        &self,
        ctx: &Ctx,
        chain: TenantId,
        after: i64,
        to: i64,
    ) -> Result<Vec<u8>, AuditError> {
        let most = to.saturating_sub(after).saturating_add(SPARE_ROWS);
        let (found,): (Option<Vec<u8>>,) = self
            .store()
            .read(ctx, "audit.event_frames", async |tx| {
                tx.one(&FRAMES, args![chain, after, to, most]).await
            })
            .await?;
        Ok(found.unwrap_or_default())
    }

    async fn walk_along(
        &self,
        ctx: &Ctx,
        walk: &mut Walk,
        end: &End,
        progress: &mut (impl FnMut(u64, u64) + Send),
    ) -> Result<(), AuditError> {
        let (chain, top) = (walk.chain, end.top());
        let total = u64::try_from(top.saturating_sub(walk.after)).unwrap_or(0);
        let mut anchors = AnchorCursor::after(walk.height);
        let mut tiles = TileCache::default();
        let (mut after, mut step) = (walk.height, FIRST_STEP);
        let mut saved = walk.checked;
        while after < top {
            let to = after.saturating_add(step).min(top);
            self.read_anchors(ctx, walk, &mut anchors, to).await?;
            let frames = self.frames(ctx, chain, after, to).await?;
            if frames.is_empty() {
                let Some(next) = self.next_height(ctx, chain, to, top).await? else {
                    break;
                };
                after = next - 1;
                continue;
            }
            step = walk_frames(walk, &frames)?;
            after = to;
            if end.has_tree() {
                self.check_tiles(ctx, walk, &mut tiles).await?;
            }
            walk.completed.clear();
            self.check_subjects(ctx, walk, false).await?;
            progress(walk.checked, total.max(walk.checked));
            if walk.checked - saved >= SAVE_EVERY {
                saved = walk.checked;
                self.check_subjects(ctx, walk, true).await?;
                self.save_walk(ctx, walk, Saved::Running).await?;
            }
        }
        self.read_anchors(ctx, walk, &mut anchors, walk.height)
            .await?;
        if anchors.found || !walk.anchors.is_empty() {
            walk.report.anchored(Verdict::Ok);
        }
        Ok(())
    }

    /// The next event beyond a gap; only what is not behind the head counts.
    async fn next_height(
        &self,
        ctx: &Ctx,
        chain: TenantId,
        after: i64,
        top: i64,
    ) -> Result<Option<i64>, AuditError> {
        let found: Option<(i64,)> = self
            .store()
            .read(ctx, "audit.next_height", async |tx| {
                tx.opt(&NEXT_HEIGHT, args![chain, after]).await
            })
            .await?;
        Ok(found
            .map(|(height,)| height)
            .filter(|height| *height <= top))
    }
}

/// Takes the frames apart; tells how many heights the next step should have.
fn walk_frames(walk: &mut Walk, frames: &[u8]) -> Result<i64, AuditError> {
    let mut rest = frames;
    let before = walk.checked;
    while !rest.is_empty() {
        let row = Stored::read(&mut rest).ok_or(AuditError::TreeDamaged)?;
        walk.step(&row);
    }
    let rows = usize::try_from(walk.checked - before).unwrap_or(1).max(1);
    let fit = STEP_BYTES / (frames.len() / rows).max(1);
    Ok(i64::try_from(fit).unwrap_or(MAX_STEP).clamp(16, MAX_STEP))
}
