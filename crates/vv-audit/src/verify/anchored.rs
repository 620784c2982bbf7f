//! What the log of logs says about a chain, and whether that log is sound.

use vv_base::{Ctx, TenantId};
use vv_crypto::{Origin, verify_note};
use vv_store::{Sql, args, row};

use super::found::{Question, Report, Verdict};
use super::walk::Walk;
use crate::anchor::AnchorLeaf;
use crate::audit::{ANCHOR_CHAIN, Audit};
use crate::error::AuditError;
use crate::leaf::leaf_hash;
use crate::tree::{CompactRange, Hash};
use crate::write::HeadRow;

pub(super) static ANCHORS_OF: Sql = Sql::same(
    "audit.anchors_of",
    "select position, tenant_id, at, size, root, leaf, leaf_hash from audit_anchors \
     where tenant_id = $1 and (size, position) > ($2, $3) order by size, position limit $4",
);
pub(super) static ANCHORS_FROM: Sql = Sql::same(
    "audit.anchors_from",
    "select position, tenant_id, at, size, root, leaf, leaf_hash from audit_anchors \
     where position > $1 and position <= $2 order by position limit $3",
)
.across_tenants("the log of logs has every chain");
pub(super) static CHECKPOINTS_FROM: Sql = Sql::same(
    "audit.checkpoints_from",
    "select size, root, note from audit_checkpoints where size > $1 order by size limit $2",
);
pub(super) static LAST_ANCHOR_OF: Sql = Sql::same(
    "audit.last_anchor_of",
    "select size from audit_anchors where tenant_id = $1 order by size desc limit 1",
);

/// Rows read at once.
const STEP: i64 = 1_024;
/// Anchors of one step of the walk; a chain has at most one per size.
const MAX_WAITING: usize = 16_384;

row! {
    struct AnchorRow {
        position: i64,
        tenant_id: TenantId,
        at: i64,
        size: i64,
        root: [u8; 32],
        leaf: Vec<u8>,
        leaf_hash: [u8; 32],
    }
}

row! {
    struct CheckpointRow {
        size: i64,
        root: [u8; 32],
        note: String,
    }
}

/// What an anchor says about its chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchored {
    pub(super) size: i64,
    pub(super) root: Hash,
    /// Hash of the last leaf.
    pub(super) last: Hash,
}

/// Where the reading of a chain's anchors is.
#[derive(Debug, Clone, Copy)]
pub(super) struct AnchorCursor {
    size: i64,
    position: i64,
    pub(super) found: bool,
    done: bool,
}

impl AnchorCursor {
    pub(super) const fn after(size: i64) -> Self {
        Self {
            size,
            position: i64::MAX,
            found: false,
            done: false,
        }
    }
}

impl AnchorRow {
    /// What the leaf says, unless the columns beside it differ.
    fn read(&self) -> Option<Anchored> {
        let leaf = AnchorLeaf::decode(&self.leaf).ok()?;
        let same = leaf_hash(&self.leaf) == self.leaf_hash
            && i64::try_from(leaf.position) == Ok(self.position)
            && leaf.at.unix_micros() == self.at
            && leaf.chain == self.tenant_id
            && i64::try_from(leaf.size) == Ok(self.size)
            && leaf.root == self.root;
        same.then_some(Anchored {
            size: self.size,
            root: leaf.root,
            last: leaf.last_leaf_hash,
        })
    }
}

