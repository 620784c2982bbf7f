//! Appending leaves and learning which tile rows that changes.

use super::{CompactRange, Hash, TILE_WIDTH, TileId, TreeError, count};

/// Hashes to append to the row of a tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileDelta {
    /// The tile.
    pub tile: TileId,
    /// How many hashes the row holds before; with 0 it does not exist yet.
    pub offset: u16,
    /// The hashes that come behind them.
    pub hashes: Vec<Hash>,
}

impl TileDelta {
    /// The hashes as the bytes to append, 32 for each.
    pub fn bytes(&self) -> Vec<u8> {
        self.hashes.concat()
    }
}

/// Appends leaves to a tree and collects what to write.
///
/// Tiles of leaf hashes are written once, when they are full, because before
/// that their hashes stand in the rows of the events. Tiles above grow by the
/// hash of each tile that fills up below them.
#[derive(Debug)]
pub struct TileWriter {
    range: CompactRange,
    partial: Vec<Hash>,
    deltas: Vec<TileDelta>,
}

impl TileWriter {
    /// Goes on from the state of the tree and the leaf hashes after the last
    /// full tile, `size % 256` of them.
    ///
    /// Refuses leaf hashes that do not lead to the state, so that a head row
    /// and event rows that contradict each other spread no further.
    pub fn new(range: CompactRange, partial: Vec<Hash>) -> Result<Self, TreeError> {
        let expected = range.size() % u64::from(TILE_WIDTH);
        let found = count(partial.len());
        if expected != found {
            return Err(TreeError::Count { expected, found });
        }
        let mut own = CompactRange::new();
        for leaf in &partial {
            own.push(*leaf)?;
        }
        if !range.hashes().ends_with(own.hashes()) {
            return Err(TreeError::Disagree);
        }
        Ok(Self {
            range,
            partial,
            deltas: Vec::new(),
        })
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) -> Result<(), TreeError> {
        let Self {
            range,
            partial,
            deltas,
        } = self;
        let tile = TileId {
            level: 0,
            index: range.size() / u64::from(TILE_WIDTH),
        };
        range.push_with(leaf, |node, hash| {
            if node.level % 8 == 0 {
                append(deltas, TileId::of_node(node), node.index, hash);
            }
        })?;
        partial.push(leaf);
        if partial.len() == usize::from(TILE_WIDTH) {
            deltas.push(TileDelta {
                tile,
                offset: 0,
                hashes: std::mem::replace(partial, Vec::with_capacity(usize::from(TILE_WIDTH))),
            });
        }
        Ok(())
    }

    /// The state of the tree so far.
    pub fn range(&self) -> &CompactRange {
        &self.range
    }

    /// The leaf hashes after the last full tile.
    pub fn partial(&self) -> &[Hash] {
        &self.partial
    }

    /// What to write since the start or the last call, by tile.
    pub fn take_deltas(&mut self) -> Vec<TileDelta> {
        let mut deltas = std::mem::take(&mut self.deltas);
        deltas.sort_unstable_by_key(|delta| delta.tile);
        deltas
    }

    /// The state of the tree and the leaf hashes after the last full tile, to
    /// go on from.
    pub fn into_parts(self) -> (CompactRange, Vec<Hash>) {
        (self.range, self.partial)
    }
}

/// Adds the hash at `index` of its level to the open delta of its tile.
fn append(deltas: &mut Vec<TileDelta>, tile: TileId, index: u64, hash: &Hash) {
    match deltas.iter_mut().rev().find(|delta| delta.tile == tile) {
        Some(delta) => delta.hashes.push(*hash),
        None => deltas.push(TileDelta {
            tile,
            offset: u16::try_from(index % u64::from(TILE_WIDTH)).unwrap_or(0),
            hashes: vec![*hash],
        }),
    }
}
