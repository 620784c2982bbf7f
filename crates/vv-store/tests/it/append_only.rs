//! What the `SQLite` writer refuses, whoever asks.

use tokio::sync::{Barrier, oneshot};
use tokio::task::JoinSet;
use vv_base::Ctx;
use vv_store::{Args, Engine, Family, Sql, Store, StoreError, Target, args};
use vv_testkit::stores::{both, system_ctx};

const TABLES: &str = "
    create table audit_events (id integer not null primary key, note text not null) strict;
    create table audit_anchors (id integer not null primary key) strict;
    create table permits (id integer not null primary key) strict;
    create table other (id integer not null primary key, note text) strict;
    create index other_note on other (note);
    create view audit_view as select id from audit_events;
    create trigger audit_events_no_delete before delete on audit_events
      when not exists (select 1 from permits p where p.id = old.id)
    begin select raise(abort, 'append-only'); end;
    create table parent (id integer not null primary key) strict;
    create table child (parent integer not null
      references parent (id) deferrable initially deferred) strict;
    create virtual table words using fts5(
      text, content = '', contentless_delete = 1, detail = none);
    insert into audit_events (id, note) values (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four');
    insert into audit_anchors (id) values (1);
    insert into permits (id) values (1), (2), (3);
    insert into other (id, note) values (1, 'x');";

async fn fresh(folder: &tempfile::TempDir) -> (Store, Ctx) {
    let path = folder.path().join("main.db");
    let store = Store::open(&Target::Lite { path }, Family::Main)
        .await
        .expect("open");
    let ctx = system_ctx();
    store.run_script(&ctx, "", TABLES).await.expect("tables");
    (store, ctx)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

async fn run(store: &Store, ctx: &Ctx, text: &str, values: Args) -> Result<u64, StoreError> {
    let text: &'static str = text.to_owned().leak();
    let sql: &'static Sql = Box::leak(Box::new(Sql::same("test.any", text)));
    store
        .tx(ctx, "test.any", async |tx| tx.exec(sql, values).await)
        .await
}

/// Refused by the authorizer, and not for another reason.
fn assert_refused<T: std::fmt::Debug>(result: Result<T, StoreError>, what: &str) {
    let error = result.expect_err(what);
    let detail = error.detail().unwrap_or_default();
    let refused = detail.contains("not authorized") || detail.contains("prohibited");
    assert!(refused, "{what}: {error:?}");
}

static DELETE: Sql = Sql::same("test.delete", "delete from audit_events where id = $1");
static UPDATE: Sql = Sql::same("test.update", "update audit_events set note = 'x'");

async fn delete(store: &Store, ctx: &Ctx, id: i64) -> Result<u64, StoreError> {
    store
        .tx(ctx, "test.delete", async |tx| {
            tx.exec(&DELETE, args![id]).await
        })
        .await
}

async fn prune(store: &Store, ctx: &Ctx, id: i64) -> Result<u64, StoreError> {
    store
        .tx(ctx, "test.prune", async |tx| {
            tx.allow_prune().await?;
            tx.exec(&DELETE, args![id]).await
        })
        .await
}

async fn events(store: &Store, ctx: &Ctx) -> Vec<i64> {
    static IDS: Sql = Sql::same("test.ids", "select id from audit_events order by id");
    let rows: Vec<(i64,)> = store
        .read(ctx, "test.ids", async |tx| tx.all(&IDS, args![]).await)
        .await
        .expect("the ids");
    rows.into_iter().map(|(id,)| id).collect()
}

#[tokio::test]
async fn what_the_product_never_does_is_refused() {
    let folder = folder();
    let (store, ctx) = fresh(&folder).await;
    for text in [
        "delete from audit_events",
        "delete from audit_events where id = 1",
        "DELETE FROM main.\"AUDIT_EVENTS\"",
        "with x as (select 1) delete from audit_events",
        "update audit_events set note = 'x'",
        "update or replace audit_events set id = 2 where id = 1",
        "insert into audit_events values (1, 'x') on conflict do update set note = 'x'",
        "delete from audit_anchors",
        "update audit_anchors set id = 7",
        "drop table audit_events",
        "drop table other",
        "drop trigger audit_events_no_delete",
        "drop index other_note",
        "drop view audit_view",
        "drop table words",
        "alter table audit_events rename to gone",
        "alter table audit_events add column more text",
        "alter table audit_events drop column note",
        "alter table other rename column note to remark",
        "create table more (id integer) strict",
        "create table audit_copy as select * from audit_events",
        "create index more on audit_events (note)",
        "create view more as select 1",
        "create virtual table more using fts5(text)",
        "create trigger more before insert on audit_events begin select raise(ignore); end",
        "create temp trigger more before insert on audit_events begin select raise(ignore); end",
        "create temp table audit_events (id integer)",
        "create temp view audit_events as select 1",
        "attach database ':memory:' as other_file",
        "detach database main",
        "pragma writable_schema = on",
        "pragma recursive_triggers = off",
        "pragma ignore_check_constraints = on",
        "pragma foreign_keys = off",
        "pragma journal_mode = off",
        "pragma synchronous(off)",
        "pragma secure_delete = off",
        "pragma trusted_schema = on",
    ] {
        assert_refused(run(&store, &ctx, text, args![]).await, text);
    }
    // Only the trigger sees this one, because recursive triggers are on.
    let text = "insert or replace into audit_events values (4, 'x')";
    let replaced = run(&store, &ctx, text, args![]).await;
    assert!(
        matches!(replaced, Err(StoreError::Constraint(_))),
        "{replaced:?}"
    );
    assert_eq!(events(&store, &ctx).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn daily_work_passes() {
    let folder = folder();
    let (store, ctx) = fresh(&folder).await;
    for text in [
        "insert into audit_events values (5, 'five')",
        "insert into audit_events values (5, 'five') on conflict do nothing",
        "insert into audit_anchors values (2)",
        "update other set note = 'y'",
        "insert into other values (1, 'z') on conflict (id) do update set note = excluded.note",
        "insert into words (rowid, text) values (5, 'some words')",
        "delete from words where rowid = 5",
        "insert into words (words) values ('optimize')",
        "delete from other",
        "reindex other_note",
        "analyze",
        "pragma optimize = 0x02",
        "pragma table_info('other')",
        "pragma foreign_keys",
    ] {
        let done = run(&store, &ctx, text, args![]).await;
        assert!(done.is_ok(), "{text}: {done:?}");
    }
}

#[tokio::test]
async fn a_migrated_store_migrates_again_and_stays_closed() {
    both(async |engine, store, keys| {
        if engine == Engine::Lite {
            let ctx = system_ctx();
            for table in ["audit_events", "audit_anchors"] {
                for text in [
                    format!("delete from {table}"),
                    format!("drop table {table}"),
                    format!("update {table} set leaf = x''"),
                ] {
                    assert_refused(run(&store, &ctx, &text, args![]).await, &text);
                }
            }
            assert_eq!(store.migrate(&ctx).await, Ok(Vec::new()));
            assert_eq!(keys.migrate(&ctx).await, Ok(Vec::new()));
            let late = run(&store, &ctx, "create table t (a integer)", args![]).await;
            assert_refused(late, "create table");
        }
    })
    .await;
}

#[tokio::test]
async fn pruning_is_let_through_for_one_transaction_and_its_trigger_still_asks() {
    let folder = folder();
    let (store, ctx) = fresh(&folder).await;
    assert_refused(delete(&store, &ctx, 1).await, "before");
    assert_eq!(prune(&store, &ctx, 1).await, Ok(1));
    // The connection still has the statement prepared.
    assert_refused(delete(&store, &ctx, 2).await, "after a commit");
    let no_permit = prune(&store, &ctx, 4).await;
    assert!(
        matches!(no_permit, Err(StoreError::Constraint(_))),
        "{no_permit:?}"
    );
    assert_refused(delete(&store, &ctx, 2).await, "after a failure");
    let taken_back: Result<(), _> = store
        .tx(&ctx, "test.back", async |tx| {
            tx.allow_prune().await?;
            tx.exec_one(&DELETE, args![2_i64]).await?;
            Err(StoreError::NotFound)
        })
        .await;
    assert_eq!(taken_back, Err(StoreError::NotFound));
    assert_refused(delete(&store, &ctx, 2).await, "after a rollback");
    let more = store
        .tx(&ctx, "test.more", async |tx| {
            tx.allow_prune().await?;
            tx.exec(&UPDATE, args![]).await
        })
        .await;
    assert_refused(more, "an update while pruning");
    // Migrations pass the authorizer, and the triggers do not let go of them.
    let script = "delete from audit_events where id = 4";
    let migrated = store.run_script(&ctx, "", script).await;
    assert!(matches!(migrated, Err(StoreError::Constraint(_))));
    assert_refused(delete(&store, &ctx, 2).await, "after a failed script");
    assert_eq!(events(&store, &ctx).await, [2, 3, 4]);
}

#[tokio::test]
async fn a_pruner_dropped_at_work_leaves_the_door_shut() {
    let folder = folder();
    let (store, ctx) = fresh(&folder).await;
    let (pruned, has_pruned) = oneshot::channel();
    let mut tasks = JoinSet::new();
    let (dropped, dropped_ctx) = (store.clone(), ctx.clone());
    tasks.spawn(async move {
        dropped
            .tx(&dropped_ctx, "test.hang", async |tx| {
                tx.allow_prune().await?;
                tx.exec_one(&DELETE, args![1_i64]).await?;
                pruned.send(()).expect("the test waits");
                std::future::pending::<()>().await;
                Ok::<_, StoreError>(())
            })
            .await
    });
    has_pruned.await.expect("at work");
    let mut queued = JoinSet::new();
    let (second, second_ctx) = (store.clone(), ctx.clone());
    queued.spawn(async move { delete(&second, &second_ctx, 2).await });
    tokio::task::yield_now().await;
    tasks.shutdown().await;
    let next = queued.join_next().await.expect("one").expect("no panic");
    assert_refused(next, "the next in the queue");
    assert_eq!(events(&store, &ctx).await, [1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_one_batch_do_not_prune_for_each_other() {
    const CALLERS: i64 = 60;
    static ADD: Sql = Sql::same("test.add", "insert into audit_events values ($1, 'row')");
    static PERMIT: Sql = Sql::same("test.permit", "insert into permits values ($1)");
    let folder = folder();
    let (store, ctx) = fresh(&folder).await;
    store
        .tx(&ctx, "test.rows", async |tx| {
            for n in 100..100 + CALLERS {
                tx.exec_one(&ADD, args![n]).await?;
                tx.exec_one(&PERMIT, args![n]).await?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .expect("rows");
    let before = store.stats();
    let mut tasks = JoinSet::new();
    for n in 0..CALLERS {
        let (store, ctx) = (store.clone(), ctx.clone());
        tasks.spawn(async move {
            let result = match n % 3 {
                0 => prune(&store, &ctx, 100 + n).await,
                1 => delete(&store, &ctx, 100 + n).await,
                _ => run(&store, &ctx, "update other set note = 'x'", args![]).await,
            };
            (n, result)
        });
    }
    while let Some(done) = tasks.join_next().await {
        let (n, result) = done.expect("no panic");
        if n % 3 == 1 {
            assert_refused(result, "a member without the permit");
        } else {
            assert_eq!(result, Ok(1), "{n}");
        }
    }
    let after = store.stats();
    assert!(after.commits - before.commits < 40, "nothing was shared");
    let left = events(&store, &ctx).await;
    assert_eq!(left.iter().filter(|id| **id >= 100).count(), 40);
}

#[tokio::test]
async fn a_new_connection_refuses_the_same() {
    static ORPHAN: Sql = Sql::same("test.orphan", "insert into child values (7)");
    let folder = folder();
    let (store, ctx) = fresh(&folder).await;
    let together = std::sync::Arc::new(Barrier::new(2));
    let mut tasks = JoinSet::new();
    for _ in 0..2 {
        let (store, ctx, together) = (store.clone(), ctx.clone(), together.clone());
        tasks.spawn(async move {
            together.wait().await;
            store
                .tx(&ctx, "test.orphan", async |tx| {
                    tx.allow_prune().await?;
                    tx.exec_one(&DELETE, args![1_i64]).await?;
                    tx.exec_one(&ORPHAN, args![]).await
                })
                .await
        });
    }
    while let Some(done) = tasks.join_next().await {
        // The commit fails, and the writer throws its connection away.
        assert!(done.expect("no panic").is_err());
    }
    assert_refused(delete(&store, &ctx, 1).await, "delete");
    let text = "drop trigger audit_events_no_delete";
    assert_refused(run(&store, &ctx, text, args![]).await, text);
    assert_eq!(events(&store, &ctx).await, [1, 2, 3, 4]);
    assert_eq!(prune(&store, &ctx, 1).await, Ok(1));
}
