//! Stored tree nodes against those that the walk computed.

use std::collections::HashMap;

use vv_base::{Ctx, TenantId};
use vv_store::{Sql, args};

use super::found::{Question, Report};
use super::walk::{Completed, Walk};
use crate::audit::Audit;
use crate::error::AuditError;
use crate::tree::{TILE_WIDTH, TileId};
use crate::write::HeadRow;

pub(super) static TILE: Sql = Sql::same(
    "audit.verify_tile",
    "select hashes from audit_tiles where tenant_id = $1 and level = $2 and idx = $3",
);
pub(super) static TILE_SHAPES: Sql = Sql::same(
    "audit.tile_shapes",
    "select level, idx, length(hashes) as bytes from audit_tiles \
     where tenant_id = $1 and level > 0 order by level, idx limit $2",
);

/// More rows than a chain of 6 · 10^10 events has.
const MAX_ROWS: i64 = 1_000_000;
const HASH: usize = 32;

/// The tile of each level that the walk is in.
#[derive(Default)]
pub(super) struct TileCache(HashMap<u8, (u64, Vec<u8>)>);

impl Audit {
    /// Compares the nodes that the walk completed since the last call.
    pub(super) async fn check_tiles(
        &self,
        ctx: &Ctx,
        walk: &mut Walk,
        cache: &mut TileCache,
    ) -> Result<(), AuditError> {
        let chain = walk.chain;
        for done in std::mem::take(&mut walk.completed) {
            let tile = TileId::of_node(done.node);
            let known = cache.0.get(&tile.level);
            if known.is_none_or(|(index, _)| *index != tile.index) {
                let hashes = self.tile_bytes(ctx, chain, tile).await?;
                cache.0.insert(tile.level, (tile.index, hashes));
            }
            let stored = cache
                .0
                .get(&tile.level)
                .map(|(_, hashes)| hashes.as_slice());
            compare(&mut walk.report, tile, stored.unwrap_or_default(), done);
        }
        Ok(())
    }

    async fn tile_bytes(
        &self,
        ctx: &Ctx,
        chain: TenantId,
        tile: TileId,
    ) -> Result<Vec<u8>, AuditError> {
        let index = i64::try_from(tile.index).unwrap_or(i64::MAX);
        let found: Option<(Vec<u8>,)> = self
            .store()
            .read(ctx, "audit.verify_tile", async |tx| {
                tx.opt(&TILE, args![chain, tile.level, index]).await
            })
            .await?;
        Ok(found.map(|(hashes,)| hashes).unwrap_or_default())
    }

    /// Every tile that a tree of this height has, no other, each as long as it
    /// should be. Reads the head again, because the chain may have grown.
    pub(super) async fn check_tile_shapes(
        &self,
        ctx: &Ctx,
        chain: TenantId,
        report: &mut Report,
    ) -> Result<(), AuditError> {
        let (head, rows) = self
            .store()
            .read(ctx, "audit.tile_shapes", async |tx| {
                let head: Option<HeadRow> =
                    tx.opt(&crate::write::sql::FIND_HEAD, args![chain]).await?;
                let rows: Vec<(u8, i64, i64)> =
                    tx.all(&TILE_SHAPES, args![chain, MAX_ROWS]).await?;
                Ok::<_, AuditError>((head, rows))
            })
            .await?;
        let size = head.map_or(0, |head| u64::try_from(head.height).unwrap_or(0));
        let mut found = 0_u64;
        for (level, index, bytes) in rows {
            let tile = TileId {
                level,
                index: u64::try_from(index).unwrap_or(u64::MAX),
            };
            let width = i64::from(tile.width_in(size));
            if width == 0 || bytes != width * 32 {
                let detail = format!("tile {tile} has {bytes} bytes instead of {}", width * 32);
                report.add(Question::Integrity, "tile", &detail);
            }
            found += u64::from(width > 0);
        }
        let expected: u64 = (1..=7_u32)
            .map(|level| {
                let hashes = size.checked_shr(level * 8).unwrap_or(0);
                hashes.div_ceil(u64::from(TILE_WIDTH))
            })
            .sum();
        if found < expected {
            let detail = format!("{} tiles are missing", expected - found);
            report.add(Question::Integrity, "tile", &detail);
        }
        Ok(())
    }
}

fn compare(report: &mut Report, tile: TileId, stored: &[u8], done: Completed) {
    let place = usize::try_from(done.node.index % u64::from(TILE_WIDTH)).unwrap_or(0);
    let (hashes, _) = stored.as_chunks::<HASH>();
    if hashes.get(place) == Some(&done.hash) {
        return;
    }
    // The last event under the node: whatever was changed lies before it.
    let last = (done.node.index + 1).checked_shl(u32::from(done.node.level));
    let last = last
        .and_then(|last| i64::try_from(last).ok())
        .unwrap_or(i64::MAX);
    let detail = format!("hash {place} of tile {tile} is not that of the tree");
    report.at(Question::Integrity, last, "tile", &detail);
}
