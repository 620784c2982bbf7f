//! Keeps the leaf hashes of events that are about to go.

use vv_base::TenantId;
use vv_store::args;

use super::manifest::Manifest;
use super::{RetentionError, sql};
use crate::audit::Audit;
use crate::proof::to_i64;
use crate::tree::{CompactRange, Hash, TILE_WIDTH};
use crate::write::sql::LEAF_HASHES;

/// Hashes read per step: sixteen tiles.
const STEP: i64 = 4_096;
const WIDTH: u64 = 256;

impl Audit {
    /// Writes the tiles of level 0 that hold the events of a segment. The last
    /// one may end with the segment; the next segment goes on with it.
    ///
    /// The stored hashes must lead from the state before the segment to the
    /// state after it. That is found out first: nothing wrong is ever written.
    pub(super) async fn keep_tiles(&self, manifest: &Manifest) -> Result<(), RetentionError> {
        self.pass_hashes(manifest, false).await?;
        self.pass_hashes(manifest, true).await
    }

    async fn pass_hashes(&self, manifest: &Manifest, write: bool) -> Result<(), RetentionError> {
        let mut range = manifest.before.range.clone();
        let mut tile = Tile {
            index: range.size() / WIDTH,
            hashes: self.tile_start(manifest).await?,
        };
        while range.size() < manifest.to_height() {
            let hashes = self
                .leaf_hashes(manifest.chain, range.size(), manifest.to_height())
                .await?;
            let mut full = Vec::new();
            for hash in hashes {
                range.push(hash).map_err(|_| RetentionError::Damaged)?;
                full.extend(tile.push(hash));
            }
            if range.size() == manifest.to_height() && !tile.hashes.is_empty() {
                full.push((tile.index, tile.hashes.concat()));
            }
            if write {
                self.write_tiles(manifest.chain, full).await?;
            }
        }
        if range == manifest.after.range {
            Ok(())
        } else {
            Err(RetentionError::Damaged)
        }
    }

    /// What the tile in which the segment begins holds of the one before.
    async fn tile_start(&self, manifest: &Manifest) -> Result<Vec<Hash>, RetentionError> {
        let before = &manifest.before.range;
        let held = usize::try_from(before.size() % WIDTH).unwrap_or(0);
        if held == 0 {
            return Ok(Vec::new());
        }
        let (chain, index) = (manifest.chain, to_i64(before.size() / WIDTH));
        let row: Option<(Vec<u8>,)> = self
            .store()
            .read(&self.inner.ctx, "audit.tile_hashes", async |tx| {
                tx.opt(&sql::TILE_HASHES, args![chain, index]).await
            })
            .await?;
        let (bytes,) = row.ok_or(RetentionError::Damaged)?;
        let mut hashes = bytes.as_chunks::<32>().0.to_vec();
        hashes.truncate(held);
        // The state before the segment ends with the subtrees of these leaves.
        let mut start = CompactRange::new();
        for hash in &hashes {
            start.push(*hash).map_err(|_| RetentionError::Damaged)?;
        }
        if hashes.len() == held && before.hashes().ends_with(start.hashes()) {
            Ok(hashes)
        } else {
            Err(RetentionError::Damaged)
        }
    }

    async fn leaf_hashes(
        &self,
        chain: TenantId,
        after: u64,
        to: u64,
    ) -> Result<Vec<Hash>, RetentionError> {
        let rows: Vec<(u64, Hash)> = self
            .store()
            .read(&self.inner.ctx, "audit.leaf_hashes", async |tx| {
                let args = args![chain, to_i64(after), to_i64(to), STEP];
                tx.all(&LEAF_HASHES, args).await
            })
            .await?;
        let dense = rows
            .iter()
            .zip(after + 1..)
            .all(|(row, height)| row.0 == height);
        if rows.is_empty() || !dense {
            return Err(RetentionError::Damaged);
        }
        Ok(rows.into_iter().map(|(_, hash)| hash).collect())
    }

    async fn write_tiles(
        &self,
        chain: TenantId,
        tiles: Vec<(u64, Vec<u8>)>,
    ) -> Result<(), RetentionError> {
        self.store()
            .tx(&self.inner.ctx, "audit.keep_tiles", async |tx| {
                for (index, hashes) in tiles {
                    tx.exec(&sql::KEEP_TILE, args![chain, to_i64(index), hashes])
                        .await?;
                }
                Ok(())
            })
            .await
    }
}

/// A tile that is being filled.
struct Tile {
    index: u64,
    hashes: Vec<Hash>,
}

impl Tile {
    /// The index and the bytes of the tile, once it is full.
    fn push(&mut self, hash: Hash) -> Option<(u64, Vec<u8>)> {
        self.hashes.push(hash);
        if self.hashes.len() < usize::from(TILE_WIDTH) {
            return None;
        }
        let full = (self.index, self.hashes.concat());
        self.index += 1;
        self.hashes.clear();
        Some(full)
    }
}
