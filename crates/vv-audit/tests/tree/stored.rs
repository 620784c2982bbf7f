//! Tiles as a database would keep them, written only through deltas.

use std::collections::{BTreeMap, BTreeSet};

use crate::definition::{leaves, mth};
use proptest::prelude::*;
use vv_audit::tree::{
    CompactRange, Hash, TILE_WIDTH, TileDelta, TileId, TileWriter, Tiles, TreeError, root_at,
    root_of,
};

#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) rows: BTreeMap<TileId, Vec<Hash>>,
    pub(crate) range: CompactRange,
    pub(crate) partial: Vec<Hash>,
}

impl Stored {
    pub(crate) fn of(leaves: &[Hash]) -> Self {
        let mut stored = Self::default();
        stored.append(leaves);
        stored
    }

    /// One batch.
    pub(crate) fn append(&mut self, leaves: &[Hash]) {
        let mut writer =
            TileWriter::new(self.range.clone(), self.partial.clone()).expect("they agree");
        for leaf in leaves {
            writer.push(*leaf).expect("small");
        }
        for delta in writer.take_deltas() {
            self.write(&delta);
        }
        assert!(writer.take_deltas().is_empty());
        (self.range, self.partial) = writer.into_parts();
    }

    fn write(&mut self, delta: &TileDelta) {
        assert_eq!(delta.bytes().len(), delta.hashes.len() * 32);
        let row = self.rows.entry(delta.tile).or_default();
        assert_eq!(
            row.len(),
            usize::from(delta.offset),
            "at tile {}",
            delta.tile
        );
        row.extend_from_slice(&delta.hashes);
        if delta.tile.level == 0 {
            assert_eq!(row.len(), usize::from(TILE_WIDTH));
        }
    }

    /// Every tile there is.
    pub(crate) fn all_tiles(&self) -> Tiles {
        let mut tiles = Tiles::new();
        let partial = TileId {
            level: 0,
            index: self.range.size() / u64::from(TILE_WIDTH),
        };
        let rows = self.rows.iter().map(|(tile, row)| (*tile, row));
        for (tile, row) in rows.chain([(partial, &self.partial)]) {
            tiles.insert_hashes(tile, row.clone()).expect("at most 256");
        }
        tiles
    }

    /// Just these tiles, as they are in a tree of `size` leaves.
    pub(crate) fn tiles(&self, wanted: &BTreeSet<TileId>, size: u64) -> Tiles {
        let mut tiles = Tiles::new();
        for tile in wanted {
            let hashes = self.rows.get(tile).unwrap_or(&self.partial);
            let width = usize::from(tile.width_in(size));
            tiles
                .insert(*tile, &hashes[..width].concat())
                .expect("at most 256");
        }
        tiles
    }
}

/// Level, place and first leaves of each tile of a tree, from the definition.
fn expected_rows(leaves: &[Hash]) -> BTreeMap<TileId, Vec<Hash>> {
    let mut rows = BTreeMap::new();
    let mut below = leaves.to_vec();
    for level in 0.. {
        let hashes: Vec<Hash> = if level == 0 {
            below.clone()
        } else {
            below.chunks_exact(256).map(mth).collect()
        };
        if hashes.is_empty() {
            return rows;
        }
        for (index, tile) in (0..).zip(hashes.chunks(256)) {
            if level > 0 || tile.len() == 256 {
                rows.insert(TileId { level, index }, tile.to_vec());
            }
        }
        below = hashes;
    }
    rows
}

#[test]
fn batches_of_any_size_write_the_same_tiles() {
    let all = leaves(70_000);
    assert_eq!(expected_rows(&all).len(), 273 + 2 + 1);
    for (batch, count) in [
        (1, 1025),
        (255, 5000),
        (256, 5120),
        (257, 5000),
        (4096, 70_000),
    ] {
        let all = &all[..count];
        let mut stored = Stored::default();
        for chunk in all.chunks(batch) {
            stored.append(chunk);
        }
        assert_eq!(stored.rows, expected_rows(all), "in batches of {batch}");
        assert_eq!(stored.partial, all[count - count % 256..]);
        assert_eq!(stored.range.root(), mth(all));
    }
}

#[test]
fn states_that_contradict_the_leaves_are_refused() {
    let stored = Stored::of(&leaves(1000));
    let partial = stored.partial.clone();
    assert_eq!(partial.len(), 1000 - 3 * 256);
    for place in [0, 1, partial.len() - 1] {
        let mut wrong = partial.clone();
        wrong[place][31] ^= 1;
        assert_eq!(
            TileWriter::new(stored.range.clone(), wrong).err(),
            Some(TreeError::Disagree)
        );
    }
    let mut short = partial.clone();
    short.pop();
    assert_eq!(
        TileWriter::new(stored.range.clone(), short).err(),
        Some(TreeError::Count {
            expected: 232,
            found: 231
        })
    );
    // A tree cut back to a full tile still wants no leaves.
    let cut = CompactRange::from_tiles(768, &stored.tiles(&tiles_of(768), 1000)).expect("stored");
    assert!(TileWriter::new(cut, partial).is_err());
}

fn tiles_of(size: u64) -> BTreeSet<TileId> {
    vv_audit::tree::Subtree::new(0, size)
        .expect("starts at 0")
        .tiles()
}

#[test]
fn every_earlier_state_comes_back_from_the_tiles() {
    let all = leaves(1300);
    let stored = Stored::of(&all);
    let mut range = CompactRange::new();
    for size in 0..=1300_u64 {
        let tiles = stored.tiles(&tiles_of(size), size);
        assert_eq!(root_at(size, &tiles), Ok(range.root()));
        assert_eq!(CompactRange::from_tiles(size, &tiles), Ok(range.clone()));
        let again = CompactRange::decode(size, &range.encode());
        assert_eq!(again.as_ref(), Ok(&range));
        if let Some(leaf) = usize::try_from(size).ok().and_then(|at| all.get(at)) {
            range.push(*leaf).expect("small");
        }
    }
}

#[test]
fn a_missing_tile_is_named() {
    let stored = Stored::of(&leaves(1000));
    let wanted = tiles_of(1000);
    let names: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["0/3", "1/0"]);
    for gone in &wanted {
        let mut fewer = wanted.clone();
        fewer.remove(gone);
        assert_eq!(
            root_at(1000, &stored.tiles(&fewer, 1000)),
            Err(TreeError::Missing(*gone))
        );
    }
    // A tile from a time when it held less is not enough either.
    let old = stored.tiles(&wanted, 999);
    assert!(matches!(root_at(1000, &old), Err(TreeError::Missing(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any cut into batches leads to the same rows and root.
    #[test]
    fn any_batches_write_the_same_tiles(batches in prop::collection::vec(0..600_u16, 0..8)) {
        let all = leaves(batches.iter().copied().map(u64::from).sum());
        let mut stored = Stored::default();
        let mut rest = all.as_slice();
        for batch in batches {
            let (now, later) = rest.split_at(usize::from(batch));
            stored.append(now);
            rest = later;
        }
        prop_assert_eq!(&stored.rows, &expected_rows(&all));
        prop_assert_eq!(stored.range.root(), mth(&all));
        prop_assert_eq!(root_of(&all), mth(&all));
    }
}
