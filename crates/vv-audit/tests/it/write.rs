//! How events find their places: alone, together, from many nodes, and when
//! the database is slow or away.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;
use vv_audit::{
    AppKind, Audit, AuditError, AuditSettings, Emitted, Event, Kind, Leaf, SYSTEM_CHAIN,
};
use vv_base::{Ctx, EventId, TenantId, UserId};
use vv_store::{Engine, Sql, Store, StoreError, args};

use crate::harness::{World, on_both, on_both_with};

vv_store::row! {
    struct Stored {
        height: i64,
        event_id: EventId,
        leaf: Vec<u8>,
    }
}

static LEAVES: Sql = Sql::same(
    "test.leaves",
    "select height, event_id, leaf from audit_events where tenant_id = $1 order by height",
);
static WAITING: Sql = Sql::same("test.waiting", "select count(*) from audit_intake");
static HOLD: Sql = Sql::split(
    "test.hold",
    "select gseq from audit_sequencer where id = 1 for update",
    "select gseq from audit_sequencer where id = 1",
);

async fn leaves(world: &World, chain: TenantId) -> Vec<Stored> {
    world
        .store
        .read(&world.system(), "test.leaves", async |tx| {
            tx.all(&LEAVES, args![chain]).await
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap()
}

async fn waiting(world: &World) -> i64 {
    let (count,): (i64,) = world
        .store
        .read(&world.system(), "test.waiting", async |tx| {
            tx.one(&WAITING, args![]).await
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    count
}

/// Heights from 1 without gaps, every event once, each leaf linked to the one before.
async fn expect_whole(world: &World, chain: TenantId, events: usize) {
    let rows = leaves(world, chain).await;
    let ids: HashSet<EventId> = rows.iter().map(|row| row.event_id).collect();
    assert_eq!((rows.len(), ids.len()), (events, events));
    let mut prev = [0; 32];
    for (row, height) in rows.iter().zip(1_u64..) {
        let leaf = Leaf::decode(&row.leaf).unwrap();
        assert_eq!(u64::try_from(row.height), Ok(height));
        assert_eq!((leaf.header.height, leaf.header.prev), (height, prev));
        prev = vv_audit::leaf_hash(&row.leaf);
    }
}

fn note() -> Event {
    Event::new(Kind::UserViewed)
}

#[tokio::test]
async fn an_event_alone_is_answered_with_its_place() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        for height in 1..=3 {
            let recorded = world.audit.append(&ctx, note()).await.unwrap();
            assert_eq!(recorded.height, height);
            let rows = leaves(&world, ctx.tenant().unwrap()).await;
            let last = rows.last().unwrap();
            assert_eq!(last.event_id, recorded.event_id);
            assert_eq!(vv_audit::leaf_hash(&last.leaf), recorded.leaf_hash);
        }
        expect_whole(&world, ctx.tenant().unwrap(), 3).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_nodes_and_callers_leave_no_gap_and_no_double() {
    on_both(async |world| {
        let nodes = [
            world.audit.clone(),
            world.node("node-2", AuditSettings::default()).await,
            world.node("node-3", AuditSettings::default()).await,
        ];
        let chains = [world.tenant(), world.tenant(), SYSTEM_CHAIN];
        let mut tasks = JoinSet::new();
        for task in 0..45_usize {
            let audit = nodes[task % nodes.len()].clone();
            let (store, system) = (world.store.clone(), world.system());
            let chain = chains[task / 3 % chains.len()];
            let ctx = if chain == SYSTEM_CHAIN {
                system
            } else {
                system.for_tenant(chain)
            };
            tasks.spawn(async move { six_events(&audit, &store, &ctx, task).await });
        }
        tasks.join_all().await;
        for node in &nodes {
            node.catch_up().await.unwrap();
        }
        assert_eq!(waiting(&world).await, 0);
        for chain in chains {
            expect_whole(&world, chain, 45 / 3 * 6).await;
        }
    })
    .await;
}

/// Half through a transaction of their own, half directly.
async fn six_events(audit: &Audit, store: &Store, ctx: &Ctx, task: usize) {
    for round in 0..6 {
        if (round + task).is_multiple_of(2) {
            audit.append(ctx, note()).await.unwrap();
        } else {
            store
                .tx(ctx, "test.record", async |tx| {
                    audit.record(ctx, tx, note()).await
                })
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_caused_comes_after_its_cause() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let other = world.node("node-2", AuditSettings::default()).await;
        let mut expected = Vec::new();
        for round in 0..20 {
            let audit = if round % 2 == 0 { &world.audit } else { &other };
            let id = world
                .store
                .tx(&ctx, "test.record", async |tx| {
                    audit.record(&ctx, tx, note()).await
                })
                .await
                .unwrap();
            expected.push(id);
        }
        world.audit.catch_up().await.unwrap();
        let found: Vec<_> = leaves(&world, ctx.tenant().unwrap()).await;
        let found: Vec<_> = found.iter().map(|row| row.event_id).collect();
        assert_eq!(found, expected);
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_is_undone_leaves_no_event() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let undone: Result<(), AuditError> = world
            .store
            .tx(&ctx, "test.undone", async |tx| {
                world.audit.record(&ctx, tx, note()).await?;
                Err(StoreError::NotFound.into())
            })
            .await;
        undone.unwrap_err();
        world.audit.catch_up().await.unwrap();
        expect_whole(&world, ctx.tenant().unwrap(), 0).await;
        assert_eq!(world.audit.capture_counts().emitted, 0);
    })
    .await;
}

#[tokio::test]
async fn a_row_slipped_into_the_intake_never_reaches_a_chain() {
    static SLIP: Sql = Sql::same(
        "test.slip",
        "insert into audit_intake (tenant_id, event_id, node, boot, body, blind, mac) \
         values ($1, $2, 'x', $2, $3, $4, $5)",
    );
    static EDIT: Sql = Sql::same(
        "test.edit",
        "update audit_intake set refused_at = null where refused_at is not null",
    );
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let chain = ctx.tenant().unwrap();
        let id: EventId = ctx.new_id();
        world
            .store
            .tx(&ctx, "test.slip", async |tx| {
                let row = args![chain, id, "{}", Vec::<u8>::new(), [7_u8; 32]];
                tx.exec_one(&SLIP, row).await
            })
            .await
            .map_err(|error: StoreError| error)
            .unwrap();
        world.audit.append(&ctx, note()).await.unwrap();
        expect_whole(&world, chain, 1).await;
        // The row is kept for whoever looks into it, and the trail says so.
        assert_eq!(waiting(&world).await, 1);
        let told = leaves(&world, SYSTEM_CHAIN).await;
        assert!(String::from_utf8_lossy(&told[0].leaf).contains("intake_forged"));
        let again = world
            .store
            .tx(&world.system(), "test.edit", async |tx| {
                tx.exec(&EDIT, args![]).await
            })
            .await
            .map_err(|error: StoreError| error);
        assert_eq!(again, Ok(1));
        world.audit.catch_up().await.unwrap();
        expect_whole(&world, chain, 1).await;
    })
    .await;
}

/// Keeps everybody from appending until told otherwise: a database that hangs.
async fn hang(world: &World) -> (Arc<Notify>, tokio::task::JoinHandle<()>) {
    let (held, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (store, ctx) = (world.store.clone(), world.system());
    let (on, off) = (Arc::clone(&held), Arc::clone(&release));
    let task = TaskTracker::new().spawn(async move {
        store
            .tx(&ctx, "test.hold", async |tx| {
                let _: (i64,) = tx.one(&HOLD, args![]).await?;
                on.notify_one();
                off.notified().await;
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
    });
    held.notified().await;
    (release, task)
}

fn spooling(folder: &tempfile::TempDir) -> AuditSettings {
    AuditSettings {
        spool: Some(folder.path().join("spool")),
        patience: Duration::from_secs(2),
        ..AuditSettings::default()
    }
}

/// Events at the same time, all of which must be spooled.
async fn emit_many(audit: &Audit, ctx: &Ctx, events: usize) -> HashSet<EventId> {
    let mut tasks = JoinSet::new();
    for _ in 0..events {
        let (audit, ctx) = (audit.clone(), ctx.clone());
        tasks.spawn(async move { audit.emit(&ctx, app("during")).await });
    }
    let mut spooled = HashSet::new();
    for emitted in tasks.join_all().await {
        let emitted = emitted.unwrap();
        assert!(matches!(emitted, Emitted::Spooled(_)), "{emitted:?}");
        spooled.insert(emitted.event_id());
    }
    assert_eq!(spooled.len(), events);
    spooled
}

fn app(name: &str) -> Event {
    Event::new(AppKind::new(name).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_hangs_events_are_kept_and_arrive_once() {
    on_both(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let audit = world.node("node-1", spooling(&folder)).await;
        let ctx = world.ctx(world.tenant());
        let chain = ctx.tenant().unwrap();
        let first = audit.emit(&ctx, app("before")).await.unwrap();
        assert!(matches!(first, Emitted::Recorded(_)));
        let (release, task) = hang(&world).await;
        let spooled = emit_many(&audit, &ctx, 20).await;
        release.notify_one();
        task.await.unwrap();
        // Batches that hung go through after all; the spool must not repeat them.
        audit.catch_up().await.unwrap();
        audit.drain_spool().await.unwrap();
        audit.drain_spool().await.unwrap();
        audit.emit(&ctx, app("after")).await.unwrap();
        expect_whole(&world, chain, 22).await;
        let rows = leaves(&world, chain).await;
        let found: HashSet<_> = rows[1..21].iter().map(|row| row.event_id).collect();
        assert_eq!(found, spooled);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_dies_with_a_full_spool_drains_it_after_its_restart() {
    on_both(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let ctx = world.ctx(world.tenant());
        let chain = ctx.tenant().unwrap();
        {
            let audit = world.node("before", spooling(&folder)).await;
            let (release, task) = hang(&world).await;
            emit_many(&audit, &ctx, 5).await;
            release.notify_one();
            task.await.unwrap();
            audit.close().await;
        }
        let audit = world.node("after", spooling(&folder)).await;
        audit.drain_spool().await.unwrap();
        expect_whole(&world, chain, 5).await;
        // The cursor belongs to the folder: another start does not read it again.
        assert_eq!(audit.drain_spool().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_spool_a_hanging_database_is_an_error() {
    let impatient = AuditSettings {
        patience: Duration::from_millis(50),
        ..AuditSettings::default()
    };
    on_both_with(impatient, async |world| {
        let ctx = world.ctx(world.tenant());
        let (release, task) = hang(&world).await;
        let refused = world.audit.emit(&ctx, app("during")).await;
        assert!(matches!(refused, Err(AuditError::Spool(_))), "{refused:?}");
        release.notify_one();
        task.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn personal_fields_that_had_to_wait_are_sealed_when_they_arrive() {
    on_both(async |world| {
        if world.engine == Engine::Pg {
            return; // closing one of its stores closes the pool of both
        }
        let folder = tempfile::tempdir().unwrap();
        let ctx = world.ctx(world.tenant());
        let user: UserId = ctx.new_id();
        let audit = world.node("node-1", spooling(&folder)).await;
        let (store, keys) = (world.store.clone(), world.keys.clone());
        keys.close().await;
        store.close().await;
        let sealer = audit.sealer_for_emit(&ctx, user).await.unwrap();
        let event = app("during").personal(&sealer, "email", "ann@example.com".to_owned());
        let emitted = audit.emit(&ctx, event).await.unwrap();
        assert!(matches!(emitted, Emitted::Spooled(_)));
        let raw = spooled_bytes(&folder);
        assert!(!raw.is_empty());
        assert!(!contains(&raw, b"ann@example.com"), "in clear on the disk");
    })
    .await;
}

fn spooled_bytes(folder: &tempfile::TempDir) -> Vec<u8> {
    std::fs::read_dir(folder.path().join("spool"))
        .unwrap()
        .flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect()
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test]
async fn a_keeper_tells_what_was_taken_in_and_moves_what_is_left_over() {
    on_both(async |world| {
        let mut keeper = world.audit.keeper();
        let ctx = world.ctx(world.tenant());
        keeper.step().await;
        assert_eq!(leaves(&world, SYSTEM_CHAIN).await.len(), 1);
        // Nothing happened: silence for an hour, then a sign of life.
        world.clock.advance(vv_base::Span::minutes(59));
        keeper.step().await;
        assert_eq!(leaves(&world, SYSTEM_CHAIN).await.len(), 1);
        world.clock.advance(vv_base::Span::minutes(1));
        keeper.step().await;
        assert_eq!(leaves(&world, SYSTEM_CHAIN).await.len(), 2);
        world.audit.append(&ctx, note()).await.unwrap();
        world.clock.advance(vv_base::Span::minutes(1));
        keeper.step().await;
        let beats = leaves(&world, SYSTEM_CHAIN).await;
        let last = Leaf::decode(&beats[2].leaf).unwrap().body.to_owned();
        assert!(last.contains("\"emitted\":3"), "{last}");
        assert!(last.contains("\"dropped\":0"), "{last}");
    })
    .await;
}
