//! Group commit of the `SQLite` writer.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::{Barrier, oneshot};
use tokio::task::JoinSet;
use vv_base::{Ctx, TenantId};
use vv_store::{Family, Store, StoreError, Target};
use vv_testkit::stores::system_ctx;

use crate::probe;

async fn open(path: &Path) -> Store {
    let target = Target::Lite {
        path: path.join("main.db"),
    };
    let store = Store::open(&target, Family::Main).await.expect("open");
    store.migrate(&system_ctx()).await.expect("migrate");
    store
}

async fn fresh(folder: &tempfile::TempDir) -> (Store, Ctx) {
    let store = open(folder.path()).await;
    let ctx = system_ctx();
    probe::create(&store, &ctx).await;
    (store, ctx)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_share_commits() {
    const CALLERS: usize = 64;
    const ROUNDS: usize = 10;
    let folder = folder();
    let (store, ctx) = fresh(&folder).await;
    let before = store.stats();
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let (store, ctx) = (store.clone(), ctx.clone());
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let note = format!("{caller}-{round}");
                probe::add(&store, &ctx, &note).await.expect("insert");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no panic");
    }
    let after = store.stats();
    assert_eq!(probe::notes(&store, &ctx).await.len(), CALLERS * ROUNDS);
    let transactions = after.transactions - before.transactions;
    let commits = after.commits - before.commits;
    assert_eq!(Ok(transactions), u64::try_from(CALLERS * ROUNDS));
    assert!(commits * 4 < transactions, "{commits} for {transactions}");
}

#[tokio::test]
async fn one_caller_pays_one_commit_each() {
    let folder = folder();
    let (store, ctx) = fresh(&folder).await;
    let before = store.stats();
    for n in 0..5 {
        probe::add(&store, &ctx, &n.to_string())
            .await
            .expect("insert");
    }
    assert_eq!(store.stats().commits - before.commits, 5);
}

#[tokio::test]
async fn a_refused_member_does_not_disturb_the_others() {
    let folder = folder();
    let (store, ctx) = fresh(&folder).await;
    probe::add(&store, &ctx, "taken").await.expect("insert");
    let mut tasks = JoinSet::new();
    for n in 0..40 {
        let (store, ctx) = (store.clone(), ctx.clone());
        tasks.spawn(async move {
            let note = if n % 2 == 0 {
                "taken".to_owned()
            } else {
                format!("n{n}")
            };
            (n, probe::add(&store, &ctx, &note).await)
        });
    }
    while let Some(done) = tasks.join_next().await {
        let (n, result) = done.expect("no panic");
        if n % 2 == 0 {
            assert!(matches!(result, Err(StoreError::Conflict(_))), "{result:?}");
        } else {
            assert_eq!(result, Ok(()));
        }
    }
    assert_eq!(probe::notes(&store, &ctx).await.len(), 21);
}

#[tokio::test]
async fn a_caller_dropped_at_work_leaves_nothing_and_blocks_nobody() {
    let folder = folder();
    let (store, ctx) = fresh(&folder).await;
    let (inserted, was_inserted) = oneshot::channel();
    let mut tasks = JoinSet::new();
    let (first, first_ctx) = (store.clone(), ctx.clone());
    tasks.spawn(async move {
        first
            .tx(&first_ctx, "probe.hang", async |tx| {
                probe::insert(tx, "dropped", TenantId::nil()).await?;
                inserted.send(()).expect("the test waits");
                std::future::pending::<()>().await;
                Ok::<_, StoreError>(())
            })
            .await
    });
    was_inserted.await.expect("the writer is at work");
    // One caller is already queued behind the one that is dropped.
    let mut queued = JoinSet::new();
    let (second, second_ctx) = (store.clone(), ctx.clone());
    queued.spawn(async move { probe::add(&second, &second_ctx, "queued").await });
    tokio::task::yield_now().await;
    tasks.shutdown().await;
    queued
        .join_next()
        .await
        .expect("one task")
        .expect("no panic")
        .expect("insert");
    probe::add(&store, &ctx, "later").await.expect("insert");
    assert_eq!(probe::notes(&store, &ctx).await, ["later", "queued"]);
}

