//! Trees that are too large to be written event by event.

use std::sync::Arc;

use vv_base::{Ctx, Rng, SystemRng, TenantId, Timestamp};
use vv_crypto::{Keyring, RootKey};
use vv_store::{Args, Engine, Sql, Store, args};
use vv_testkit::clock::MockClock;
use vv_testkit::stores::both;

use super::to_i64;
use crate::audit::{Audit, AuditParts, AuditSettings};
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::Event;
use crate::leaf::leaf_hash;
use crate::tree::Hash;
use crate::write::sql::{DROP_TILES, ENSURE_MONTH, FIND_HEAD, GROW_TILE, REPLACE_HEAD};
use crate::write::{EVENTS, Head, HeadRow, TileGrowth, month_of};

const CHUNK: u64 = 8_192;

fn leaf(index: u64) -> Vec<u8> {
    format!("leaf {index}").into_bytes()
}

async fn open(store: &Store, keys: &Store) -> (Audit, Ctx) {
    let rng: Arc<dyn Rng> = Arc::new(SystemRng);
    let keyring = Keyring::new(&RootKey::generate(rng.as_ref()), "test");
    let ctx = Ctx::system(Arc::new(MockClock::default()), rng);
    let parts = AuditParts {
        store: store.clone(),
        keys: keys.clone(),
        keyring: Arc::new(keyring),
        node: "node-1".to_owned(),
    };
    let audit = Audit::open(&ctx, parts, AuditSettings::default()).await;
    (audit.unwrap(), ctx)
}

/// A chain of this many leaves, written past the events; gives the roots of
/// the sizes asked for.
async fn grow(audit: &Audit, ctx: &Ctx, size: u64, sizes: &[u64]) -> Vec<Hash> {
    grow_from(audit, ctx, size, sizes, 0).await
}

/// The same with global sequence numbers of its own.
async fn grow_from(audit: &Audit, ctx: &Ctx, size: u64, sizes: &[u64], base: u64) -> Vec<Hash> {
    let chain = ctx.tenant().unwrap();
    let at = ctx.now();
    let (mut head, mut roots) = (Head::empty(chain), Vec::new());
    while head.height < size {
        let mut growth = TileGrowth::default();
        let mut rows: Vec<Args> = Vec::new();
        for index in head.height..size.min(head.height + CHUNK) {
            let leaf = leaf(index);
            head.hash = leaf_hash(&leaf);
            head.height = index + 1;
            growth.push(chain, &mut head.range, head.hash).unwrap();
            rows.push(row(ctx, base, head.height, at, leaf, head.hash));
            if sizes.contains(&head.height) {
                roots.push(head.range.root());
            }
        }
        let system = ctx.clone().for_system();
        audit
            .store()
            .tx(&system, "test.grow", async |tx| {
                let _: (i64,) = tx.one(&ENSURE_MONTH, args![at]).await?;
                tx.insert_many(&EVENTS, Some(month_of(at)), rows).await?;
                growth.write(tx).await?;
                let row = head.to_row(audit);
                let (hash, ts, mac) = (row.head_hash, row.head_ts, row.head_mac);
                let args = args![chain, row.height, hash, ts, mac, row.tree, 0_i64];
                tx.exec_one(&REPLACE_HEAD, args).await?;
                Ok::<_, AuditError>(())
            })
            .await
            .unwrap();
    }
    roots
}

fn row(ctx: &Ctx, base: u64, height: u64, at: Timestamp, leaf: Vec<u8>, hash: Hash) -> Args {
    let none = None::<TenantId>;
    args![
        // Far behind what the sequencer gives out in these tests.
        to_i64(1_000_000 + base + height),
        ctx.tenant(),
        to_i64(height),
        ctx.new_id::<()>(),
        at,
        "data.viewed",
        "info",
        "success",
        "system",
        none,
        None::<&str>,
        None::<&str>,
        ctx.new_id::<()>(),
        leaf,
        hash
    ]
}

