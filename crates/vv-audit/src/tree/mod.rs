//! The Merkle tree over the leaf hashes of a chain (RFC 6962 §2.1, RFC 9162
//! §2.1, SHA-256).
//!
//! Leaves are counted from 0 here, heights of events from 1: the event at
//! height `h` is leaf `h − 1`. Everything in this module is plain computation;
//! rows are read and written elsewhere.
//!
//! - [`CompactRange`] is the whole state needed to append.
//! - [`TileWriter`] appends and says which tile rows to write.
//! - [`Plan`] says which [`Tiles`] a proof needs and assembles it from them.
//! - [`verify_inclusion`] and [`verify_consistency`] check proofs of others.
//! - [`TilePath`] and the entry bundles are the wire format of tlog-tiles.

mod bundle;
mod path;
mod plan;
mod proof;
mod range;
mod subtree;
mod tile;
mod writer;

pub use bundle::{BundleError, decode_bundle, encode_bundle};
pub use path::{TileKind, TilePath, TilePathError};
pub use plan::Plan;
pub use proof::{
    ProofError, verify_consistency, verify_inclusion, verify_subtree_consistency,
    verify_subtree_inclusion,
};
pub use range::{CompactRange, root_of};
pub use subtree::{NodeId, Subtree, covering_subtrees};
pub use tile::{TILE_WIDTH, TileId, Tiles, root_at};
pub use writer::{TileDelta, TileWriter};

/// A SHA-256 hash of a leaf or of a node.
pub type Hash = [u8; 32];

/// The most leaves a tree may hold: sizes are kept in signed columns.
pub const MAX_SIZE: u64 = i64::MAX.unsigned_abs();

/// The root of a tree without leaves, SHA-256 of nothing.
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// Why something is not, or cannot be computed from, a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The tree has reached [`MAX_SIZE`].
    #[error("a tree holds at most {MAX_SIZE} leaves")]
    Full,
    /// The number of hashes is not the one that the size asks for.
    #[error("{found} hashes where {expected} belong")]
    Count {
        /// How many there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The bytes are no sequence of hashes.
    #[error("the length is not a multiple of 32 bytes")]
    Length,
    /// The index or the range lies outside of the tree, or is no subtree of it.
    #[error("there is no such range in the tree")]
    Range,
    /// A tile that is needed was not supplied, or too few hashes of it.
    #[error("hashes of tile {0} are missing")]
    Missing(TileId),
    /// The leaf hashes and the state of the tree contradict each other.
    #[error("the stored leaf hashes do not lead to the stored tree")]
    Disagree,
}

/// The hash of a node from those of its children, RFC 6962 §2.1.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    vv_crypto::sha256(&[&[1], left, right])
}

/// A length as a count.
fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The root over the hashes of adjacent subtrees, given largest first.
fn fold(hashes: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    hashes.rev().reduce(|right, left| node_hash(&left, &right))
}
