//! Places in a tree: nodes and subtrees.

use std::collections::BTreeSet;

use super::{EMPTY_ROOT, Hash, TileId, Tiles, TreeError, fold};

/// A node with a perfect subtree below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId {
    /// 0 for leaves; below a node are 2^level of them. At most 63.
    pub level: u8,
    /// Place among the nodes of the level, from the left, from 0.
    pub index: u64,
}

/// Leaves `[start, end)` that hang below one node of some tree, perhaps with
/// more leaves to their right: what a subtree of
/// draft-ietf-plants-merkle-tree-certs is. `start` is a multiple of the length
/// rounded up to a power of two. It may be empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subtree {
    start: u64,
    end: u64,
}

impl Subtree {
    /// The subtree of the leaves `[start, end)`; refuses ranges that are none.
    pub fn new(start: u64, end: u64) -> Result<Self, TreeError> {
        let length = end.checked_sub(start).ok_or(TreeError::Range)?;
        let aligned = start == 0
            || length
                .checked_next_power_of_two()
                .is_some_and(|width| start.is_multiple_of(width) || length == 0);
        if aligned {
            Ok(Self { start, end })
        } else {
            Err(TreeError::Range)
        }
    }

    /// For ranges that are subtrees because of where they come from.
    pub(super) fn within(start: u64, end: u64) -> Self {
        Self { start, end }
    }

    /// The first leaf.
    pub fn start(self) -> u64 {
        self.start
    }

    /// One past the last leaf.
    pub fn end(self) -> u64 {
        self.end
    }

    /// Whether it has no leaves.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether the leaf belongs to it.
    pub fn contains(self, index: u64) -> bool {
        (self.start..self.end).contains(&index)
    }

    /// The perfect nodes that it consists of, largest first; at most 64.
    pub fn nodes(self) -> impl DoubleEndedIterator<Item = NodeId> {
        let length = self.end - self.start;
        (0..64_u8)
            .rev()
            .filter(move |level| length >> level & 1 == 1)
            .map(move |level| {
                // The larger ones to the left are the bits above this one.
                let before = length >> level >> 1 << 1 << level;
                NodeId {
                    level,
                    index: (self.start + before) >> level,
                }
            })
    }

    /// The tiles that [`Subtree::root`] needs.
    pub fn tiles(self) -> BTreeSet<TileId> {
        self.nodes().map(TileId::of_node).collect()
    }

    /// The hash over its leaves; [`EMPTY_ROOT`] when there are none.
    pub fn root(self, tiles: &Tiles) -> Result<Hash, TreeError> {
        let hashes = self
            .nodes()
            .map(|node| tiles.node(node))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(fold(hashes.into_iter()).unwrap_or(EMPTY_ROOT))
    }
}

/// Two neighbouring subtrees that together hold the leaves `[start, end)`,
/// perhaps with some before `start` (fewer than half of the first subtree) and
/// none after `end`; the second is empty for fewer than two leaves.
/// (draft-ietf-plants-merkle-tree-certs §4.5.1.)
pub fn covering_subtrees(start: u64, end: u64) -> Result<(Subtree, Subtree), TreeError> {
    let length = end.checked_sub(start).ok_or(TreeError::Range)?;
    if length < 2 {
        return Ok((Subtree::within(start, end), Subtree::within(end, end)));
    }
    let last = end - 1;
    // The node where the ways to the first and the last leaf part has its
    // middle here.
    let half = 1_u64 << (start ^ last).ilog2();
    let middle = last & !(half - 1);
    // Grow to the left only as far as the first leaf asks for.
    let missing = middle - start;
    let width = missing
        .checked_next_power_of_two()
        .ok_or(TreeError::Range)?;
    Ok((
        Subtree::within(middle - width, middle),
        Subtree::within(middle, end),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_hang_below_no_node_are_refused() {
        for (start, end) in [(1, 3), (2, 5), (2, 6), (1, 0), (1, u64::MAX)] {
            assert_eq!(Subtree::new(start, end), Err(TreeError::Range));
        }
        for (start, end) in [(0, 0), (7, 7), (0, 5), (4, 7), (6, 8), (0, u64::MAX)] {
            assert!(Subtree::new(start, end).is_ok(), "[{start}, {end})");
        }
    }

    #[test]
    fn nodes_lie_side_by_side_and_shrink() {
        for (start, end) in [
            (0, 13),
            (8, 13),
            (0, 1),
            (0, u64::MAX),
            (1 << 62, (1 << 62) + 999),
        ] {
            let mut at = start;
            let mut level_before = 64;
            for node in Subtree::new(start, end).expect("aligned").nodes() {
                assert!(node.level < level_before);
                level_before = node.level;
                assert_eq!(node.index << node.level, at);
                at += 1 << node.level;
            }
            assert_eq!(at, end);
        }
    }
}
