//! Reads the parts of a stored tree.

use std::collections::BTreeSet;

use serde_json::json;
use vv_base::TenantId;
use vv_store::{Tx, args};

use super::sql;
use crate::audit::{ANCHOR_CHAIN, Audit};
use crate::error::AuditError;
use crate::tree::{
    Hash, Plan, Subtree, TILE_WIDTH, TileId, Tiles, TreeError, root_at, verify_consistency,
};
use crate::write::sql::{FIND_HEAD, LAST_ANCHOR, LAST_HEIGHT, LEAF_HASHES, REPLACE_HEAD};
use crate::write::{Head, HeadRow};

const WIDTH: u64 = 256;
const MOST: i64 = 256;

/// A head that was read.
pub(super) enum Opened {
    Ready(Box<Head>),
    /// A head of the first release, whose tree must be built first.
    WithoutTree,
}

/// Whether a head row is of the first release.
fn has_no_tree(row: &HeadRow) -> bool {
    row.tree.is_empty() && row.height > 0
}

impl Audit {
    /// The head of a chain; an empty one for a chain that has no events.
    pub(super) async fn read_head(
        &self,
        tx: &mut Tx,
        chain: TenantId,
    ) -> Result<Opened, AuditError> {
        let Some(row) = tx.opt::<HeadRow>(&FIND_HEAD, args![chain]).await? else {
            let last: Option<(i64,)> = if chain == ANCHOR_CHAIN {
                tx.opt(&LAST_ANCHOR, args![]).await?
            } else {
                tx.opt(&LAST_HEIGHT, args![chain]).await?
            };
            return if last.is_some() {
                Err(AuditError::HeadTampered)
            } else {
                Ok(Opened::Ready(Box::new(Head::empty(chain))))
            };
        };
        if has_no_tree(&row) && self.head_is_genuine(&row) {
            return Ok(Opened::WithoutTree);
        }
        let head = self.open_head(tx, &row).await?;
        Ok(Opened::Ready(Box::new(head)))
    }

    /// Opens a head for appending to what hangs on it. One of the first
    /// release gets its tree, and the row says so, or the tree would be built
    /// twice. The sequencer must be locked.
    pub(crate) async fn settle_head(&self, tx: &mut Tx, row: &HeadRow) -> Result<Head, AuditError> {
        let head = self.open_head(tx, row).await?;
        if has_no_tree(row) {
            let fresh = head.to_row(self);
            tx.exec_one(
                &REPLACE_HEAD,
                args![
                    fresh.tenant_id,
                    fresh.height,
                    fresh.head_hash,
                    fresh.head_ts,
                    fresh.head_mac,
                    fresh.tree,
                    fresh.pruned_to
                ],
            )
            .await?;
        }
        Ok(head)
    }

    /// The tiles, as wide as they are at this head.
    pub(super) async fn load_tiles(
        &self,
        tx: &mut Tx,
        head: &Head,
        wanted: &BTreeSet<TileId>,
    ) -> Result<Tiles, AuditError> {
        let mut tiles = Tiles::new();
        for (tile, bytes) in self.stored_tiles(tx, head, wanted).await? {
            tiles
                .insert(tile, &bytes)
                .map_err(|_| AuditError::TreeDamaged)?;
        }
        for tile in wanted.iter().filter(|tile| tile.level == 0) {
            let stored = tiles.get(*tile).unwrap_or_default().to_vec();
            if let Some(hashes) = self.leaf_tile(tx, head, *tile, stored).await? {
                tiles
                    .insert_hashes(*tile, hashes)
                    .map_err(|_| AuditError::TreeDamaged)?;
            }
        }
        Ok(tiles)
    }

    /// Rows of tiles. Level 0 has rows only for what was pruned.
    async fn stored_tiles(
        &self,
        tx: &mut Tx,
        head: &Head,
        wanted: &BTreeSet<TileId>,
    ) -> Result<Vec<(TileId, Vec<u8>)>, AuditError> {
        let pruned = to_u64(head.pruned_to);
        let list: Vec<_> = wanted
            .iter()
            .filter(|tile| tile.level > 0 || tile.index.saturating_mul(WIDTH) < pruned)
            .map(|tile| json!({ "level": tile.level, "idx": tile.index }))
            .collect();
        if list.is_empty() {
            return Ok(Vec::new());
        }
        let list = serde_json::Value::Array(list).to_string();
        let rows: Vec<(u8, u64, Vec<u8>)> = tx.all(&sql::TILES, args![head.chain, list]).await?;
        Ok(rows
            .into_iter()
            .map(|(level, index, hashes)| (TileId { level, index }, hashes))
            .collect())
    }

