//! Every proof of every tree up to 300 leaves, against the definitions.

use crate::definition::{consistency, leaves, mth, path};
use crate::stored::Stored;
use vv_audit::tree::{
    Hash, Plan, Subtree, Tiles, verify_consistency, verify_inclusion, verify_subtree_consistency,
    verify_subtree_inclusion,
};

const SIZES: u64 = 300;

fn proof(tiles: &Tiles, plan: &Plan) -> Vec<Hash> {
    plan.assemble(tiles).expect("all tiles at hand")
}

fn at(index: u64) -> usize {
    usize::try_from(index).expect("small")
}

#[test]
fn every_inclusion_proof_up_to_300_leaves() {
    let all = leaves(SIZES);
    for size in 1..=SIZES {
        let tree = &all[..at(size)];
        let stored = Stored::of(tree);
        let root = mth(tree);
        assert_eq!(stored.range.root(), root);
        let tiles = stored.all_tiles();
        for index in 0..size {
            let plan = Plan::inclusion(index, size).expect("in the tree");
            let proof = proof(&tiles, &plan);
            assert_eq!(
                verify_inclusion(&all[at(index)], index, size, &proof, &root),
                Ok(())
            );
            // The definition is slow: some sizes are enough, around tiles all.
            if size % 37 == 0 || size.abs_diff(256) < 2 || size < 40 {
                assert_eq!(proof, path(at(index), tree), "{index} in {size}");
            }
        }
        assert!(Plan::inclusion(size, size).is_err());
    }
}

#[test]
fn every_consistency_proof_up_to_300_leaves() {
    let all = leaves(SIZES);
    let roots: Vec<Hash> = (0..=SIZES).map(|size| mth(&all[..at(size)])).collect();
    let tiles = Stored::of(&all).all_tiles();
    for to in 1..=SIZES {
        for from in 1..=to {
            let plan = Plan::consistency(from, to).expect("in order");
            let proof = proof(&tiles, &plan);
            assert_eq!(
                verify_consistency(from, to, &roots[at(from)], &roots[at(to)], &proof),
                Ok(())
            );
            if to % 37 == 0 || to.abs_diff(256) < 2 || to < 40 {
                assert_eq!(
                    proof,
                    consistency(0, at(from), &all[..at(to)]),
                    "{from} in {to}"
                );
            }
        }
        assert!(Plan::consistency(0, to).is_err());
        assert!(Plan::consistency(to + 1, to).is_err());
    }
}

#[test]
fn every_subtree_proof_up_to_64_leaves() {
    let all = leaves(64);
    let tiles = Stored::of(&all).all_tiles();
    for end in 1..=64 {
        for start in 0..end {
            let Ok(subtree) = Subtree::new(start, end) else {
                continue;
            };
            let part = &all[at(start)..at(end)];
            let part_root = mth(part);
            assert_eq!(subtree.root(&tiles), Ok(part_root));
            for index in start..end {
                let plan = Plan::subtree_inclusion(index, subtree).expect("inside");
                let proof = proof(&tiles, &plan);
                assert_eq!(proof, path(at(index - start), part));
                let leaf = &all[at(index)];
                assert_eq!(
                    verify_subtree_inclusion(leaf, index, subtree, &proof, &part_root),
                    Ok(())
                );
            }
            for size in end..=64 {
                let tree = &all[..at(size)];
                let plan = Plan::subtree_consistency(subtree, size).expect("inside");
                let proof = proof(&tiles, &plan);
                assert_eq!(proof, consistency(at(start), at(end), tree));
                assert_eq!(
                    verify_subtree_consistency(subtree, size, &part_root, &mth(tree), &proof),
                    Ok(())
                );
            }
        }
    }
}