#[tokio::test]
async fn proofs_cross_the_border_of_the_second_level_of_tiles() {
    both(async |_, store, keys| {
        let (audit, ctx) = open(&store, &keys).await;
        let ctx = ctx.clone().for_tenant(ctx.new_id());
        let sizes = [65_279, 65_280, 65_281, 65_535, 65_536, 65_537];
        let roots = grow(&audit, &ctx, 65_537, &sizes).await;
        let log = audit.log(&ctx);
        for (size, root) in sizes.into_iter().zip(&roots) {
            assert_eq!(log.root_at(size).await.unwrap(), *root);
            for height in [1, 256, 257, 65_280, 65_281, 65_536, size] {
                if height > size {
                    continue;
                }
                let proof = log.inclusion(height, Some(size)).await.unwrap();
                assert_eq!(proof.leaf_hash, leaf_hash(&leaf(height - 1)));
                assert_eq!(proof.root, *root);
                proof.verify().unwrap();
            }
            for (from, from_root) in sizes.into_iter().zip(&roots) {
                if from <= size {
                    let proof = log.consistency(from, size).await.unwrap();
                    assert_eq!((proof.from_root, proof.to_root), (*from_root, *root));
                    proof.verify().unwrap();
                }
            }
        }
        // Level 2 has its first hash now: the root of the first 65,536 leaves.
        let tile = log.tile("tile/2/000.p/1".parse().unwrap()).await.unwrap();
        assert_eq!(tile.unwrap(), roots[4]);
        let full = log.tile("tile/1/000".parse().unwrap()).await.unwrap();
        let (hashes, _) = full.as_deref().unwrap().as_chunks::<32>();
        assert_eq!(hashes.len(), 256);
        assert_eq!(crate::tree::root_of(hashes), roots[4]);
    })
    .await;
}

/// The first leaf hashes of a pruned chain are in tiles of level 0 only.
#[tokio::test]
async fn what_was_pruned_is_proven_from_kept_tiles_or_said_to_be_gone() {
    both(async |_, store, keys| {
        let (audit, ctx) = open(&store, &keys).await;
        let ctx = ctx.clone().for_tenant(ctx.new_id());
        grow(&audit, &ctx, 700, &[]).await;
        let log = audit.log(&ctx);
        let head = log.head().await.unwrap();
        prune(&audit, &ctx, 600).await;
        // The tile in which the pruned part ends goes on with events.
        keep(&audit, &ctx, 2, 88).await;
        assert_eq!(log.head().await.unwrap(), head);
        for height in [513, 600, 601] {
            log.inclusion(height, None).await.unwrap();
        }
        log.consistency(512, 700).await.unwrap();
        for gone in [log.inclusion(5, None).await, log.inclusion(512, None).await] {
            assert!(matches!(gone, Err(AuditError::Pruned(600))));
        }
        for path in ["tile/entries/001", "tile/entries/002.p/188", "tile/0/000"] {
            let gone = log.tile(path.parse().unwrap()).await;
            assert!(matches!(gone, Err(AuditError::Pruned(600))), "{path}");
        }
        for index in 0..2 {
            keep(&audit, &ctx, index, 256).await;
        }
        for height in [5, 512, 513, 600, 601, 700] {
            let proof = log.inclusion(height, None).await.unwrap();
            assert_eq!(proof.leaf_hash, leaf_hash(&leaf(height - 1)));
            proof.verify().unwrap();
        }
        log.consistency(5, 700).await.unwrap();
        let tile = log.tile("tile/0/002.p/188".parse().unwrap()).await.unwrap();
        assert_eq!(tile.unwrap().len(), 188 * 32);
    })
    .await;
}

static FORGET: Sql = Sql::same(
    "test.forget",
    "delete from audit_events where tenant_id = $1 and height <= $2",
);

static PERMIT: Sql = Sql::same(
    "test.permit",
    "insert into audit_segments (tenant_id, month, from_height, to_height, state, manifest, \
     closed_at) values ($1, 202601, 1, $2, 'closed', '', 0)",
);

static MOVE_ON: Sql = Sql::same(
    "test.move_on",
    "update audit_segments set state = $2 where tenant_id = $1",
);

static PRUNE: Sql = Sql::split(
    "test.prune",
    "select audit.prune_events($1, 202601, $2)",
    "select length($1) + $2",
);

