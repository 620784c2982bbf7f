//! Proofs: no numbers make them panic, and in a small tree only the right one
//! passes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use vv_audit::tree::{
    CompactRange, Hash, Plan, Subtree, TileId, Tiles, verify_consistency, verify_inclusion,
    verify_subtree_consistency, verify_subtree_inclusion,
};

type Input = (u64, u64, u64, Vec<Hash>);

fuzz_target!(|input: Input| {
    let (a, b, c, proof) = input;
    let hash = proof.first().copied().unwrap_or_default();
    let _ = verify_inclusion(&hash, a, b, &proof, &hash);
    let _ = verify_consistency(a, b, &hash, &hash, &proof);
    let _ = Plan::inclusion(a, b).map(|plan| plan.tiles());
    if let Ok(subtree) = Subtree::new(a, b) {
        let _ = verify_subtree_inclusion(&hash, c, subtree, &proof, &hash);
        let _ = verify_subtree_consistency(subtree, c, &hash, &hash, &proof);
        let _ = Plan::subtree_consistency(subtree, c).map(|plan| plan.tiles());
    }
    small_tree(a, b, &proof);
});

/// A tree of at most 256 leaves: the honest proofs pass, the given one only if
/// it is the same.
fn small_tree(pick: u64, size: u64, proof: &[Hash]) {
    let size = size % 256 + 1;
    let leaves: Vec<Hash> = (0..size)
        .map(|leaf| vv_audit::leaf_hash(&leaf.to_be_bytes()))
        .collect();
    let mut range = CompactRange::new();
    let mut old = range.root();
    let (index, from) = (pick % size, pick % size + 1);
    for leaf in &leaves {
        range.push(*leaf).expect("small");
        if range.size() == from {
            old = range.root();
        }
    }
    let root = range.root();
    let leaf = leaves[usize::try_from(index).expect("small")];
    let mut tiles = Tiles::new();
    let tile = TileId { level: 0, index: 0 };
    tiles.insert(tile, &leaves.concat()).expect("one tile");
    if size == 256 {
        tiles
            .insert(TileId { level: 1, index: 0 }, &root)
            .expect("one hash");
    }

    let honest = Plan::inclusion(index, size).expect("inside");
    let honest = honest.assemble(&tiles).expect("at hand");
    assert_eq!(verify_inclusion(&leaf, index, size, &honest, &root), Ok(()));
    let passes = verify_inclusion(&leaf, index, size, proof, &root).is_ok();
    assert_eq!(passes, proof == honest);

    let honest = Plan::consistency(from, size).expect("in order");
    let honest = honest.assemble(&tiles).expect("at hand");
    assert_eq!(verify_consistency(from, size, &old, &root, &honest), Ok(()));
    let passes = verify_consistency(from, size, &old, &root, proof).is_ok();
    assert_eq!(passes, proof == honest);
}
