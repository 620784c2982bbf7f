//! A range of leaves that forms a subtree.

use super::{NoteError, Origin};

/// A *subtree* of a log: the leaves from `start` up to, not including, `end`,
/// and the root over them. `start` is a multiple of the smallest power of two
/// that is not below the number of leaves, so the range is a node of the tree
/// or the right edge of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subtree {
    origin: Origin,
    start: u64,
    end: u64,
    hash: [u8; 32],
}

impl Subtree {
    /// A subtree; the range is counted from zero. That the hash belongs to the
    /// range is for the caller to know.
    pub fn new(origin: Origin, start: u64, end: u64, hash: [u8; 32]) -> Result<Self, NoteError> {
        let width = end
            .checked_sub(start)
            .filter(|width| *width > 0)
            .ok_or(NoteError::Subtree)?;
        // Wider than 2^63 leaves, only the whole tree is aligned.
        let aligned = match width.checked_next_power_of_two() {
            Some(step) => start.is_multiple_of(step),
            None => start == 0,
        };
        if !aligned {
            return Err(NoteError::Subtree);
        }
        Ok(Self {
            origin,
            start,
            end,
            hash,
        })
    }

    /// Which log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
    /// Index of the first leaf, from zero.
    pub fn start(&self) -> u64 {
        self.start
    }
    /// Index after the last leaf.
    pub fn end(&self) -> u64 {
        self.end
    }
    /// Root over the leaves of the range.
    pub fn hash(&self) -> &[u8; 32] {
        &self.hash
    }
}
