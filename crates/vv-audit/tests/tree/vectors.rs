//! The vectors of transparency-dev/merkle, good and hostile.

use std::fmt::Write as _;

use serde::Deserialize;
use vv_audit::leaf_hash;
use vv_audit::tree::{
    CompactRange, Hash, NodeId, Plan, Subtree, TileId, Tiles, covering_subtrees, root_of,
    verify_consistency, verify_inclusion, verify_subtree_consistency, verify_subtree_inclusion,
};

#[derive(Deserialize)]
struct Proofs {
    hashes: Vec<String>,
    inclusion: Vec<Case>,
    consistency: Vec<Case>,
    subtreeinclusion: Vec<Case>,
    subtreeconsistency: Vec<Case>,
}

/// All fields are required in their kind of case; see `need`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: String,
    leaf_idx: Option<u64>,
    tree_size: Option<u64>,
    start: Option<u64>,
    end: Option<u64>,
    size: Option<u64>,
    size1: Option<u64>,
    size2: Option<u64>,
    leaf_hash: Option<usize>,
    root: Option<usize>,
    root1: Option<usize>,
    root2: Option<usize>,
    proof: Vec<usize>,
    want_err: bool,
}

#[derive(Deserialize)]
struct Trees {
    inputs: Vec<String>,
    nodes: Vec<Vec<String>>,
    roots: Vec<String>,
    accumulated: Accumulated,
}

#[derive(Deserialize)]
struct Accumulated {
    max: u64,
    subtree_hash: String,
    inclusion: String,
    consistency: String,
    covering: String,
}

fn need<T>(value: Option<T>) -> T {
    value.expect("a field that this kind of case has")
}

/// Hashes by place; `None` for those of no bytes at all.
struct Table(Vec<Option<Hash>>);

impl Table {
    fn hash(&self, place: Option<usize>) -> Option<Hash> {
        self.0[need(place)]
    }

    /// A proof with an empty hash is one with a hash too many.
    fn proof(&self, case: &Case) -> Vec<Hash> {
        let hashes = case.proof.iter().map(|place| self.0[*place]);
        hashes.map(|hash| hash.unwrap_or([0; 32])).collect()
    }
}

/// Some values are words such as "don't care 1", which only untyped interfaces
/// can hand over. Another hash for each keeps the question that the case asks.
fn as_hash(text: &str) -> Option<Hash> {
    let bytes = hex::decode(text).expect("hexadecimal");
    let whole = bytes.as_slice().try_into();
    let hash = whole.unwrap_or_else(|_| vv_crypto::sha256(&[b"not a hash: ", &bytes]));
    (!bytes.is_empty()).then_some(hash)
}

fn load() -> (Proofs, Table) {
    let text = include_str!("../vectors/merkle_proofs.json");
    let proofs: Proofs = serde_json::from_str(text).expect("the file parses");
    let table = proofs.hashes.iter().map(|text| as_hash(text)).collect();
    (proofs, Table(table))
}

/// Runs the cases: accepted exactly when the vector says so. `None` stands for
/// what cannot even be handed over: a range that is no subtree, an empty root.
fn run(cases: &[Case], count: usize, accepted: impl Fn(&Case) -> Option<bool>) {
    assert_eq!(cases.len(), count);
    assert!(cases.iter().any(|case| !case.want_err));
    for case in cases {
        assert_eq!(
            accepted(case).unwrap_or(false),
            !case.want_err,
            "{}",
            case.name
        );
    }
}

#[test]
fn inclusion_vectors() {
    let (proofs, table) = load();
    run(&proofs.inclusion, 98, |case| {
        let (leaf, root) = (table.hash(case.leaf_hash)?, table.hash(case.root)?);
        let (index, size) = (need(case.leaf_idx), need(case.tree_size));
        Some(verify_inclusion(&leaf, index, size, &table.proof(case), &root).is_ok())
    });
}

#[test]
fn consistency_vectors() {
    let (proofs, table) = load();
    run(&proofs.consistency, 98, |case| {
        let (root1, root2) = (table.hash(case.root1)?, table.hash(case.root2)?);
        let (from, to) = (need(case.size1), need(case.size2));
        Some(verify_consistency(from, to, &root1, &root2, &table.proof(case)).is_ok())
    });
}

#[test]
fn subtree_inclusion_vectors() {
    let (proofs, table) = load();
    run(&proofs.subtreeinclusion, 204, |case| {
        let (leaf, root) = (table.hash(case.leaf_hash)?, table.hash(case.root)?);
        let subtree = Subtree::new(need(case.start), need(case.end)).ok()?;
        let index = need(case.leaf_idx);
        Some(verify_subtree_inclusion(&leaf, index, subtree, &table.proof(case), &root).is_ok())
    });
}

