//! What a proof consists of, and how it is put together from tiles.

use std::collections::BTreeSet;

use super::{Hash, NodeId, Subtree, TileId, Tiles, TreeError};

/// On the way from a known subtree up to the root: where the sibling lies
/// whose hash the proof supplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// To the right, after the known subtree.
    Right,
    /// To the left and part of the known subtree.
    LeftWithin,
    /// To the left and before the known subtree.
    LeftBefore,
}

/// The way down from the root of a tree to a subtree that it shares with a
/// known one.
pub(super) struct Descent {
    /// The siblings on the way, lowest first.
    pub(super) siblings: Vec<(Side, Subtree)>,
    /// Where the way ends.
    pub(super) bottom: Subtree,
    /// Whether that is all of the known subtree, so that its hash is known too.
    pub(super) whole: bool,
}

/// The recursion of RFC 9162 §2.1.4.1, widened to known subtrees that do not
/// start at the first leaf (draft-ietf-plants-merkle-tree-certs §4.4.1), as a
/// loop from the top. `known` must not be empty and must lie within `tree`.
pub(super) fn descend(known: Subtree, tree: Subtree) -> Descent {
    let mut siblings = Vec::with_capacity(64);
    let (mut low, mut high) = (tree.start(), tree.end());
    let mut start = known.start();
    while (start, known.end()) != (low, high) {
        let middle = low + (1 << (high - low - 1).ilog2());
        if known.end() <= middle {
            siblings.push((Side::Right, Subtree::within(middle, high)));
            high = middle;
        } else {
            let side = if start >= middle {
                Side::LeftBefore
            } else {
                // A subtree reaches over a middle only from its very start.
                start = middle;
                Side::LeftWithin
            };
            siblings.push((side, Subtree::within(low, middle)));
            low = middle;
        }
    }
    siblings.reverse();
    Descent {
        siblings,
        bottom: Subtree::within(low, high),
        whole: start == known.start(),
    }
}

/// The hashes of a proof, in order, as the subtrees that they cover. At most
/// one of them is not perfect: the one at the right edge of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan(Vec<Subtree>);

impl Plan {
    /// The proof that leaf `index` is in the tree of `size` leaves.
    pub fn inclusion(index: u64, size: u64) -> Result<Self, TreeError> {
        Self::subtree_inclusion(index, Subtree::new(0, size)?)
    }

    /// The proof that leaf `index` of the tree is in the subtree.
    pub fn subtree_inclusion(index: u64, subtree: Subtree) -> Result<Self, TreeError> {
        if !subtree.contains(index) {
            return Err(TreeError::Range);
        }
        Ok(Self::new(descend(
            Subtree::within(index, index + 1),
            subtree,
        )))
    }

    /// The proof that the tree of `to` leaves continues the one of `from`
    /// leaves. Nothing can be proven about an empty tree.
    pub fn consistency(from: u64, to: u64) -> Result<Self, TreeError> {
        if from == 0 {
            return Err(TreeError::Range);
        }
        Self::subtree_consistency(Subtree::new(0, from)?, to)
    }

    /// The proof that the subtree is part of the tree of `size` leaves.
    pub fn subtree_consistency(subtree: Subtree, size: u64) -> Result<Self, TreeError> {
        if subtree.end() > size {
            return Err(TreeError::Range);
        }
        if subtree.is_empty() {
            return Ok(Self(Vec::new()));
        }
        Ok(Self::new(descend(subtree, Subtree::within(0, size))))
    }

    fn new(way: Descent) -> Self {
        let first = (!way.whole).then_some(way.bottom);
        let siblings = way.siblings.into_iter().map(|(_, sibling)| sibling);
        Self(first.into_iter().chain(siblings).collect())
    }

    /// The subtrees whose hashes make the proof, in its order.
    pub fn subtrees(&self) -> &[Subtree] {
        &self.0
    }

    /// The nodes whose hashes are needed.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.0.iter().flat_map(|subtree| subtree.nodes())
    }

    /// The tiles that [`Plan::assemble`] needs.
    pub fn tiles(&self) -> BTreeSet<TileId> {
        self.nodes().map(TileId::of_node).collect()
    }

    /// The proof.
    pub fn assemble(&self, tiles: &Tiles) -> Result<Vec<Hash>, TreeError> {
        self.0.iter().map(|subtree| subtree.root(tiles)).collect()
    }
}
