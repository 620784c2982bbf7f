//! Going on after a break that an operator has looked at.

use vv_base::{Ctx, TenantId, Timestamp};
use vv_store::{args, row};

use super::{Head, Recorded, sql};
use crate::audit::{ANCHOR_CHAIN, Audit, chain_of};
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::Event;

row! {
    struct LastRow {
        height: i64,
        leaf_hash: [u8; 32],
        seq_ts: Timestamp,
    }
}

/// Where a broken chain goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumed {
    /// The height that the head named; `None` when there was no head.
    pub stated_height: Option<i64>,
    /// The last event that was there.
    pub found_height: i64,
    /// The event that tells of it, the first one after the break.
    pub recorded: Recorded,
}

impl Audit {
    /// Lets a chain whose head is not genuine take events again, from the last
    /// event that is there. The break stays visible: the chain holds an event
    /// of kind `audit.chain_resumed` that names both heights, verification
    /// goes on reporting what does not fit, and anchors taken before it
    /// contradict what was changed.
    ///
    /// `None` when the head is genuine and there is nothing to do. A chain that
    /// was pruned is refused: restore its head from a backup.
    pub async fn resume(&self, ctx: &Ctx) -> Result<Option<Resumed>, AuditError> {
        let chain = chain_of(ctx);
        if chain == ANCHOR_CHAIN {
            return Err(AuditError::HeadTampered);
        }
        let system = ctx.clone().for_system();
        let found = self
            .store()
            .tx(&system, "audit.resume", async |tx| {
                let _: (String, i64, Timestamp, i64) =
                    tx.one(&sql::LOCK_SEQUENCER, args![]).await?;
                let row: Option<super::HeadRow> = tx.opt(&sql::FIND_HEAD, args![chain]).await?;
                let last: Option<LastRow> = tx.opt(&sql::LAST_EVENT, args![chain]).await?;
                let found = last.as_ref().map_or(0, |last| last.height);
                if let Some(row) = &row
                    && self.head_is_genuine(row)
                    && row.height >= found
                {
                    return Ok(None);
                }
                let (pruned,): (i64,) = tx.one(&sql::COUNT_PRUNED, args![chain]).await?;
                if pruned > 0 {
                    // Its tree rests on tiles that nothing can rebuild.
                    tracing::error!(%chain, "a chain with pruned segments is not resumed");
                    return Err(AuditError::HeadTampered);
                }
                tx.exec(&sql::DROP_TILES, args![chain]).await?;
                let head = self.rebuilt_head(tx, chain, last).await?;
                let fresh = head.to_row(self);
                tx.exec(
                    &sql::REPLACE_HEAD,
                    args![
                        chain,
                        fresh.height,
                        fresh.head_hash,
                        fresh.head_ts,
                        fresh.head_mac,
                        fresh.tree,
                        fresh.pruned_to
                    ],
                )
                .await?;
                Ok::<_, AuditError>(Some((row.map(|row| row.height), found)))
            })
            .await?;
        let Some((stated_height, found_height)) = found else {
            return Ok(None);
        };
        self.inner.sequencer.mend(chain);
        let event = Event::new(Kind::ChainResumed)
            .target("audit_chain", chain)
            .detail("stated_height", stated_height)
            .detail("found_height", found_height);
        let recorded = self.append(ctx, event).await?;
        Ok(Some(Resumed {
            stated_height,
            found_height,
            recorded,
        }))
    }

    async fn rebuilt_head(
        &self,
        tx: &mut vv_store::Tx,
        chain: TenantId,
        last: Option<LastRow>,
    ) -> Result<Head, AuditError> {
        let Some(last) = last else {
            return Ok(Head::empty(chain));
        };
        let range = self.build_tree(tx, chain, last.height).await?;
        Ok(Head {
            chain,
            height: range.size(),
            hash: last.leaf_hash,
            ts: last.seq_ts,
            range,
            pruned_to: 0,
        })
    }
}
