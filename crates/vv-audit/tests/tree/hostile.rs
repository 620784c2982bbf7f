//! Proofs that must not pass.

use crate::definition::{consistency, leaves, mth, path, wide};
use proptest::prelude::*;
use vv_audit::tree::{
    Hash, ProofError, Subtree, verify_consistency, verify_inclusion, verify_subtree_consistency,
};

/// One of: flip a bit, drop, insert, swap.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Flip(u8),
    Drop,
    Insert([u8; 32]),
    Swap,
}

fn damages() -> impl Strategy<Value = (Damage, prop::sample::Index)> {
    let damage = prop_oneof![
        any::<u8>().prop_map(Damage::Flip),
        Just(Damage::Drop),
        any::<[u8; 32]>().prop_map(Damage::Insert),
        Just(Damage::Swap),
    ];
    (damage, any::<prop::sample::Index>())
}

/// The damaged proof; `None` when it would be the same.
fn damaged(mut proof: Vec<Hash>, damage: Damage, place: prop::sample::Index) -> Option<Vec<Hash>> {
    let good = proof.clone();
    match damage {
        Damage::Insert(hash) => proof.insert(place.index(proof.len() + 1), hash),
        _ if proof.is_empty() => return None,
        Damage::Flip(bit) => {
            let at = place.index(proof.len());
            proof[at][usize::from(bit / 8)] ^= 1 << (bit % 8);
        }
        Damage::Drop => drop(proof.remove(place.index(proof.len()))),
        Damage::Swap => {
            let at = place.index(proof.len());
            proof.swap(0, at);
        }
    }
    (proof != good).then_some(proof)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_inclusion_proofs(size in 1..200_usize, which: prop::sample::Index, (damage, place) in damages()) {
        let tree = leaves(wide(size));
        let index = which.index(size);
        if let Some(proof) = damaged(path(index, &tree), damage, place) {
            let checked = verify_inclusion(&tree[index], wide(index), wide(size), &proof, &mth(&tree));
            prop_assert!(checked.is_err());
        }
    }

    #[test]
    fn a_leaf_is_at_one_place_only(size in 2..200_usize, which: prop::sample::Index, other: prop::sample::Index) {
        let tree = leaves(wide(size));
        let (index, other) = (which.index(size), other.index(size));
        prop_assume!(index != other);
        let proof = path(index, &tree);
        let root = mth(&tree);
        prop_assert!(verify_inclusion(&tree[index], wide(other), wide(size), &proof, &root).is_err());
        prop_assert!(verify_inclusion(&tree[other], wide(index), wide(size), &proof, &root).is_err());
    }

    #[test]
    fn damaged_consistency_proofs(size in 1..200_usize, part: prop::sample::Index, (damage, place) in damages()) {
        let tree = leaves(wide(size));
        let from = part.index(size) + 1;
        let (old, new) = (mth(&tree[..from]), mth(&tree));
        if let Some(proof) = damaged(consistency(0, from, &tree), damage, place) {
            prop_assert!(verify_consistency(wide(from), wide(size), &old, &new, &proof).is_err());
        }
    }

    /// A history in which one early leaf differs is never consistent.
    #[test]
    fn rewritten_histories(size in 2..200_usize, part: prop::sample::Index, changed: prop::sample::Index) {
        let tree = leaves(wide(size));
        let from = part.index(size - 1) + 1;
        let mut rewritten = tree.clone();
        rewritten[changed.index(from)][0] ^= 1;
        let proof = consistency(0, from, &rewritten);
        let (old, new) = (mth(&tree[..from]), mth(&rewritten));
        prop_assert!(verify_consistency(wide(from), wide(size), &old, &new, &proof).is_err());
    }

    /// Whatever comes in, no panic and no endless loop.
    #[test]
    fn numbers_from_anywhere(a: u64, b: u64, c: u64, hash: [u8; 32], length in 0..130_usize) {
        let proof = vec![hash; length];
        let _ = verify_inclusion(&hash, a, b, &proof, &hash);
        let _ = verify_consistency(a, b, &hash, &hash, &proof);
        if let Ok(subtree) = Subtree::new(a, b) {
            let _ = verify_subtree_consistency(subtree, c, &hash, &hash, &proof);
        }
    }
}

#[test]
fn errors_say_what_is_wrong() {
    let tree = leaves(7);
    let root = mth(&tree);
    let proof = path(2, &tree);
    assert_eq!(
        verify_inclusion(&tree[2], 7, 7, &proof, &root),
        Err(ProofError::Range)
    );
    assert_eq!(
        verify_inclusion(&tree[2], 0, 0, &[], &root),
        Err(ProofError::Range)
    );
    assert_eq!(
        verify_inclusion(&tree[2], 2, 7, &proof[1..], &root),
        Err(ProofError::Length {
            expected: 3,
            found: 2
        })
    );
    assert_eq!(
        verify_inclusion(&tree[1], 2, 7, &proof, &root),
        Err(ProofError::Mismatch)
    );
    assert_eq!(
        verify_consistency(0, 7, &mth(&[]), &root, &[]),
        Err(ProofError::Range)
    );
    assert_eq!(
        verify_consistency(7, 6, &root, &mth(&tree[..6]), &[]),
        Err(ProofError::Range)
    );
}

/// The same size with another root is a fork, not a continuation.
#[test]
fn equal_sizes_need_equal_roots() {
    let tree = leaves(7);
    let (root, other) = (mth(&tree), mth(&tree[1..]));
    assert_eq!(verify_consistency(7, 7, &root, &root, &[]), Ok(()));
    assert_eq!(
        verify_consistency(7, 7, &other, &root, &[]),
        Err(ProofError::Mismatch)
    );
}