async fn prune(audit: &Audit, ctx: &Ctx, to: u64) {
    let chain = ctx.tenant().unwrap();
    let system = ctx.clone().for_system();
    let store = audit.store();
    store
        .tx(&system, "test.prune", async |tx| {
            tx.exec_one(&PERMIT, args![chain, to_i64(to)]).await?;
            for state in ["archived", "pruning"] {
                tx.exec_one(&MOVE_ON, args![chain, state]).await?;
            }
            if store.engine() == Engine::Pg {
                let _: (i64,) = tx.one(&PRUNE, args![chain, 100_000_i64]).await?;
            } else {
                tx.allow_prune().await?;
                tx.exec(&FORGET, args![chain, to_i64(to)]).await?;
            }
            let row: HeadRow = tx.one(&FIND_HEAD, args![chain]).await?;
            let mut head = audit.open_head(tx, &row).await?;
            head.pruned_to = to_i64(to);
            let row = head.to_row(audit);
            let (hash, ts, mac) = (row.head_hash, row.head_ts, row.head_mac);
            let args = args![chain, row.height, hash, ts, mac, row.tree, row.pruned_to];
            tx.exec_one(&REPLACE_HEAD, args).await?;
            Ok::<_, AuditError>(())
        })
        .await
        .unwrap();
}

/// Keeps the first hashes of a tile of level 0.
async fn keep(audit: &Audit, ctx: &Ctx, index: u64, hashes: u64) {
    let chain = ctx.tenant().unwrap();
    let kept: Vec<Hash> = (index * 256..index * 256 + hashes)
        .map(|index| leaf_hash(&leaf(index)))
        .collect();
    let args = args![chain, 0_i64, to_i64(index), kept.concat()];
    audit
        .store()
        .tx(&ctx.clone().for_system(), "test.keep", async |tx| {
            tx.exec_one(&GROW_TILE, args).await
        })
        .await
        .unwrap();
}

/// Chains of the first release have a head without a tree.
#[tokio::test]
async fn a_chain_of_the_first_release_gets_its_tree_once() {
    both(async |_, store, keys| {
        let (audit, ctx) = open(&store, &keys).await;
        let (read, anchored) = (
            ctx.clone().for_tenant(ctx.new_id()),
            ctx.clone().for_tenant(ctx.new_id()),
        );
        for (base, ctx) in [(0, &read), (1_000, &anchored)] {
            let roots = grow_from(&audit, ctx, 600, &[600], base).await;
            forget_tree(&audit, ctx).await;
            if base == 0 {
                audit.log(ctx).inclusion(5, None).await.unwrap();
            } else {
                let done = audit.anchor_round().await.unwrap().unwrap();
                assert_eq!(done.chains, 2);
            }
            let log = audit.log(ctx);
            assert_eq!(log.head().await.unwrap().root, roots[0]);
            let event = Event::new(Kind::DataViewed);
            assert_eq!(audit.append(ctx, event).await.unwrap().height, 601);
            for height in [1, 300, 600, 601] {
                log.inclusion(height, None).await.unwrap();
            }
            log.consistency(600, 601).await.unwrap();
        }
    })
    .await;
}

/// Puts the head back into the form of the first release.
async fn forget_tree(audit: &Audit, ctx: &Ctx) {
    let chain = ctx.tenant().unwrap();
    let system = ctx.clone().for_system();
    audit
        .store()
        .tx(&system, "test.forget_tree", async |tx| {
            let row: HeadRow = tx.one(&FIND_HEAD, args![chain]).await?;
            let fields: [&[u8]; 4] = [
                chain.as_bytes(),
                &row.height.to_be_bytes(),
                &row.head_hash,
                &row.head_ts.unix_micros().to_be_bytes(),
            ];
            let mac = audit.keyring().audit_seal().mac("audit.head", &fields);
            let (hash, ts) = (row.head_hash, row.head_ts);
            let args = args![chain, row.height, hash, ts, mac, Vec::<u8>::new(), 0_i64];
            tx.exec_one(&REPLACE_HEAD, args).await?;
            tx.exec(&DROP_TILES, args![chain]).await?;
            Ok::<_, AuditError>(())
        })
        .await
        .unwrap();
}
