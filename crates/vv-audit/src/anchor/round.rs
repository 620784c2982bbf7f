//! One round of anchoring.

use std::collections::HashMap;

use serde_json::json;
use vv_base::{Span, TenantId, Timestamp};
use vv_store::{Args, StoreError, Tx, args};

use super::state::{Seen, locked};
use super::{AnchorLeaf, sql};
use crate::audit::{ANCHOR_CHAIN, Audit};
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::Event;
use crate::leaf::leaf_hash;
use crate::proof::{LogHead, checkpoint_of, to_i64};
use crate::write::sql::{ADVANCE_HEADS, FIND_HEAD, FIND_HEADS, LOCK_SEQUENCER, SEE_SEQUENCER};
use crate::write::{Head, HeadRow, TileGrowth, head_moves, hex_ids};

/// Anchors of one round at most.
const MAX_ANCHORS: usize = 4_096;
/// The shortest time between two checkpoints.
const PACE: Span = Span::seconds(1);
/// Beyond that many events, comparing every chain is cheaper than finding out
/// which of them the events belong to.
const FEW_EVENTS: i64 = 65_536;
const HOUR: Span = Span::hours(1);

/// What a round wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchored {
    /// How many chains had grown.
    pub chains: usize,
    /// How many leaves the anchor log has now.
    pub size: u64,
}

enum Outcome {
    Wrote(Anchored),
    /// Every chain is as it was.
    Nothing,
    /// A checkpoint was signed less than a second ago.
    TooSoon,
}

struct Round {
    outcome: Outcome,
    failed: Failed,
}

/// Chains that cannot be anchored.
#[derive(Default)]
struct Failed {
    /// Their head is not genuine.
    broken: Vec<TenantId>,
    /// They have fewer events than an anchor says they had.
    shrunk: Vec<Shrunk>,
}

struct Shrunk {
    chain: TenantId,
    height: i64,
    anchored: i64,
}

impl Audit {
    /// Writes what chains have become since the last round into the anchor
    /// log and signs a checkpoint over it. `None` when nothing changed, or
    /// when the last checkpoint is younger than a second. Any node may call it
    /// at any time; while nothing happens it reads one row.
    ///
    /// A chain that is smaller than its last anchor is reported as broken and
    /// not anchored.
    pub async fn anchor_round(&self) -> Result<Option<Anchored>, AuditError> {
        let anchors = &self.inner.anchors;
        let Ok(_turn) = anchors.turn.try_lock() else {
            return Ok(None);
        };
        let now = self.inner.ctx.now();
        let seen = *locked(&anchors.seen);
        if seen.at.is_some_and(|at| is_soon_after(at, now)) {
            return Ok(None);
        }
        let (gseq, chains) = self.changed_chains(&seen).await?;
        let complete = chains.len() <= MAX_ANCHORS;
        let round = if chains.is_empty() {
            Round {
                outcome: Outcome::Nothing,
                failed: Failed::default(),
            }
        } else {
            self.write_anchors(&chains, now).await?
        };
        self.report_broken(&round.failed.broken).await;
        self.report_shrunk(&round.failed.shrunk).await?;
        let known = complete.then_some(gseq);
        match round.outcome {
            Outcome::TooSoon => Ok(None),
            Outcome::Nothing => {
                locked(&anchors.seen).gseq = known;
                Ok(None)
            }
            Outcome::Wrote(done) => {
                let (gseq, at) = (known, Some(now));
                *locked(&anchors.seen) = Seen { gseq, at };
                metrics::counter!("valueverse_audit_anchors_total")
                    .increment(u64::try_from(done.chains).unwrap_or(0));
                Ok(Some(done))
            }
        }
    }

    /// Chains that may differ from their last anchor, and the global sequence
    /// number up to which that was found out. One more than fits tells that
    /// there are more.
    async fn changed_chains(&self, seen: &Seen) -> Result<(i64, Vec<TenantId>), AuditError> {
        let most = i64::try_from(MAX_ANCHORS + 1).unwrap_or(i64::MAX);
        self.store()
            .read(&self.inner.ctx, "audit.changed_chains", async |tx| {
                let (_, _, _, gseq): (String, i64, Timestamp, i64) =
                    tx.one(&SEE_SEQUENCER, args![]).await?;
                let found: Vec<(TenantId,)> = match seen.gseq {
                    Some(from) if from == gseq => Vec::new(),
                    Some(from) if (0..FEW_EVENTS).contains(&(gseq - from)) => {
                        tx.all(&sql::CHANGED_SINCE, args![from, gseq, most]).await?
                    }
                    _ => tx.all(&sql::UNANCHORED, args![ANCHOR_CHAIN, most]).await?,
                };
                let chains = found.into_iter().map(|(chain,)| chain).collect();
                Ok((gseq, chains))
            })
            .await
    }

    async fn write_anchors(
        &self,
        chains: &[TenantId],
        now: Timestamp,
    ) -> Result<Round, AuditError> {
        let some = chains.iter().take(MAX_ANCHORS);
        let list = json!(hex_ids(some)).to_string();
        let done = self
            .store()
            .tx(&self.inner.ctx, "audit.anchor", async |tx| {
                self.anchor(tx, list, now).await
            })
            .await;
        match done {
            // Rows lie beyond the head of the anchor log, or it is not genuine.
            Err(AuditError::Store(StoreError::Conflict(_)) | AuditError::HeadTampered) => {
                self.report_broken(&[ANCHOR_CHAIN]).await;
                Err(AuditError::HeadTampered)
            }
            other => other,
        }
    }

