//! Many rows at a time.

use tokio::sync::oneshot;
use tokio::task::JoinSet;
use vv_base::{Ctx, TenantId, Timestamp};
use vv_store::statements::prepare_bulks;
use vv_store::testing::ScratchDatabase;
use vv_store::{Args, Bulk, Engine, MAX_BULK_ROWS, Sql, Store, StoreError, args};
use vv_testkit::stores::{both, open_both, pg_server, system_ctx};

const COLUMNS: &[&str] = &["note", "tenant_id", "flag", "number", "raw"];
static MONTHLY: Bulk = Bulk::new("lines.monthly", "auth", "lines", COLUMNS).by_month();
static CHECKED: Bulk = Bulk::new("lines.checked", "auth", "lines", COLUMNS).under_row_security();
static PLAIN: Bulk = Bulk::new("lines.plain", "auth", "lines", COLUMNS);
const MONTH: Option<u32> = Some(202_611);

vv_store::row! {
    #[derive(Debug, PartialEq, Eq)]
    struct Line {
        note: String,
        tenant_id: TenantId,
        flag: Option<bool>,
        number: Option<Timestamp>,
        raw: Option<Vec<u8>>,
    }
}

/// A table with row security, and a partition without.
async fn create(store: &Store, ctx: &Ctx) {
    store
        .run_script(
            ctx,
            "create table auth.lines (note text not null, tenant_id uuid not null,
               flag boolean, number bigint, raw bytea, at bigint not null default 5,
               primary key (note, at)) partition by range (at);
             create table auth.lines_202611 partition of auth.lines for values from (0) to (10);
             grant select, insert on auth.lines to valueverse_app;
             grant insert on auth.lines_202611 to valueverse_app;
             select auth.protect_tenant_table('auth.lines')",
            "create table lines (note text not null primary key, tenant_id blob not null,
               flag integer, number integer, raw blob) strict",
        )
        .await
        .expect("the table");
}

fn row(n: usize, tenant: TenantId) -> Args {
    let raw = vec![u8::try_from(n % 256).expect("a byte"); n % 700];
    let number = Timestamp::from_unix_micros(i64::try_from(n).expect("small") - 40);
    let flag = n.is_multiple_of(2);
    args![format!("note {n:06} é"), tenant, flag, number, raw]
}

async fn lines(store: &Store, ctx: &Ctx) -> Vec<Line> {
    static ALL: Sql = Sql::same(
        "lines.all",
        "select note, tenant_id, flag, number, raw from lines order by note",
    );
    store
        .read(ctx, "lines.all", async |tx| tx.all(&ALL, args![]).await)
        .await
        .expect("the lines")
}

fn partition(bulk: &'static Bulk) -> Option<u32> {
    std::ptr::eq(bulk, &raw const MONTHLY).then_some(202_611)
}

async fn insert(
    store: &Store,
    ctx: &Ctx,
    bulk: &'static Bulk,
    rows: Vec<Args>,
) -> Result<u64, StoreError> {
    store
        .tx(ctx, "lines.insert", async |tx| {
            tx.insert_many(bulk, partition(bulk), rows).await
        })
        .await
}