impl Audit {
    /// Reads the chain's anchors up to a height, and a few more.
    pub(super) async fn read_anchors(
        &self,
        ctx: &Ctx,
        walk: &mut Walk,
        cursor: &mut AnchorCursor,
        to: i64,
    ) -> Result<(), AuditError> {
        while !cursor.done && walk.anchors.back().is_none_or(|last| last.size <= to) {
            let (chain, at) = (walk.chain, *cursor);
            let rows: Vec<AnchorRow> = self
                .store()
                .read(ctx, "audit.anchors_of", async |tx| {
                    tx.all(&ANCHORS_OF, args![chain, at.size, at.position, STEP])
                        .await
                })
                .await?;
            cursor.done = rows.is_empty();
            cursor.found |= !rows.is_empty();
            for row in &rows {
                (cursor.size, cursor.position) = (row.size, row.position);
                if let Some(anchor) = row.read() {
                    walk.anchors.push_back(anchor);
                } else {
                    let detail = format!("anchor {} is not what it was", row.position);
                    walk.report.add(Question::Anchor, "anchor_leaf", &detail);
                }
            }
            if walk.anchors.len() > MAX_WAITING {
                let detail = "more anchors than the chain has sizes";
                walk.report.add(Question::Anchor, "anchor_flood", detail);
                cursor.done = true;
            }
        }
        Ok(())
    }

    /// An anchor of a larger size than the chain has means that its end is gone.
    pub(super) async fn check_last_anchor(
        &self,
        ctx: &Ctx,
        chain: TenantId,
        report: &mut Report,
    ) -> Result<(), AuditError> {
        let (last, height) = self
            .store()
            .read(ctx, "audit.last_anchor_of", async |tx| {
                let last: Option<(i64,)> = tx.opt(&LAST_ANCHOR_OF, args![chain]).await?;
                let head: Option<HeadRow> =
                    tx.opt(&crate::write::sql::FIND_HEAD, args![chain]).await?;
                Ok::<_, AuditError>((last, head.map_or(0, |head| head.height)))
            })
            .await?;
        if let Some((size,)) = last
            && size > height
        {
            let detail = format!("the log of logs knew the chain with {size} events");
            report.at(Question::Anchor, height + 1, "anchor_beyond", &detail);
        }
        Ok(())
    }

