//! Checking proofs (RFC 9162 §2.1.3.2 and §2.1.4.2, and the same for subtrees
//! after draft-ietf-plants-merkle-tree-certs §4.3 and §4.4).

use super::plan::{Descent, Side, descend};
use super::{EMPTY_ROOT, Hash, Subtree, count, node_hash};

/// Why a proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// What is to be proven does not lie in the tree.
    #[error("there is no such leaf or range in the tree")]
    Range,
    /// Too few or too many hashes.
    #[error("{found} hashes in a proof of {expected}")]
    Length {
        /// How many hashes such a proof has.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Mismatch,
}

/// Checks that the leaf at `index` is in the tree of `size` leaves with `root`.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    verify_subtree_inclusion(leaf, index, Subtree::within(0, size), proof, root)
}

/// Checks that the leaf at `index` of the tree is in the subtree with `root`.
pub fn verify_subtree_inclusion(
    leaf: &Hash,
    index: u64,
    subtree: Subtree,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if !subtree.contains(index) {
        return Err(ProofError::Range);
    }
    let way = descend(Subtree::within(index, index + 1), subtree);
    climb(&way, leaf, proof, root)
}

/// Checks that the tree of `to` leaves continues the one of `from` leaves.
///
/// `from` must not be 0: every tree continues the empty one, and a proof of
/// that would say nothing.
pub fn verify_consistency(
    from: u64,
    to: u64,
    from_root: &Hash,
    to_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if from == 0 {
        return Err(ProofError::Range);
    }
    verify_subtree_consistency(Subtree::within(0, from), to, from_root, to_root, proof)
}

/// Checks that the subtree with `subtree_root` is part of the tree of `size`
/// leaves with `root`. An empty subtree is part of every tree that reaches so
/// far, whatever its root.
pub fn verify_subtree_consistency(
    subtree: Subtree,
    size: u64,
    subtree_root: &Hash,
    root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if subtree.end() > size {
        return Err(ProofError::Range);
    }
    if subtree.is_empty() {
        expect_length(0, proof)?;
        return expect_equal(subtree_root, &EMPTY_ROOT);
    }
    let way = descend(subtree, Subtree::within(0, size));
    climb(&way, subtree_root, proof, root)
}

/// Goes back up with the hashes of the proof. `known` is the hash of the known
/// subtree, which the proof must lead to as well if it takes it apart.
fn climb(way: &Descent, known: &Hash, proof: &[Hash], root: &Hash) -> Result<(), ProofError> {
    let parts = count(way.siblings.len()) + u64::from(!way.whole);
    expect_length(parts, proof)?;
    let (bottom, siblings) = match proof.split_first() {
        Some((first, rest)) if !way.whole => (first, rest),
        _ => (known, proof),
    };
    let (mut old, mut new) = (*bottom, *bottom);
    for ((side, _), sibling) in way.siblings.iter().zip(siblings) {
        match side {
            Side::Right => new = node_hash(&new, sibling),
            Side::LeftBefore => new = node_hash(sibling, &new),
            Side::LeftWithin => {
                old = node_hash(sibling, &old);
                new = node_hash(sibling, &new);
            }
        }
    }
    expect_equal(&old, known)?;
    expect_equal(&new, root)
}

fn expect_length(expected: u64, proof: &[Hash]) -> Result<(), ProofError> {
    let found = count(proof.len());
    if expected == found {
        Ok(())
    } else {
        Err(ProofError::Length { expected, found })
    }
}

fn expect_equal(computed: &Hash, claimed: &Hash) -> Result<(), ProofError> {
    if computed == claimed {
        Ok(())
    } else {
        Err(ProofError::Mismatch)
    }
}
