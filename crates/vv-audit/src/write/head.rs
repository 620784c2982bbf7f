//! The end of a chain, and the check value that nobody makes without the key.

use vv_base::{TenantId, Timestamp};
use vv_store::{Tx, args, row};

use super::sql;
use crate::audit::{ANCHOR_CHAIN, Audit};
use crate::error::AuditError;
use crate::tree::CompactRange;

/// Separates check values of heads from other uses of the key.
const PURPOSE: &str = "audit.head/2";
/// Heads of the first release, which had no tree.
const FIRST_PURPOSE: &str = "audit.head";
/// Leaf hashes read per step while a tree is built.
const STEP: i64 = 4_096;

row! {
    pub(crate) struct HeadRow {
        pub(crate) tenant_id: TenantId,
        pub(crate) height: i64,
        pub(crate) head_hash: [u8; 32],
        pub(crate) head_ts: Timestamp,
        pub(crate) head_mac: [u8; 32],
        pub(crate) tree: Vec<u8>,
        pub(crate) pruned_to: i64,
    }
}

/// A head whose check value held.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) chain: TenantId,
    pub(crate) height: u64,
    pub(crate) hash: [u8; 32],
    pub(crate) ts: Timestamp,
    pub(crate) range: CompactRange,
    pub(crate) pruned_to: i64,
}

impl Head {
    pub(crate) fn empty(chain: TenantId) -> Self {
        Self {
            chain,
            height: 0,
            hash: [0; 32],
            ts: Timestamp::from_unix_micros(0),
            range: CompactRange::new(),
            pruned_to: 0,
        }
    }

    /// The row of this head. Heights stay far below 2^63.
    pub(crate) fn to_row(&self, audit: &Audit) -> HeadRow {
        let mut row = HeadRow {
            tenant_id: self.chain,
            height: i64::try_from(self.height).unwrap_or(i64::MAX),
            head_hash: self.hash,
            head_ts: self.ts,
            head_mac: [0; 32],
            tree: self.range.encode(),
            pruned_to: self.pruned_to,
        };
        row.head_mac = with_fields(&row, |fields| {
            audit.keyring().audit_seal().mac(PURPOSE, fields)
        });
        row
    }
}

fn with_fields<T>(row: &HeadRow, work: impl FnOnce(&[&[u8]]) -> T) -> T {
    work(&[
        row.tenant_id.as_bytes(),
        &row.height.to_be_bytes(),
        &row.head_hash,
        &row.head_ts.unix_micros().to_be_bytes(),
        &row.tree,
        &row.pruned_to.to_be_bytes(),
    ])
}

impl Audit {
    /// Whether the head row was written by somebody who holds the key.
    pub(crate) fn head_is_genuine(&self, row: &HeadRow) -> bool {
        let key = self.keyring().audit_seal();
        if self.is_first_form(row) {
            return true;
        }
        with_fields(row, |fields| key.matches(PURPOSE, fields, &row.head_mac))
    }

    /// A genuine head of the first release, which had no tree.
    fn is_first_form(&self, row: &HeadRow) -> bool {
        if !row.tree.is_empty() || row.pruned_to != 0 {
            return false;
        }
        let fields: [&[u8]; 4] = [
            row.tenant_id.as_bytes(),
            &row.height.to_be_bytes(),
            &row.head_hash,
            &row.head_ts.unix_micros().to_be_bytes(),
        ];
        let key = self.keyring().audit_seal();
        key.matches(FIRST_PURPOSE, &fields, &row.head_mac)
    }

    /// Takes a head row apart; `HeadTampered` when its check value is wrong.
    pub(crate) async fn open_head(&self, tx: &mut Tx, row: &HeadRow) -> Result<Head, AuditError> {
        let chain = row.tenant_id;
        if !self.head_is_genuine(row) {
            tracing::error!(%chain, height = row.height, "audit chain head fails its check value");
            return Err(AuditError::HeadTampered);
        }
        let height = u64::try_from(row.height).map_err(|_| AuditError::HeadTampered)?;
        let range = if self.is_first_form(row) {
            self.build_tree(tx, chain, row.height).await?
        } else {
            CompactRange::decode(height, &row.tree).map_err(|_| AuditError::HeadTampered)?
        };
        Ok(Head {
            chain,
            height,
            hash: row.head_hash,
            ts: row.head_ts,
            range,
            pruned_to: row.pruned_to,
        })
    }

    /// The tree over the stored leaf hashes up to a height, with its tiles.
    /// Heights that are missing count as leaves of zeros, so that every other
    /// event keeps its index.
    pub(crate) async fn build_tree(
        &self,
        tx: &mut Tx,
        chain: TenantId,
        to: i64,
    ) -> Result<CompactRange, AuditError> {
        let mut range = CompactRange::new();
        let mut growth = super::batch::TileGrowth::default();
        let mut after = 0;
        while after < to {
            let rows: Vec<(i64, [u8; 32])> = tx
                .all(&sql::LEAF_HASHES, args![chain, after, to, STEP])
                .await?;
            let Some((last, _)) = rows.last() else {
                return Err(AuditError::HeadTampered);
            };
            after = *last;
            for (height, hash) in &rows {
                let index = u64::try_from(*height - 1).map_err(|_| AuditError::HeadTampered)?;
                while range.size() < index {
                    growth.push(chain, &mut range, [0; 32])?;
                }
                growth.push(chain, &mut range, *hash)?;
            }
        }
        growth.write(tx).await?;
        Ok(range)
    }

    /// The head of a chain that has none yet. Events without a head, or a
    /// chain that a verification has seen, mean that somebody removed it.
    pub(crate) async fn first_head(
        &self,
        tx: &mut Tx,
        chain: TenantId,
    ) -> Result<Head, AuditError> {
        let had_events: bool = if chain == ANCHOR_CHAIN {
            let found: Option<(i64,)> = tx.opt(&sql::LAST_ANCHOR, args![]).await?;
            found.is_some()
        } else {
            let event: Option<(i64,)> = tx.opt(&sql::LAST_HEIGHT, args![chain]).await?;
            let seen: Option<(i64,)> = tx.opt(&sql::SEEN_HEIGHT, args![chain]).await?;
            event.is_some() || seen.is_some_and(|(height,)| height > 0)
        };
        if had_events {
            tracing::error!(%chain, "an audit chain has events and no head");
            return Err(AuditError::HeadTampered);
        }
        let head = Head::empty(chain);
        let row = head.to_row(self);
        tx.exec_one(
            &sql::INSERT_HEAD,
            args![chain, row.head_hash, row.head_ts, row.head_mac],
        )
        .await?;
        Ok(head)
    }
}