    /// Checks the log of logs: dense, its leaves and tree as stored, and its
    /// signed checkpoints those of this tree. `after` is a state that was
    /// verified before. Gives back the state at the end.
    pub(super) async fn check_anchor_log(
        &self,
        ctx: &Ctx,
        after: CompactRange,
        report: &mut Report,
    ) -> Result<CompactRange, AuditError> {
        let ctx = &ctx.clone().for_system();
        let head: Option<HeadRow> = self
            .store()
            .read(ctx, "audit.find_anchor_head", async |tx| {
                tx.opt(&crate::write::sql::FIND_HEAD, args![ANCHOR_CHAIN])
                    .await
            })
            .await?;
        let mut range = after;
        let top = head.as_ref().map_or(i64::MAX, |head| head.height);
        let mut signed = Signed::after(&range);
        loop {
            let from = i64::try_from(range.size()).unwrap_or(i64::MAX);
            let rows: Vec<AnchorRow> = self
                .store()
                .read(ctx, "audit.anchors_from", async |tx| {
                    tx.all(&ANCHORS_FROM, args![from, top, STEP]).await
                })
                .await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                if u64::try_from(row.position) != Ok(range.size() + 1) || row.read().is_none() {
                    let detail = format!("anchor {} is not what it was", range.size() + 1);
                    report.add(Question::Anchor, "anchor_log", &detail);
                    return Ok(range);
                }
                let grown = range.push(leaf_hash(&row.leaf));
                grown.map_err(|_| AuditError::TreeDamaged)?;
                self.meet_checkpoint(ctx, &mut signed, &range, report)
                    .await?;
            }
        }
        match head {
            None if range.size() == 0 => {}
            Some(head) if self.is_head_of(&head, &range) => {}
            _ => report.add(
                Question::Anchor,
                "anchor_head",
                "the log of logs does not end where its head says",
            ),
        }
        self.end_checkpoints(ctx, &mut signed, &range, report)
            .await?;
        Ok(range)
    }

    fn is_head_of(&self, head: &HeadRow, range: &CompactRange) -> bool {
        self.head_is_genuine(head)
            && u64::try_from(head.height) == Ok(range.size())
            && head.tree == range.encode()
    }

    async fn meet_checkpoint(
        &self,
        ctx: &Ctx,
        signed: &mut Signed,
        range: &CompactRange,
        report: &mut Report,
    ) -> Result<(), AuditError> {
        let size = i64::try_from(range.size()).unwrap_or(i64::MAX);
        signed.fill(self, ctx).await?;
        while let Some(next) = signed.rows.front().filter(|next| next.size <= size) {
            signed.last = next.size;
            if next.size != size || !self.checkpoint_fits(next, range) {
                let detail = format!("the signed checkpoint of size {} does not fit", next.size);
                report.add(Question::Anchor, "checkpoint", &detail);
            }
            signed.rows.pop_front();
            signed.fill(self, ctx).await?;
        }
        Ok(())
    }

    /// Our own signatures of both kinds, over this size and root.
    fn checkpoint_fits(&self, row: &CheckpointRow, range: &CompactRange) -> bool {
        let Some(found) = self.own_checkpoint(&row.note, ANCHOR_CHAIN) else {
            return false;
        };
        u64::try_from(row.size) == Ok(found.size)
            && found.size == range.size()
            && found.root == row.root
            && found.root == range.root()
    }

    /// The checkpoint of a note that we signed over one of our chains. The
    /// origin may have been another one then, so its last part decides.
    pub(super) fn own_checkpoint(
        &self,
        note: &str,
        chain: TenantId,
    ) -> Option<vv_crypto::Checkpoint> {
        let origin = Origin::parse(note.lines().next()?).ok()?;
        let (_, last) = origin.as_str().rsplit_once('/')?;
        if last.parse() != Ok(chain) {
            return None;
        }
        let signer = self.keyring().checkpoint_signer(origin.as_str()).ok()?;
        let found = verify_note(note, &signer.verifier_keys().ok()?).ok()?;
        found.signed_by_origin(true).then_some(found.checkpoint)
    }

    async fn end_checkpoints(
        &self,
        ctx: &Ctx,
        signed: &mut Signed,
        range: &CompactRange,
        report: &mut Report,
    ) -> Result<(), AuditError> {
        signed.fill(self, ctx).await?;
        if range.size() > 0 && signed.last == 0 && signed.rows.is_empty() && !signed.resumed {
            let detail = "the log of logs has no signed checkpoint";
            report.add(Question::Anchor, "checkpoint", detail);
        }
        // A larger one than the log is now may have been signed meanwhile.
        if let Some(next) = signed.rows.front() {
            let head: Option<HeadRow> = self
                .store()
                .read(ctx, "audit.find_anchor_head", async |tx| {
                    tx.opt(&crate::write::sql::FIND_HEAD, args![ANCHOR_CHAIN])
                        .await
                })
                .await?;
            if head.is_none_or(|head| head.height < next.size) {
                let detail = format!("a checkpoint of size {} was signed", next.size);
                report.add(Question::Anchor, "anchor_cut", &detail);
            }
        }
        if report.verdicts.anchor == Verdict::NotConfigured && range.size() > 0 {
            report.anchored(Verdict::Ok);
        }
        Ok(())
    }
}

/// Signed checkpoints that lie ahead.
struct Signed {
    rows: std::collections::VecDeque<CheckpointRow>,
    /// Size of the last one that was met.
    last: i64,
    read_to: i64,
    done: bool,
    resumed: bool,
}

impl Signed {
    fn after(range: &CompactRange) -> Self {
        let size = i64::try_from(range.size()).unwrap_or(i64::MAX);
        Self {
            rows: std::collections::VecDeque::new(),
            last: 0,
            read_to: size,
            done: false,
            resumed: size > 0,
        }
    }

    async fn fill(&mut self, audit: &Audit, ctx: &Ctx) -> Result<(), AuditError> {
        if !self.rows.is_empty() || self.done {
            return Ok(());
        }
        let after = self.read_to;
        let rows: Vec<CheckpointRow> = audit
            .store()
            .read(ctx, "audit.checkpoints_from", async |tx| {
                tx.all(&CHECKPOINTS_FROM, args![after, STEP]).await
            })
            .await?;
        self.done = rows.is_empty();
        if let Some(last) = rows.last() {
            self.read_to = last.size;
        }
        self.rows.extend(rows);
        Ok(())
    }
}