#[tokio::test]
async fn every_row_and_value_arrives_by_either_way() {
    for bulk in [&MONTHLY, &CHECKED] {
        both(async |_, store, _| {
            let ctx = system_ctx();
            create(&store, &ctx).await;
            let tenant: TenantId = ctx.new_id();
            // Every size of statement, and more than one message.
            for count in [0, 1, 7, 41, 1000] {
                let before = lines(&store, &ctx).await.len();
                let rows = (before..before + count).map(|n| row(n, tenant)).collect();
                let inserted = insert(&store, &ctx, bulk, rows).await;
                assert_eq!(inserted, Ok(u64::try_from(count).expect("small")));
            }
            let (flag, number, raw) = (None::<bool>, None::<i64>, None::<Vec<u8>>);
            let nulls = vec![args!["null", tenant, flag, number, raw]];
            assert_eq!(insert(&store, &ctx, bulk, nulls).await, Ok(1));
            let mut found = lines(&store, &ctx).await;
            let null = found.pop().expect("the last line");
            assert_eq!((null.flag, null.number, null.raw), (None, None, None));
            assert_eq!(found.len(), 1049);
            for (n, line) in found.iter().enumerate() {
                assert_eq!(line.note, format!("note {n:06} é"));
                assert_eq!(line.tenant_id, tenant);
                assert_eq!(line.flag, Some(n.is_multiple_of(2)));
                let number = i64::try_from(n).expect("small") - 40;
                assert_eq!(line.number, Some(Timestamp::from_unix_micros(number)));
                let raw = line.raw.as_deref().expect("bytes");
                assert_eq!(raw.len(), n % 700);
                assert!(raw.iter().all(|byte| usize::from(*byte) == n % 256));
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_taken_key_refuses_all_rows_and_ends_the_transaction() {
    for bulk in [&MONTHLY, &CHECKED] {
        both(async |engine, store, _| {
            let ctx = system_ctx();
            create(&store, &ctx).await;
            let tenant: TenantId = ctx.new_id();
            let rows = vec![row(500, tenant)];
            insert(&store, &ctx, bulk, rows).await.expect("one row");
            let result: Result<(), StoreError> = store
                .tx(&ctx, "lines.twice", async |tx| {
                    let rows = (0..2000).map(|n| row(n, tenant)).collect();
                    let twice = tx.insert_many(bulk, partition(bulk), rows).await;
                    assert!(matches!(twice, Err(StoreError::Conflict(_))), "{engine:?}");
                    let rows = vec![row(9000, tenant)];
                    let after = tx.insert_many(bulk, partition(bulk), rows).await;
                    assert_eq!(after, Err(StoreError::Aborted));
                    Ok(())
                })
                .await;
            assert_eq!(result, Err(StoreError::Aborted));
            assert_eq!(lines(&store, &ctx).await.len(), 1);
            // The connections are fit for use.
            for n in 0..20 {
                let rows = vec![row(n, tenant)];
                assert_eq!(insert(&store, &ctx, bulk, rows).await, Ok(1));
            }
        })
        .await;
    }
}

#[tokio::test]
async fn rows_that_do_not_fit_are_refused_before_anything_is_sent() {
    both(async |engine, store, _| {
        let ctx = system_ctx();
        create(&store, &ctx).await;
        let tenant: TenantId = ctx.new_id();
        store
            .tx(&ctx, "lines.wrong", async |tx| {
                let short = vec![row(0, tenant), args!["short", tenant]];
                let many = vec![Args::new(); MAX_BULK_ROWS + 1];
                for rows in [short, many] {
                    let refused = tx.insert_many(&MONTHLY, MONTH, rows).await;
                    assert!(matches!(refused, Err(StoreError::Unexpected(_))));
                }
                let mut large = row(1, tenant);
                large[4] = vec![0; 64 * 1024 * 1024 + 1].into();
                let refused = tx.insert_many(&MONTHLY, MONTH, vec![large]).await;
                assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
                if engine == Engine::Pg {
                    let lost = tx.insert_many(&MONTHLY, None, vec![row(2, tenant)]).await;
                    assert!(matches!(lost, Err(StoreError::Unexpected(_))));
                }
                // None of that reached the database, so the transaction goes on.
                tx.insert_many(&MONTHLY, MONTH, vec![row(3, tenant)]).await
            })
            .await
            .expect("the row that fits");
        assert_eq!(lines(&store, &ctx).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn row_security_holds_where_it_is_asked_for() {
    both(async |engine, store, _| {
        if engine == Engine::Lite {
            return; // has predicates only
        }
        let ctx = system_ctx();
        create(&store, &ctx).await;
        let (ours, theirs): (TenantId, TenantId) = (ctx.new_id(), ctx.new_id());
        let scoped = ctx.clone().for_tenant(ours);
        let foreign = vec![row(1, ours), row(2, theirs)];
        let refused = insert(&store, &scoped, &CHECKED, foreign).await;
        assert!(matches!(refused, Err(StoreError::Unexpected(_))));
        // COPY into the table itself would pass the policy by; the server refuses.
        let refused = insert(&store, &scoped, &PLAIN, vec![row(1, ours)]).await;
        assert!(matches!(refused, Err(StoreError::Unexpected(_))));
        assert!(lines(&store, &ctx).await.is_empty());
        let own = insert(&store, &scoped, &CHECKED, vec![row(1, ours)]).await;
        assert_eq!(own, Ok(1));
    })
    .await;
}

#[tokio::test]
async fn a_caller_dropped_while_copying_leaves_nothing_and_no_confused_connection() {
    let Some(server) = pg_server() else { return };
    let ctx = system_ctx();
    let database = ScratchDatabase::migrated(&server, &ctx).await.expect("one");
    // One connection, so that whoever comes next gets the one that was left.
    let target = database.target(1).expect("its target");
    let (store, keys) = open_both(&target).await;
    create(&store, &ctx).await;
    let tenant: TenantId = ctx.new_id();
    for round in 0..30_u64 {
        let (sending, is_sending) = oneshot::channel();
        let mut tasks = JoinSet::new();
        let (dropped, dropped_ctx) = (store.clone(), ctx.clone());
        let rows: Vec<Args> = (0..4000).map(|n| row(n, tenant)).collect();
        tasks.spawn(async move {
            dropped
                .tx(&dropped_ctx, "lines.dropped", async |tx| {
                    sending.send(()).expect("the test waits");
                    tx.insert_many(&MONTHLY, MONTH, rows).await?;
                    std::future::pending::<()>().await;
                    Ok::<_, StoreError>(())
                })
                .await
        });
        is_sending.await.expect("at work");
        tokio::time::sleep(std::time::Duration::from_micros(round * 700)).await;
        tasks.shutdown().await;
        assert!(lines(&store, &ctx).await.is_empty(), "round {round}");
    }
    let rows = vec![row(1, tenant)];
    assert_eq!(insert(&store, &ctx, &MONTHLY, rows).await, Ok(1));
    store.close().await;
    keys.close().await;
    database.destroy().await.expect("drop");
}

#[tokio::test]
async fn a_bulk_that_does_not_fit_its_table_is_found() {
    static TYPO: Bulk = Bulk::new("lines.typo", "auth", "lines", &["note", "tenant"]);
    static NARROW: Bulk = Bulk::new("narrow.all", "auth", "narrow", &["n"]);
    both(async |engine, store, _| {
        let ctx = system_ctx();
        create(&store, &ctx).await;
        let narrow =
            "create table auth.narrow (n integer); grant select on auth.narrow to valueverse_app";
        store
            .run_script(&ctx, narrow, "create table narrow (n integer) strict")
            .await
            .expect("a table");
        prepare_bulks(&store, &[&MONTHLY, &CHECKED])
            .await
            .expect("both fit");
        let error = prepare_bulks(&store, &[&TYPO]).await.expect_err("a typo");
        assert!(
            error
                .detail()
                .is_some_and(|text| text.contains("lines.typo"))
        );
        let narrow = prepare_bulks(&store, &[&NARROW]).await;
        assert_eq!(narrow.is_err(), engine == Engine::Pg, "{narrow:?}");
    })
    .await;
}