/// Callers are dropped at every point of the way: queued, at work, waiting for
/// the commit. Whoever got an answer must have been told the truth.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_dropped_anywhere_never_corrupt_or_block() {
    let folder = folder();
    let (store, ctx) = fresh(&folder).await;
    let mut told = Vec::new();
    let mut refused = Vec::new();
    for round in 0..25_u64 {
        let mut tasks = JoinSet::new();
        for n in 0..32_u64 {
            let (store, ctx) = (store.clone(), ctx.clone());
            let note = format!("{round}-{n}");
            let one = async move {
                let result = store
                    .tx(&ctx, "probe.two", async |tx| {
                        probe::insert(tx, &format!("{note}a"), TenantId::nil()).await?;
                        probe::insert(tx, &format!("{note}b"), TenantId::nil()).await?;
                        if n % 5 == 0 {
                            return Err(StoreError::NotFound);
                        }
                        Ok(())
                    })
                    .await;
                (note, result)
            };
            let patience = std::time::Duration::from_micros((round * 37 + n * 211) % 6000);
            tasks.spawn(async move {
                // Some give up early, some never.
                if n % 3 == 0 {
                    tokio::time::timeout(patience, one).await.ok()
                } else {
                    Some(one.await)
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            match done.expect("no panic") {
                Some((note, Ok(()))) => told.push(note),
                Some((note, Err(StoreError::NotFound))) => refused.push(note),
                Some((note, Err(error))) => panic!("{note}: {error:?} {:?}", error.detail()),
                None => {}
            }
        }
    }
    let notes = probe::notes(&store, &ctx).await;
    for note in &told {
        assert!(notes.contains(&format!("{note}a")), "{note} was lost");
    }
    for note in &refused {
        assert!(!notes.contains(&format!("{note}a")), "{note} came back");
    }
    let firsts = notes.iter().filter(|n| n.ends_with('a')).count();
    let seconds = notes.iter().filter(|n| n.ends_with('b')).count();
    assert_eq!(firsts, seconds, "a transaction was torn");
    assert!(!told.is_empty() && !refused.is_empty());
    probe::add(&store, &ctx, "alive").await.expect("insert");
}

#[tokio::test]
async fn a_failed_commit_fails_everybody_in_it_and_the_store_goes_on() {
    static BREAK: vv_store::Sql =
        vv_store::Sql::same("probe.break", "insert into child (parent) values (7)");
    let folder = folder();
    let (store, ctx) = fresh(&folder).await;
    store
        .run_script(
            &ctx,
            "select 1",
            "create table parent (id integer not null primary key) strict;
             create table child (parent integer not null
               references parent (id) deferrable initially deferred) strict",
        )
        .await
        .expect("tables");
    let together = Arc::new(Barrier::new(3));
    let mut tasks = JoinSet::new();
    let hold = {
        // Keeps the writer until the other two are queued.
        let (store, ctx, together) = (store.clone(), ctx.clone(), Arc::clone(&together));
        async move {
            store
                .tx(&ctx, "probe.hold", async |tx| {
                    together.wait().await;
                    tokio::task::yield_now().await;
                    tx.exec_one(&BREAK, vv_store::args![]).await
                })
                .await
        }
    };
    tasks.spawn(hold);
    for note in ["a", "b"] {
        let (store, ctx, together) = (store.clone(), ctx.clone(), Arc::clone(&together));
        tasks.spawn(async move {
            together.wait().await;
            probe::add(&store, &ctx, note).await
        });
    }
    let mut failed = 0;
    while let Some(done) = tasks.join_next().await {
        if let Err(error) = done.expect("no panic") {
            assert!(matches!(error, StoreError::Unexpected(_)), "{error:?}");
            failed += 1;
        }
    }
    let notes = probe::notes(&store, &ctx).await;
    assert!(failed >= 1);
    assert_eq!(notes.len() + failed, 3, "an answer was not the truth");
    probe::add(&store, &ctx, "after").await.expect("insert");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_worth_of_stores_share_a_file() {
    let folder = folder();
    let (one, ctx) = fresh(&folder).await;
    let two = open(folder.path()).await;
    let mut tasks = JoinSet::new();
    for n in 0..60 {
        let store = if n % 2 == 0 { one.clone() } else { two.clone() };
        let ctx = ctx.clone();
        tasks.spawn(async move { probe::add(&store, &ctx, &n.to_string()).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no panic").expect("insert");
    }
    assert_eq!(probe::notes(&two, &ctx).await.len(), 60);
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_private_and_a_missing_folder_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let (store, _) = fresh(&folder).await;
    for entry in std::fs::read_dir(folder.path()).expect("list") {
        let entry = entry.expect("entry");
        let mode = entry.metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
    store.close().await;
    let missing = Target::Lite {
        path: folder.path().join("absent").join("main.db"),
    };
    let error = Store::open(&missing, Family::Main)
        .await
        .expect_err("no folder");
    assert!(error.to_string().contains("absent"), "{error}");
}
