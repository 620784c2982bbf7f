//! Proofs and tiles as outsiders get and check them.

use sha2::{Digest as _, Sha256};
use vv_audit::tree::{Hash, TilePath, decode_bundle, root_of};
use vv_audit::{AuditError, Log, SYSTEM_CHAIN, leaf_hash};
use vv_crypto::{SignatureType, verify_note};
use vv_store::{Sql, args};

use crate::harness::{World, on_both};

/// What a stranger fetches: every leaf, from entry bundles.
pub(crate) async fn leaves(log: &Log) -> Vec<Vec<u8>> {
    let size = log.head().await.unwrap().size;
    let mut leaves = Vec::new();
    for bundle in 0..size.div_ceil(256) {
        let path = path("tile/entries", bundle, size - bundle * 256);
        let bytes = log.tile(path).await.unwrap().expect("in the log");
        leaves.extend(decode_bundle(&bytes).unwrap().iter().map(|l| l.to_vec()));
    }
    leaves
}

fn path(kind: &str, index: u64, width: u64) -> TilePath {
    let suffix = if width < 256 {
        format!(".p/{width}")
    } else {
        String::new()
    };
    format!("{kind}/{index:03}{suffix}").parse().unwrap()
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap()
}

fn place(index: u64) -> usize {
    usize::try_from(index).unwrap()
}

#[tokio::test]
async fn proofs_hold_at_every_size_across_the_borders_of_tiles() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        world.fill(&ctx, 600).await;
        let log = world.audit.log(&ctx);
        let leaves: Vec<Hash> = leaves(&log).await.iter().map(|l| leaf_hash(l)).collect();
        assert_eq!(leaves.len(), 600);
        let sizes = [1, 2, 3, 7, 255, 256, 257, 258, 511, 512, 513, 599, 600];
        for size in sizes {
            let root = root_of(&leaves[..place(size)]);
            assert_eq!(log.root_at(size).await.unwrap(), root);
            for height in [1, 2, 128, 255, 256, 257, 300, 512, 513, size] {
                let proof = world.audit.inclusion_proof(&ctx, height, Some(size)).await;
                if height > size {
                    assert!(matches!(proof, Err(AuditError::OutOfRange)));
                    continue;
                }
                let proof = proof.unwrap();
                assert_eq!((proof.leaf_index, proof.tree_size), (height - 1, size));
                assert_eq!(proof.leaf_hash, leaves[place(height - 1)]);
                assert_eq!(proof.root, root);
                proof.verify().unwrap();
            }
            for from in sizes.into_iter().filter(|from| *from <= size) {
                let proof = world
                    .audit
                    .consistency_proof(&ctx, from, size)
                    .await
                    .unwrap();
                assert_eq!(proof.from_root, root_of(&leaves[..place(from)]));
                assert_eq!(proof.to_root, root);
                proof.verify().unwrap();
            }
        }
        let newest = log.inclusion(600, None).await.unwrap();
        assert_eq!(newest.tree_size, 600);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_out_of_range() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let log = world.audit.log(&ctx);
        assert_eq!(log.head().await.unwrap().size, 0);
        assert!(matches!(
            log.inclusion(1, None).await,
            Err(AuditError::OutOfRange)
        ));
        world.fill(&ctx, 5).await;
        for (height, size) in [
            (0, None),
            (6, None),
            (1, Some(6)),
            (1, Some(0)),
            (3, Some(2)),
        ] {
            let refused = log.inclusion(height, size).await;
            assert!(
                matches!(refused, Err(AuditError::OutOfRange)),
                "{height} {size:?}"
            );
        }
        for (from, to) in [(0, 5), (3, 2), (1, 6), (6, 6)] {
            let refused = log.consistency(from, to).await;
            assert!(
                matches!(refused, Err(AuditError::OutOfRange)),
                "{from} {to}"
            );
        }
        let far = u64::MAX;
        assert!(log.inclusion(far, None).await.is_err());
        assert!(log.inclusion(1, Some(far)).await.is_err());
        for text in [
            "tile/0/000.p/6",
            "tile/0/000",
            "tile/0/001",
            "tile/1/000.p/1",
            "tile/63/000",
            "tile/entries/000.p/6",
            "tile/0/x018/x446/x744/x073/x709/x551/615",
        ] {
            assert_eq!(
                log.tile(text.parse().unwrap()).await.unwrap(),
                None,
                "{text}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_proof_of_an_event_that_was_just_recorded_waits_for_it() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        world.record_only(&ctx, 3).await;
        let proof = world.audit.inclusion_proof(&ctx, 3, None).await.unwrap();
        assert_eq!(proof.tree_size, 3);
    })
    .await;
}

/// A client that knows nothing but the root in the checkpoint reads the tiles.
#[tokio::test]
async fn a_foreign_reader_rebuilds_the_tree_from_tiles() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        world.fill(&ctx, 600).await;
        let log = world.audit.log(&ctx);
        let note = log.checkpoint().await.unwrap();
        let verified = verify_note(&note, &log.verifier_keys().unwrap()).unwrap();
        let (size, root) = (verified.checkpoint.size, verified.checkpoint.root);
        let mut tiles = std::collections::HashMap::new();
        for (level, hashes) in [(0, 600_u64), (1, 2)] {
            for index in 0..hashes.div_ceil(256) {
                let width = (hashes - index * 256).min(256);
                let path = path(&format!("tile/{level}"), index, width);
                let bytes = log.tile(path).await.unwrap().expect("in the log");
                assert_eq!(count(bytes.len()), width * 32);
                tiles.insert((level, index), bytes);
            }
        }
        let served = Served(tiles);
        let reader = tlog_tiles::TileHashReader::new(size, tlog_tiles::Hash(root), &served);
        for (index, leaf) in (0..).zip(leaves(&log).await) {
            let theirs = tlog_tiles::prove_record(size, index, &reader).expect("authentic");
            let hash = tlog_tiles::Hash(
                Sha256::new_with_prefix([0])
                    .chain_update(&leaf)
                    .finalize()
                    .into(),
            );
            tlog_tiles::check_record(&theirs, size, tlog_tiles::Hash(root), index, hash)
                .expect("in the tree");
            if index % 97 == 0 {
                let ours = log.inclusion(index + 1, Some(size)).await.unwrap();
                let theirs: Vec<Hash> = theirs.iter().map(|hash| hash.0).collect();
                assert_eq!(ours.path, theirs);
            }
        }
    })
    .await;
}

