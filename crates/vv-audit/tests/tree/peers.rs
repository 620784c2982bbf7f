//! Cross-checks with two independent implementations: ct-merkle (proofs) and
//! `tlog_tiles` (tiles, paths and proofs computed from tiles).

use crate::definition::{leaves, wide};
use crate::stored::Stored;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use proptest::prelude::*;
use sha2::Sha256;
use vv_audit::tree::{
    CompactRange, Hash, Plan, TileId, TilePath, verify_consistency, verify_inclusion,
};

type Peer = MemoryBackedTree<Sha256, [u8; 8]>;

fn peer(size: u64) -> Peer {
    let mut tree = Peer::new();
    for leaf in 0..size {
        tree.push(leaf.to_be_bytes());
    }
    tree
}

fn proof(stored: &Stored, plan: &Plan, size: u64) -> Vec<Hash> {
    let tiles = plan.tiles();
    plan.assemble(&stored.tiles(&tiles, size))
        .expect("all tiles at hand")
}

fn chunks(bytes: &[u8]) -> Vec<Hash> {
    let (hashes, rest) = bytes.as_chunks();
    assert!(rest.is_empty());
    hashes.to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Same roots and proofs, and each accepts those of the other.
    #[test]
    fn ct_merkle_agrees(size in 1..1500_u64, pick: prop::sample::Index, from: prop::sample::Index) {
        let count = usize::try_from(size).expect("small");
        let all = leaves(size);
        let stored = Stored::of(&all);
        let (tree, root) = (peer(size), stored.range.root());
        let theirs = tree.root();
        prop_assert_eq!(theirs.as_bytes().as_slice(), &root);

        let index = pick.index(count);
        let at = wide(index);
        let mine = proof(&stored, &Plan::inclusion(at, size).expect("inside"), size);
        prop_assert_eq!(&mine, &chunks(tree.prove_inclusion(index).as_bytes()));
        prop_assert_eq!(verify_inclusion(&all[index], at, size, &mine, &root), Ok(()));
        let handed = InclusionProof::try_from_bytes(mine.concat()).expect("whole hashes");
        let ours = RootHash::<Sha256>::new(root.into(), size);
        prop_assert!(ours.verify_inclusion(&at.to_be_bytes(), at, &handed).is_ok());

        let from = wide(from.index(count)) + 1;
        if from < size {
            let added = usize::try_from(size - from).expect("small");
            let mine = proof(&stored, &Plan::consistency(from, size).expect("in order"), size);
            prop_assert_eq!(&mine, &chunks(tree.prove_consistency(added).as_bytes()));
            let old = peer(from).root();
            let old_hash: Hash = old.as_bytes().as_slice().try_into().expect("32 bytes");
            prop_assert_eq!(verify_consistency(from, size, &old_hash, &root, &mine), Ok(()));
            let handed = ConsistencyProof::try_from_bytes(mine.concat()).expect("whole hashes");
            prop_assert!(ours.verify_consistency(&old, &handed).is_ok());
        }
    }

    /// A tlog client that trusts nothing but the root reads our tiles and gets
    /// the same proofs out of them.
    #[test]
    fn a_tlog_client_reads_our_tiles(size in 1..3000_u64, pick: u64, from: u64) {
        let all = leaves(size);
        let stored = Stored::of(&all);
        let root = stored.range.root();
        let server = Server(&stored);
        let reader = tlog_tiles::TileHashReader::new(size, tlog_tiles::Hash(root), &server);

        let index = pick % size;
        let theirs = tlog_tiles::prove_record(size, index, &reader).expect("authentic tiles");
        let mine = proof(&stored, &Plan::inclusion(index, size).expect("inside"), size);
        prop_assert_eq!(plain(&theirs), mine);
        let from = from % size + 1;
        let theirs = tlog_tiles::prove_tree(size, from, &reader).expect("authentic tiles");
        let mine = proof(&stored, &Plan::consistency(from, size).expect("in order"), size);
        prop_assert_eq!(plain(&theirs), mine.clone());

        let mut old = CompactRange::new();
        for leaf in all.iter().take(usize::try_from(from).expect("small")) {
            old.push(*leaf).expect("small");
        }
        let (new, old) = (tlog_tiles::Hash(root), tlog_tiles::Hash(old.root()));
        prop_assert!(tlog_tiles::check_tree(&theirs, size, new, from, old).is_ok());
    }

    #[test]
    fn tlog_paths_agree(level in 0..=63_u8, index: u64, width in 1..=256_u16) {
        let theirs = tlog_tiles::Tile::new(8, level, index, u32::from(width), false).path();
        let ours = theirs.replacen("tile/8/", "tile/", 1);
        let path: TilePath = ours.parse().expect("their spelling");
        prop_assert_eq!((path.tile(), path.width), (TileId { level, index }, width));
        prop_assert_eq!(path.to_string(), ours);
    }

    /// Nearly right paths: we take exactly those that the peer takes.
    #[test]
    fn tlog_paths_are_refused_alike(rest in "[0-5]?[0-9]/(x[0-9]{3}/){0,3}[0-9x]{2,4}(\\.p/0?[1-9][0-9]{0,2})?") {
        let theirs = tlog_tiles::Tile::from_path(&format!("tile/8/{rest}"));
        let theirs = theirs.is_ok_and(|tile| tile.level() <= 63 && tile.width() > 0);
        prop_assert_eq!(format!("tile/{rest}").parse::<TilePath>().is_ok(), theirs);
    }
}

fn plain(hashes: &[tlog_tiles::Hash]) -> Vec<Hash> {
    hashes.iter().map(|hash| hash.0).collect()
}

/// Our tiles behind the interface of the peer.
struct Server<'a>(&'a Stored);

impl tlog_tiles::TileReader for Server<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &tlog_tiles::Tile| {
            let id = TileId {
                level: tile.level(),
                index: tile.level_index(),
            };
            let hashes = self.0.rows.get(&id).unwrap_or(&self.0.partial);
            let width = usize::try_from(tile.width()).expect("at most 256");
            hashes[..width].concat()
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}