#[test]
fn subtree_consistency_vectors() {
    let (proofs, table) = load();
    run(&proofs.subtreeconsistency, 118, |case| {
        let subtree = Subtree::new(need(case.start), need(case.end)).ok()?;
        let (part, root) = (table.hash(case.root1)?, table.hash(case.root2)?);
        let (size, proof) = (need(case.size), table.proof(case));
        Some(verify_subtree_consistency(subtree, size, &part, &root, &proof).is_ok())
    });
}

fn trees() -> Trees {
    serde_json::from_str(include_str!("../vectors/merkle_trees.json")).expect("the file parses")
}

#[test]
fn nodes_and_roots_of_the_reference_leaves() {
    let trees = trees();
    let mut range = CompactRange::new();
    let mut nodes = Vec::new();
    assert_eq!(trees.roots.len(), 9);
    for (size, root) in trees.roots.iter().enumerate() {
        assert_eq!(&hex::encode(range.root()), root, "of {size} leaves");
        if let Some(input) = trees.inputs.get(size) {
            let leaf = leaf_hash(&hex::decode(input).expect("hexadecimal"));
            let index = u64::try_from(size).expect("small");
            nodes.push((NodeId { level: 0, index }, leaf));
            range
                .push_with(leaf, |node, hash| nodes.push((node, *hash)))
                .expect("small");
        }
    }
    nodes.sort_unstable();
    let expected = (0..).zip(&trees.nodes).flat_map(|(level, hashes)| {
        (0..)
            .zip(hashes)
            .map(move |(index, hash)| (NodeId { level, index }, hash.clone()))
    });
    let nodes = nodes
        .into_iter()
        .map(|(node, hash)| (node, hex::encode(hash)));
    assert_eq!(nodes.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

/// The tree of the accumulated vectors: leaf i is the byte i.
fn accumulated_tree(max: u64) -> Tiles {
    let leaves = (0..max).map(|leaf| leaf_hash(&[u8::try_from(leaf).expect("at most 255")]));
    let mut tiles = Tiles::new();
    let first = TileId { level: 0, index: 0 };
    tiles
        .insert_hashes(first, leaves.collect())
        .expect("one tile");
    tiles
}

fn subtrees(end: u64) -> impl Iterator<Item = Subtree> {
    (0..=end).filter_map(move |start| Subtree::new(start, end).ok())
}

fn line(log: &mut String, head: &str, proof: &[Hash]) {
    log.push_str(head);
    for hash in proof {
        log.push(' ');
        log.push_str(&hex::encode(hash));
    }
    log.push('\n');
}

fn rolled(log: &str) -> String {
    hex::encode(vv_crypto::sha256(&[log.as_bytes()]))
}

#[test]
fn accumulated_subtree_hashes_and_inclusion_proofs() {
    let expected = trees().accumulated;
    let tiles = accumulated_tree(expected.max);
    let (mut hashes, mut proofs) = (String::new(), String::new());
    for subtree in (0..=expected.max).flat_map(subtrees) {
        let range = format!("[{}, {})", subtree.start(), subtree.end());
        let root = subtree.root(&tiles).expect("at hand");
        writeln!(hashes, "{range} {}", hex::encode(root)).expect("a string");
        for index in subtree.start()..subtree.end() {
            let plan = Plan::subtree_inclusion(index, subtree).expect("inside");
            let proof = plan.assemble(&tiles).expect("at hand");
            line(&mut proofs, &format!("{index} {range}"), &proof);
        }
    }
    assert_eq!(rolled(&hashes), expected.subtree_hash);
    assert_eq!(rolled(&proofs), expected.inclusion);
}

#[test]
fn accumulated_consistency_proofs() {
    let expected = trees().accumulated;
    let tiles = accumulated_tree(expected.max);
    let mut proofs = String::new();
    for size in 0..=expected.max {
        for subtree in (0..=size).flat_map(subtrees) {
            let plan = Plan::subtree_consistency(subtree, size).expect("inside");
            let proof = plan.assemble(&tiles).expect("at hand");
            let head = format!("[{}, {}) {size}", subtree.start(), subtree.end());
            line(&mut proofs, &head, &proof);
        }
    }
    assert_eq!(rolled(&proofs), expected.consistency);
}

#[test]
fn accumulated_coverings() {
    let expected = trees().accumulated;
    let mut log = String::new();
    for end in 0..=expected.max {
        for start in 0..=end {
            let (left, right) = covering_subtrees(start, end).expect("in order");
            let (start, middle, end) = (left.start(), left.end(), right.end());
            writeln!(log, "[{start}, {middle}) [{middle}, {end})").expect("a string");
        }
    }
    assert_eq!(rolled(&log), expected.covering);
    assert!(covering_subtrees(1, 0).is_err());
}

#[test]
fn the_root_of_a_slice_is_the_root_of_the_tree() {
    let trees = trees();
    let leaves: Vec<Hash> = trees
        .inputs
        .iter()
        .map(|input| leaf_hash(&hex::decode(input).expect("hexadecimal")))
        .collect();
    for (size, root) in trees.roots.iter().enumerate() {
        assert_eq!(&hex::encode(root_of(&leaves[..size])), root);
    }
}
