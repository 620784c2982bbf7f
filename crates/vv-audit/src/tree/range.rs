//! The compact range: the least one must remember to go on appending.

use super::{
    EMPTY_ROOT, Hash, MAX_SIZE, NodeId, Subtree, Tiles, TreeError, count, fold, node_hash,
};

/// The hashes of the perfect subtrees of the first `size` leaves, largest
/// first: one for each bit that is set in `size`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompactRange {
    size: u64,
    hashes: Vec<Hash>,
}

impl CompactRange {
    /// The state of a tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The state of a tree of `size` leaves from its hashes, largest first.
    ///
    /// Refuses a number of hashes that does not fit the size. Whether they are
    /// the right ones only the root can tell.
    pub fn from_parts(size: u64, hashes: Vec<Hash>) -> Result<Self, TreeError> {
        if size > MAX_SIZE {
            return Err(TreeError::Full);
        }
        let expected = u64::from(size.count_ones());
        let found = count(hashes.len());
        if expected != found {
            return Err(TreeError::Count { expected, found });
        }
        Ok(Self { size, hashes })
    }

    /// The state that the tree had when it held `size` leaves.
    ///
    /// Needs the tiles that [`Subtree::tiles`] names for `[0, size)`.
    pub fn from_tiles(size: u64, tiles: &Tiles) -> Result<Self, TreeError> {
        let nodes = Subtree::new(0, size)?.nodes();
        let hashes = nodes
            .map(|node| tiles.node(node))
            .collect::<Result<_, _>>()?;
        Self::from_parts(size, hashes)
    }

    /// What [`CompactRange::encode`] gave for a tree of `size` leaves.
    pub fn decode(size: u64, bytes: &[u8]) -> Result<Self, TreeError> {
        let (hashes, []) = bytes.as_chunks::<32>() else {
            return Err(TreeError::Length);
        };
        Self::from_parts(size, hashes.to_vec())
    }

    /// The hashes one after the other, 32 bytes each, largest subtree first.
    pub fn encode(&self) -> Vec<u8> {
        self.hashes.concat()
    }

    /// How many leaves the tree holds.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the perfect subtrees, largest first.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) -> Result<(), TreeError> {
        self.push_with(leaf, |_, _| {})
    }

    /// Appends a leaf and reports each inner node that it completed, lowest first.
    pub fn push_with(
        &mut self,
        leaf: Hash,
        mut completed: impl FnMut(NodeId, &Hash),
    ) -> Result<(), TreeError> {
        if self.size >= MAX_SIZE {
            return Err(TreeError::Full);
        }
        let mut hash = leaf;
        let mut node = NodeId {
            level: 0,
            index: self.size,
        };
        while node.index & 1 == 1
            && let Some(left) = self.hashes.pop()
        {
            hash = node_hash(&left, &hash);
            node = NodeId {
                level: node.level + 1,
                index: node.index >> 1,
            };
            completed(node, &hash);
        }
        self.hashes.push(hash);
        self.size += 1;
        Ok(())
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        fold(self.hashes.iter().copied()).unwrap_or(EMPTY_ROOT)
    }
}

/// The root of a tree with exactly these leaf hashes.
pub fn root_of(leaves: &[Hash]) -> Hash {
    let mut range = CompactRange::new();
    for leaf in leaves {
        // A slice cannot hold more leaves than a tree.
        if range.push(*leaf).is_err() {
            break;
        }
    }
    range.root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_hashes_that_do_not_fit_are_refused() {
        assert_eq!(
            CompactRange::from_parts(3, vec![[0; 32]]),
            Err(TreeError::Count {
                expected: 2,
                found: 1
            })
        );
        assert_eq!(
            CompactRange::from_parts(MAX_SIZE + 1, vec![[0; 32]]),
            Err(TreeError::Full)
        );
        assert_eq!(CompactRange::decode(1, &[0; 33]), Err(TreeError::Length));
        let mut full = CompactRange::from_parts(MAX_SIZE, vec![[0; 32]; 63]).expect("63 bits");
        assert_eq!(full.push([0; 32]), Err(TreeError::Full));
    }

    #[test]
    fn the_completed_nodes_are_the_inner_nodes_of_the_tree() {
        let mut range = CompactRange::new();
        let mut seen = Vec::new();
        for leaf in 0..8 {
            range
                .push_with([leaf; 32], |node, _| seen.push((node.level, node.index)))
                .expect("small");
        }
        assert_eq!(
            seen,
            [(1, 0), (1, 1), (2, 0), (1, 2), (1, 3), (2, 1), (3, 0)]
        );
    }

    #[test]
    fn the_empty_root_is_the_hash_of_nothing() {
        assert_eq!(EMPTY_ROOT, vv_crypto::sha256(&[]));
        assert_eq!(CompactRange::new().root(), EMPTY_ROOT);
    }
}
