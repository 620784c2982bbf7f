//! Plans for trees far larger than memory: the numbers must fit together.

use proptest::prelude::*;
use vv_audit::tree::{NodeId, Plan, Subtree, TileId};

/// The leaves below a node.
fn leaves(node: NodeId) -> (u64, u64) {
    (node.index << node.level, (node.index + 1) << node.level)
}

/// Whether the subtrees, put in order, fill `[0, size)` without overlap.
fn fill(mut parts: Vec<(u64, u64)>, size: u64) -> bool {
    parts.sort_unstable();
    let end = parts.iter().try_fold(0, |at, (start, end)| {
        (*start == at && end > start).then_some(*end)
    });
    end == Some(size)
}

fn ends(plan: &Plan) -> Vec<(u64, u64)> {
    let subtrees = plan.subtrees().iter();
    subtrees.map(|part| (part.start(), part.end())).collect()
}

/// Every tile exists in the tree and has the hashes the node needs.
fn tiles_exist(plan: &Plan, size: u64) -> bool {
    plan.nodes().all(|node| {
        let tile = TileId::of_node(node);
        let (_, end) = leaves(node);
        let unit = 8 * u32::from(tile.level);
        let last = (end >> unit) - 1 - tile.index * 256;
        end <= size && last < u64::from(tile.width_in(size))
    })
}

fn sizes() -> impl Strategy<Value = u64> {
    prop_oneof![
        1..1_u64 << 40,
        (1..1_u64 << 32).prop_map(|n| n * 256),
        (0..40_u32).prop_map(|bit| 1 << bit),
        (1..40_u32).prop_map(|bit| (1 << bit) - 1),
        Just(u64::MAX),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn inclusion_covers_everything_but_the_leaf(size in sizes(), pick: u64) {
        let index = pick % size;
        let plan = Plan::inclusion(index, size).expect("in the tree");
        let mut parts = ends(&plan);
        prop_assert!(parts.len() <= 64);
        parts.push((index, index + 1));
        prop_assert!(fill(parts, size));
        prop_assert!(tiles_exist(&plan, size));
        prop_assert!(plan.tiles().len() <= 16);
    }

    #[test]
    fn consistency_covers_everything_that_is_new(to in sizes(), pick: u64) {
        let from = pick % to + 1;
        let plan = Plan::consistency(from, to).expect("in order");
        let mut parts = ends(&plan);
        prop_assert!(parts.len() <= 65);
        if parts.iter().all(|(start, _)| *start >= from) {
            parts.push((0, from));
        }
        prop_assert!(fill(parts, to));
        prop_assert!(tiles_exist(&plan, to));
    }

    #[test]
    fn subtrees_too(size in sizes(), level in 0..20_u32, pick: u64, cut: u64) {
        let width = 1_u64 << level;
        prop_assume!(width <= size);
        let start = (pick % (size >> level)) << level;
        let end = start + 1 + cut % width;
        let Ok(subtree) = Subtree::new(start, end) else {
            return Err(TestCaseError::fail("aligned, yet refused"));
        };
        let plan = Plan::subtree_consistency(subtree, size).expect("inside");
        let mut parts = ends(&plan);
        if !parts.iter().any(|(from, to)| (start..end).contains(from) && *to <= end) {
            parts.push((start, end));
        }
        prop_assert!(fill(parts, size));
        prop_assert!(tiles_exist(&plan, size));
    }
}

/// What pruning rests on: without the leaf tiles of the first half, proofs
/// that start later touch none of them.
#[test]
fn proofs_of_later_leaves_need_no_leaf_tiles_of_earlier_ones() {
    let (pruned_to, size) = (1_000_192_u64, 2_000_000_u64);
    assert_eq!(pruned_to % 256, 0);
    for index in [pruned_to, pruned_to + 1, pruned_to + 77_777, size - 1] {
        let plan = Plan::inclusion(index, size).expect("in the tree");
        for tile in plan.tiles() {
            assert!(tile.level > 0 || tile.index >= pruned_to / 256, "{tile}");
        }
    }
    for from in [pruned_to, pruned_to + 5, size - 1] {
        for tile in Plan::consistency(from, size).expect("in order").tiles() {
            assert!(tile.level > 0 || tile.index >= pruned_to / 256, "{tile}");
        }
    }
}
