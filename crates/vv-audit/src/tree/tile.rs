//! Tiles: 256 neighbouring hashes of every eighth level of the tree, as
//! tlog-tiles keeps and serves them.

use std::collections::BTreeMap;
use std::fmt;

use super::{Hash, NodeId, Subtree, TreeError, count, root_of};

/// How many hashes a full tile has; a tile covers 8 levels of the tree.
pub const TILE_WIDTH: u16 = 256;
const TILE_HEIGHT: u8 = 8;

/// A tile, whatever its width at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TileId {
    /// 0 for tiles of leaf hashes; at level `l` each hash covers 256^l leaves.
    pub level: u8,
    /// Place among the tiles of the level, from the left, from 0.
    pub index: u64,
}

impl TileId {
    /// The tile from which the hash of a node is computed.
    pub fn of_node(node: NodeId) -> Self {
        let (level, rise) = (node.level / TILE_HEIGHT, node.level % TILE_HEIGHT);
        Self {
            level,
            index: node.index >> (TILE_HEIGHT - rise),
        }
    }

    /// How many hashes the tile has in a tree of `size` leaves, 0 to 256.
    pub fn width_in(self, size: u64) -> u16 {
        let hashes = size
            .checked_shr(u32::from(self.level) * u32::from(TILE_HEIGHT))
            .unwrap_or(0);
        let before = self.index.saturating_mul(u64::from(TILE_WIDTH));
        u16::try_from(hashes.saturating_sub(before))
            .unwrap_or(TILE_WIDTH)
            .min(TILE_WIDTH)
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.level, self.index)
    }
}

/// Tiles at hand, to compute nodes from. Wider tiles than a proof needs do no
/// harm: hashes once written never change.
#[derive(Debug, Clone, Default)]
pub struct Tiles(BTreeMap<TileId, Vec<Hash>>);

impl Tiles {
    /// No tiles.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tile from its bytes, 32 for each hash.
    pub fn insert(&mut self, tile: TileId, bytes: &[u8]) -> Result<(), TreeError> {
        let (hashes, []) = bytes.as_chunks::<32>() else {
            return Err(TreeError::Length);
        };
        self.insert_hashes(tile, hashes.to_vec())
    }

    /// Adds a tile of at most 256 hashes; one for the same place is replaced.
    pub fn insert_hashes(&mut self, tile: TileId, hashes: Vec<Hash>) -> Result<(), TreeError> {
        let found = count(hashes.len());
        if found > u64::from(TILE_WIDTH) {
            return Err(TreeError::Count {
                expected: u64::from(TILE_WIDTH),
                found,
            });
        }
        self.0.insert(tile, hashes);
        Ok(())
    }

    /// The hashes of a tile.
    pub fn get(&self, tile: TileId) -> Option<&[Hash]> {
        self.0.get(&tile).map(Vec::as_slice)
    }

    /// The hash of a node.
    pub fn node(&self, node: NodeId) -> Result<Hash, TreeError> {
        let tile = TileId::of_node(node);
        let rise = node.level % TILE_HEIGHT;
        let inside = (node.index << rise) % u64::from(TILE_WIDTH);
        let first = usize::try_from(inside).map_err(|_| TreeError::Range)?;
        self.get(tile)
            .and_then(|hashes| hashes.get(first..first + (1_usize << rise)))
            .map(root_of)
            .ok_or(TreeError::Missing(tile))
    }
}

/// The root the tree had when it held `size` leaves.
///
/// Needs the tiles that [`Subtree::tiles`] names for `[0, size)`.
pub fn root_at(size: u64, tiles: &Tiles) -> Result<Hash, TreeError> {
    Subtree::new(0, size)?.root(tiles)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the tlog-tiles specification.
    #[test]
    fn a_tree_of_70_000_leaves_has_the_tiles_of_the_specification() {
        let width = |level, index| TileId { level, index }.width_in(70_000);
        assert_eq!(width(0, 272), 256);
        assert_eq!(width(0, 273), 112);
        assert_eq!(width(0, 274), 0);
        assert_eq!((width(1, 0), width(1, 1), width(1, 2)), (256, 17, 0));
        assert_eq!((width(2, 0), width(2, 1)), (1, 0));
        assert_eq!(width(3, 0), 0);
        assert_eq!(width(63, u64::MAX), 0);
    }

    #[test]
    fn too_wide_or_ragged_tiles_are_refused() {
        let mut tiles = Tiles::new();
        let tile = TileId { level: 0, index: 0 };
        assert_eq!(tiles.insert(tile, &[0; 31]), Err(TreeError::Length));
        assert!(tiles.insert(tile, &[0; 257 * 32]).is_err());
        assert_eq!(tiles.insert(tile, &[0; 256 * 32]), Ok(()));
    }
}
