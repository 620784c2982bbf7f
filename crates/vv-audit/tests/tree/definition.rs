//! The definitions of RFC 9162 and draft-ietf-plants-merkle-tree-certs, as
//! they are written there: recursive and slow.

use vv_audit::tree::Hash;

pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    vv_crypto::sha256(parts)
}

/// A place or length as a leaf index or size.
pub(crate) fn wide(number: usize) -> u64 {
    number.try_into().expect("at most 64 bits")
}

/// Distinct leaf hashes.
pub(crate) fn leaves(count: u64) -> Vec<Hash> {
    (0..count)
        .map(|leaf| sha256(&[&[0], &leaf.to_be_bytes()]))
        .collect()
}

/// The largest power of two smaller than `n`.
fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// MTH(D\[n\]), over leaf hashes.
pub(crate) fn mth(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            sha256(&[&[1], &mth(left), &mth(right)])
        }
    }
}

/// PATH(m, D\[n\]).
pub(crate) fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, sibling) = if m < k {
        (path(m, left), mth(right))
    } else {
        (path(m - k, right), mth(left))
    };
    proof.push(sibling);
    proof
}

/// `SUBTREE_PROOF(start, end, D[n])`; with start 0 it is PROOF(end, D\[n\]).
pub(crate) fn consistency(start: usize, end: usize, leaves: &[Hash]) -> Vec<Hash> {
    if start == end {
        return Vec::new();
    }
    subproof(start, end, leaves, true)
}

fn subproof(start: usize, end: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if start == 0 && end == leaves.len() {
        return if known { Vec::new() } else { vec![mth(leaves)] };
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, sibling) = if end <= k {
        (subproof(start, end, left, known), mth(right))
    } else if k <= start {
        (subproof(start - k, end - k, right, known), mth(left))
    } else {
        (subproof(0, end - k, right, false), mth(left))
    };
    proof.push(sibling);
    proof
}