    /// The leaf hashes of a tile: those kept when events were pruned, then
    /// those beside the events. `None` when some are gone.
    async fn leaf_tile(
        &self,
        tx: &mut Tx,
        head: &Head,
        tile: TileId,
        kept: Vec<Hash>,
    ) -> Result<Option<Vec<Hash>>, AuditError> {
        let width = tile.width_in(head.height);
        if kept.len() >= usize::from(width) {
            return Ok(Some(kept));
        }
        let first = tile.index.saturating_mul(WIDTH);
        let mut hashes: Vec<Option<Hash>> = kept.into_iter().map(Some).collect();
        hashes.resize(usize::from(width), None);
        let from = to_i64(first);
        let to = from + i64::from(width);
        let rows: Vec<(u64, Hash)> = if head.chain == ANCHOR_CHAIN {
            tx.all(&sql::ANCHOR_HASHES, args![from, to, MOST]).await?
        } else {
            let args = args![head.chain, from, to, MOST];
            tx.all(&LEAF_HASHES, args).await?
        };
        for (height, hash) in rows {
            let place = usize::try_from(height - 1 - first).unwrap_or(usize::MAX);
            if let Some(slot) = hashes.get_mut(place) {
                *slot = Some(hash);
            }
        }
        let pruned = to_u64(head.pruned_to);
        let gone = hashes
            .iter()
            .zip(first + 1..)
            .any(|(hash, height)| hash.is_none() && height <= pruned);
        if gone {
            return Ok(None);
        }
        // An event that somebody removed counts as zeros, as it did when the
        // tree was rebuilt after the break; otherwise the root will not fit.
        let hashes = hashes.into_iter().map(Option::unwrap_or_default);
        Ok(Some(hashes.collect()))
    }

    /// The leaves below a tile of level 0, all `width` of them.
    pub(super) async fn load_leaves(
        &self,
        tx: &mut Tx,
        head: &Head,
        index: u64,
        width: u16,
    ) -> Result<Vec<Vec<u8>>, AuditError> {
        let from = to_i64(index.saturating_mul(WIDTH));
        let to = from + i64::from(width);
        let rows: Vec<(i64, Vec<u8>)> = if head.chain == ANCHOR_CHAIN {
            tx.all(&sql::ANCHOR_LEAVES, args![from, to, MOST]).await?
        } else {
            tx.all(&sql::LEAVES, args![head.chain, from, to, MOST])
                .await?
        };
        if rows.len() != usize::from(width) {
            return Err(if from < head.pruned_to {
                AuditError::Pruned(to_u64(head.pruned_to))
            } else {
                AuditError::TreeDamaged
            });
        }
        Ok(rows.into_iter().map(|(_, leaf)| leaf).collect())
    }
}

/// What the root of an older size is computed from.
pub(super) fn root_tiles(head: &Head, size: u64) -> Result<BTreeSet<TileId>, AuditError> {
    if size == head.height || size == 0 {
        return Ok(BTreeSet::new());
    }
    let damaged = |_| AuditError::TreeDamaged;
    let mut tiles = Subtree::new(0, size).map_err(damaged)?.tiles();
    let onwards = Plan::consistency(size, head.height).map_err(damaged)?;
    tiles.extend(onwards.tiles());
    Ok(tiles)
}

/// The root at an older size, proven to lead to the root of the head.
pub(super) fn proven_root(head: &Head, size: u64, tiles: &Tiles) -> Result<Hash, AuditError> {
    let now = head.range.root();
    if size == head.height {
        return Ok(now);
    }
    let because = |error| explain(head, error);
    let root = root_at(size, tiles).map_err(because)?;
    if size > 0 {
        let onwards = Plan::consistency(size, head.height).map_err(because)?;
        let path = onwards.assemble(tiles).map_err(because)?;
        verify_consistency(size, head.height, &root, &now, &path)
            .map_err(|_| AuditError::TreeDamaged)?;
    }
    Ok(root)
}

/// Why something could not be computed: leaf hashes may be gone with reason.
pub(super) fn explain(head: &Head, error: TreeError) -> AuditError {
    match error {
        TreeError::Missing(tile)
            if tile.level == 0 && tile.index.saturating_mul(WIDTH) < to_u64(head.pruned_to) =>
        {
            AuditError::Pruned(to_u64(head.pruned_to))
        }
        _ => AuditError::TreeDamaged,
    }
}

/// The tile with the hash of a leaf, and the place in it.
pub(super) fn place_of(index: u64) -> (TileId, usize) {
    let tile = TileId {
        level: 0,
        index: index / u64::from(TILE_WIDTH),
    };
    let place = usize::try_from(index % u64::from(TILE_WIDTH)).unwrap_or(0);
    (tile, place)
}

/// Sizes and heights stay far below 2^63.
pub(crate) fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn to_u64(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