    async fn anchor(&self, tx: &mut Tx, list: String, now: Timestamp) -> Result<Round, AuditError> {
        // Nobody appends while the sequencer's row is held.
        let _: (String, i64, Timestamp, i64) = tx.one(&LOCK_SEQUENCER, args![]).await?;
        let newest: Vec<(i64, Timestamp)> = tx.all(&sql::NEWEST_CHECKPOINTS, args![]).await?;
        let mut failed = Failed::default();
        if newest
            .first()
            .is_some_and(|(_, at)| is_soon_after(*at, now))
        {
            let outcome = Outcome::TooSoon;
            return Ok(Round { outcome, failed });
        }
        let grown = self.grown_heads(tx, list, &mut failed).await?;
        if grown.is_empty() {
            let outcome = Outcome::Nothing;
            return Ok(Round { outcome, failed });
        }
        let mut log = match tx.opt::<HeadRow>(&FIND_HEAD, args![ANCHOR_CHAIN]).await? {
            Some(row) => self.settle_head(tx, &row).await?,
            None => self.first_head(tx, ANCHOR_CHAIN).await?,
        };
        let was = log.height;
        self.append_anchors(tx, &mut log, &grown, now).await?;
        let (moved, _) = head_moves(self, std::iter::once((&log, was)));
        if tx.exec(&ADVANCE_HEADS, args![moved]).await? != 1 {
            return Err(AuditError::Overloaded);
        }
        self.sign_checkpoint(tx, &log, &newest, now).await?;
        let outcome = Outcome::Wrote(Anchored {
            chains: grown.len(),
            size: log.height,
        });
        Ok(Round { outcome, failed })
    }

    /// The heads that are larger than their last anchor.
    async fn grown_heads(
        &self,
        tx: &mut Tx,
        list: String,
        failed: &mut Failed,
    ) -> Result<Vec<Head>, AuditError> {
        let rows: Vec<HeadRow> = tx.all(&FIND_HEADS, args![list.as_str()]).await?;
        let sizes: Vec<(TenantId, Option<i64>)> = tx.all(&sql::ANCHORED_SIZES, args![list]).await?;
        let sizes: HashMap<_, _> = sizes.into_iter().collect();
        let mut grown = Vec::new();
        for row in rows {
            let anchored = sizes.get(&row.tenant_id).copied().flatten().unwrap_or(0);
            if row.height < anchored {
                failed.shrunk.push(Shrunk {
                    chain: row.tenant_id,
                    height: row.height,
                    anchored,
                });
            } else if row.height > anchored {
                match self.settle_head(tx, &row).await {
                    Ok(head) => grown.push(head),
                    Err(AuditError::HeadTampered) => failed.broken.push(row.tenant_id),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(grown)
    }

    /// Says once that a chain lost events that an anchor covers. The chain goes
    /// on; verification compares it with its anchors.
    async fn report_shrunk(&self, shrunk: &[Shrunk]) -> Result<(), AuditError> {
        for Shrunk {
            chain,
            height,
            anchored,
        } in shrunk
        {
            if locked(&self.inner.anchors.shrunk).contains(chain) {
                continue;
            }
            tracing::error!(%chain, height, anchored, "an audit chain is shorter than its anchor");
            let event = Event::new(Kind::ChainBroken)
                .outcome(crate::event::Outcome::Failure)
                .target("audit_chain", *chain)
                .detail("height", *height)
                .detail("anchored", *anchored);
            self.append(&self.inner.ctx, event).await?;
            locked(&self.inner.anchors.shrunk).insert(*chain);
        }
        Ok(())
    }

    async fn append_anchors(
        &self,
        tx: &mut Tx,
        log: &mut Head,
        grown: &[Head],
        now: Timestamp,
    ) -> Result<(), AuditError> {
        let mut growth = TileGrowth::default();
        let mut rows: Vec<Args> = Vec::with_capacity(grown.len());
        let at = now.max(log.ts);
        for head in grown {
            let anchor = AnchorLeaf {
                position: log.height + 1,
                at,
                chain: head.chain,
                size: head.height,
                root: head.range.root(),
                last_leaf_hash: head.hash,
            };
            let leaf = anchor.encode();
            let hash = leaf_hash(&leaf);
            growth.push(ANCHOR_CHAIN, &mut log.range, hash)?;
            log.height = anchor.position;
            log.hash = hash;
            let (position, size) = (to_i64(anchor.position), to_i64(anchor.size));
            rows.push(args![
                position,
                anchor.chain,
                at,
                size,
                anchor.root,
                leaf,
                hash
            ]);
        }
        log.ts = at;
        tx.insert_many(&sql::ANCHORS, None, rows).await?;
        growth.write(tx).await?;
        Ok(())
    }

    /// Signs and stores the checkpoint. The newest one stays, and of older
    /// ones the first of each hour.
    async fn sign_checkpoint(
        &self,
        tx: &mut Tx,
        log: &Head,
        newest: &[(i64, Timestamp)],
        now: Timestamp,
    ) -> Result<(), AuditError> {
        let anchors = &self.inner.anchors;
        let head = LogHead {
            size: log.height,
            root: log.range.root(),
        };
        let checkpoint = checkpoint_of(&anchors.origin_of(ANCHOR_CHAIN), &head)?;
        let note = anchors.signer_of(ANCHOR_CHAIN)?.sign(&checkpoint, now)?;
        tx.exec_one(
            &sql::SAVE_CHECKPOINT,
            args![to_i64(head.size), head.root, now, note],
        )
        .await?;
        if let [(size, last), (_, before)] = newest
            && last.floor_to(HOUR) == before.floor_to(HOUR)
        {
            tx.exec(&sql::DROP_CHECKPOINT, args![*size]).await?;
        }
        Ok(())
    }
}

/// Whether not even a second lies between; a clock that was set back does not count.
fn is_soon_after(at: Timestamp, now: Timestamp) -> bool {
    now >= at && now < at.plus(PACE)
}
