//! What the walk found against what lies beside the events.

use vv_base::{Ctx, Span};

use super::found::{Question, Report, Verdict};
use super::walk::Walk;
use super::{End, Start, VerifyOptions, counts};
use crate::audit::{Audit, SYSTEM_CHAIN};
use crate::error::AuditError;
use crate::tree::CompactRange;

/// How long a check of the whole log of logs serves the other chains.
const ANCHORS_CHECKED: Span = Span::hours(1);

/// The head row against the end of the walk.
pub(super) fn compare_end(walk: &mut Walk, end: &End) {
    let (height, prev) = (walk.height, walk.prev);
    let report = &mut walk.report;
    let mut bad = |height: i64, code: &str, detail: &str| {
        report.at(Question::Completeness, height, code, detail);
    };
    let Some(head) = &end.head else {
        // A tenant's chain begins with the tenant, and what was seen before
        // cannot be gone: somebody removed the head.
        if walk.chain != SYSTEM_CHAIN || walk.checked > 0 || end.seen > 0 {
            bad(1, "no_head", "the chain has no head");
            // From now on it counts as seen, so that nothing starts it afresh.
            walk.height = walk.height.max(1);
        }
        return;
    };
    if end.last > head.height {
        let detail = "there are events beyond the head";
        bad(head.height + 1, "beyond_head", detail);
    }
    if height < head.height {
        let detail = format!("the head names {} events", head.height);
        bad(height + 1, "end_missing", &detail);
    } else if !end.genuine {
        bad(height.max(1), "head_mac", "the head fails its check value");
    } else if prev != head.head_hash {
        let detail = "the last event is not the one that the head names";
        bad(height.max(1), "head_hash", detail);
    }
    if end.seen > head.height {
        let detail = "a verification saw more events than there are";
        bad(head.height + 1, "seen_more", detail);
    }
    let tree = walk.range.as_ref().map(CompactRange::encode);
    if end.has_tree() && height == head.height && tree.is_some_and(|tree| tree != head.tree) {
        let detail = "the tree in the head is not the tree over the events";
        report.at(Question::Integrity, height.max(1), "head_tree", detail);
    }
    let sound = [report.verdicts.integrity, report.verdicts.completeness];
    if sound == [Verdict::Ok; 2] {
        counts::compare(report, &end.totals, &walk.counts);
    }
}

impl Audit {
    pub(super) async fn check_anchors(
        &self,
        ctx: &Ctx,
        options: &VerifyOptions,
        walk: &mut Walk,
    ) -> Result<(), AuditError> {
        let report = &mut walk.report;
        self.check_last_anchor(ctx, walk.chain, report).await?;
        let system = ctx.clone().for_system();
        let young = (options.from == Start::Beginning).then_some(ANCHORS_CHECKED);
        let known = self.load_anchor_state(&system, young).await?;
        let mut log = Report::default();
        let (before, whole_at) = known.unwrap_or_else(|| (CompactRange::new(), ctx.now()));
        let size = before.size();
        let range = self.check_anchor_log(&system, before, &mut log).await?;
        if !log.failed() && range.size() > size {
            self.save_anchor_state(&system, &range, whole_at).await?;
        }
        self.check_outside(ctx, &options.checkpoints, &mut log)
            .await?;
        self.check_sinks(ctx, &mut log).await?;
        for finding in &log.findings {
            report.add(Question::Anchor, &finding.code, &finding.detail);
        }
        match log.verdicts.anchor {
            // The log is sound, but this chain is not in it yet.
            Verdict::Ok
                if report.verdicts.anchor == Verdict::NotConfigured
                    && !options.checkpoints.is_empty() =>
            {
                report.anchored(Verdict::Ok);
            }
            Verdict::Stale => report.anchored(Verdict::Stale),
            _ => {}
        }
        Ok(())
    }
}