struct Served(std::collections::HashMap<(u8, u64), Vec<u8>>);

impl tlog_tiles::TileReader for Served {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &tlog_tiles::Tile| {
            let bytes = &self.0[&(tile.level(), tile.level_index())];
            bytes[..usize::try_from(tile.width()).unwrap() * 32].to_vec()
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

#[tokio::test]
async fn checkpoints_are_signed_by_both_keys_and_made_once_per_head() {
    on_both(async |world| {
        let tenant = world.tenant();
        let ctx = world.ctx(tenant);
        let empty = world.audit.checkpoint(&ctx).await.unwrap();
        world.fill(&ctx, 3).await;
        let note = world.audit.checkpoint(&ctx).await.unwrap();
        assert_ne!(empty, note);
        assert_eq!(world.audit.checkpoint(&ctx).await.unwrap(), note);
        let keys = world.audit.verifier_keys(&ctx).unwrap();
        let verified = verify_note(&note, &keys).unwrap();
        assert!(verified.signed_by_origin(true));
        assert_eq!(verified.checkpoint.size, 3);
        let origin = format!("valueverse.local/audit/{tenant}");
        assert_eq!(verified.checkpoint.origin.as_str(), origin);
        for kind in [SignatureType::Ed25519, SignatureType::MlDsa44Cosignature] {
            let one: Vec<_> = keys
                .iter()
                .filter(|key| key.signature_type() == kind)
                .cloned()
                .collect();
            assert_eq!(verify_note(&note, &one).unwrap().signed_by.len(), 1);
        }
        // The key of another chain has another name.
        let others = world.audit.verifier_keys(&world.system()).unwrap();
        assert!(verify_note(&note, &others).is_err());
        let verified = verify_note(&empty, &keys).unwrap();
        assert_eq!(
            (verified.checkpoint.size, verified.checkpoint.root),
            (0, root_of(&[]))
        );
    })
    .await;
}

#[tokio::test]
async fn the_tlog_proof_of_an_event_leads_to_the_signed_root() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        world.fill(&ctx, 40).await;
        let log = world.audit.log(&ctx);
        let text = log.tlog_proof(7).await.unwrap().to_string();
        let proof: vv_audit::TlogProof = text.parse().unwrap();
        let verified = verify_note(&proof.checkpoint, &log.verifier_keys().unwrap()).unwrap();
        let leaf = leaf_hash(&leaves(&log).await[6]);
        let checkpoint = verified.checkpoint;
        vv_audit::tree::verify_inclusion(
            &leaf,
            proof.index,
            checkpoint.size,
            &proof.path,
            &checkpoint.root,
        )
        .unwrap();
    })
    .await;
}

/// Chains do not see each other, whoever asks.
#[tokio::test]
async fn a_tenant_gets_proofs_of_its_own_chain_only() {
    on_both(async |world| {
        let (one, other) = (world.ctx(world.tenant()), world.ctx(world.tenant()));
        world.fill(&one, 4).await;
        world.fill(&other, 2).await;
        assert_eq!(world.audit.log(&one).head().await.unwrap().size, 4);
        assert_eq!(world.audit.log(&other).head().await.unwrap().size, 2);
        assert!(world.audit.inclusion_proof(&other, 3, None).await.is_err());
        assert_eq!(world.audit.log(&world.system()).chain(), SYSTEM_CHAIN);
    })
    .await;
}

static CHANGE_TILE: Sql = Sql::same(
    "test.change_tile",
    "update audit_tiles set hashes = $2 where tenant_id = $1 and level = 1 and idx = 0",
);

/// Wrong stored nodes never become a proof.
#[tokio::test]
async fn a_damaged_tile_is_found_before_a_proof_leaves_the_house() {
    on_both(async |world| {
        let tenant = world.tenant();
        let ctx = world.ctx(tenant);
        world.fill(&ctx, 600).await;
        let log = world.audit.log(&ctx);
        log.inclusion(1, Some(600)).await.unwrap();
        world
            .store
            .tx(&world.system(), "test.damage", async |tx| {
                tx.exec_one(&CHANGE_TILE, args![tenant, vec![7; 64]]).await
            })
            .await
            .unwrap();
        assert!(matches!(
            log.inclusion(1, Some(600)).await,
            Err(AuditError::TreeDamaged)
        ));
        assert!(matches!(
            log.root_at(599).await,
            Err(AuditError::TreeDamaged)
        ));
        assert!(matches!(
            log.consistency(300, 600).await,
            Err(AuditError::TreeDamaged)
        ));
    })
    .await;
}

impl World {
    /// Commits events and does not wait for their places.
    async fn record_only(&self, ctx: &vv_base::Ctx, events: usize) {
        self.store
            .tx(ctx, "test.record", async |tx| {
                for _ in 0..events {
                    let event = vv_audit::Event::new(vv_audit::Kind::DataViewed);
                    self.audit.record(ctx, tx, event).await?;
                }
                Ok::<_, AuditError>(())
            })
            .await
            .unwrap();
    }
}
