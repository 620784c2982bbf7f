//! What runs after a commit, and only after one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::{Barrier, oneshot};
use tokio::task::JoinSet;
use vv_base::TenantId;
use vv_store::{Sql, StoreError, args};
use vv_testkit::stores::{both, system_ctx};

use crate::probe;

#[tokio::test]
async fn hooks_run_in_order_after_the_row_is_visible() {
    both(async |_, store, _| {
        let ctx = system_ctx();
        probe::create(&store, &ctx).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let (first, second) = (Arc::clone(&order), Arc::clone(&order));
        let (committed, told) = oneshot::channel();
        store
            .tx(&ctx, "probe.hooks", async |tx| {
                tx.on_commit(move || first.lock().expect("lock").push(1));
                probe::insert(tx, "row", TenantId::nil()).await?;
                tx.on_commit(move || {
                    second.lock().expect("lock").push(2);
                    committed.send(()).expect("the test waits");
                });
                assert!(order.lock().expect("lock").is_empty());
                Ok::<_, StoreError>(())
            })
            .await
            .expect("commit");
        assert_eq!(*order.lock().expect("lock"), [1, 2]);
        told.await.expect("the second hook ran");
        assert_eq!(probe::notes(&store, &ctx).await, ["row"]);
    })
    .await;
}

#[tokio::test]
async fn no_hook_runs_after_an_error_a_failed_statement_or_a_dropped_caller() {
    both(async |_, store, _| {
        let ctx = system_ctx();
        probe::create(&store, &ctx).await;
        probe::add(&store, &ctx, "taken").await.expect("insert");
        let ran = Arc::new(AtomicUsize::new(0));
        let hook = |ran: &Arc<AtomicUsize>| {
            let ran = Arc::clone(ran);
            move || {
                ran.fetch_add(1, Ordering::SeqCst);
            }
        };
        let refused = store
            .tx(&ctx, "probe.refuse", async |tx| {
                tx.on_commit(hook(&ran));
                Err::<(), _>(StoreError::NotFound)
            })
            .await;
        assert_eq!(refused, Err(StoreError::NotFound));
        let swallowed = store
            .tx(&ctx, "probe.swallow", async |tx| {
                tx.on_commit(hook(&ran));
                let twice = probe::insert(tx, "taken", TenantId::nil()).await;
                assert!(matches!(twice, Err(StoreError::Conflict(_))));
                Ok::<_, StoreError>(())
            })
            .await;
        assert_eq!(swallowed, Err(StoreError::Aborted));
        let (at_work, is_at_work) = oneshot::channel();
        let mut tasks = JoinSet::new();
        let (dropped, dropped_ctx, counter) = (store.clone(), ctx.clone(), hook(&ran));
        tasks.spawn(async move {
            dropped
                .tx(&dropped_ctx, "probe.hang", async |tx| {
                    tx.on_commit(counter);
                    probe::insert(tx, "dropped", TenantId::nil()).await?;
                    at_work.send(()).expect("the test waits");
                    std::future::pending::<()>().await;
                    Ok::<_, StoreError>(())
                })
                .await
        });
        is_at_work.await.expect("at work");
        tasks.shutdown().await;
        assert_eq!(probe::notes(&store, &ctx).await, ["taken"]);
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    })
    .await;
}

#[tokio::test]
async fn no_hook_runs_when_the_commit_itself_fails() {
    static BREAK: Sql = Sql::same("probe.break", "insert into child (parent) values (7)");
    both(async |engine, store, _| {
        let ctx = system_ctx();
        store
            .run_script(
                &ctx,
                "create table auth.parent (id bigint not null primary key);
                 create table auth.child (parent bigint not null
                   references auth.parent (id) deferrable initially deferred);
                 grant insert on auth.child to valueverse_app;
                 grant select on auth.parent to valueverse_app",
                "create table parent (id integer not null primary key) strict;
                 create table child (parent integer not null
                   references parent (id) deferrable initially deferred) strict",
            )
            .await
            .expect("tables");
        let together = Arc::new(Barrier::new(2));
        let ran = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        // On SQLite both are members of one batch that cannot be committed.
        for _ in 0..2 {
            let (store, ctx) = (store.clone(), ctx.clone());
            let (ran, together) = (Arc::clone(&ran), Arc::clone(&together));
            tasks.spawn(async move {
                together.wait().await;
                store
                    .tx(&ctx, "probe.break", async |tx| {
                        tx.on_commit(move || {
                            ran.fetch_add(1, Ordering::SeqCst);
                        });
                        tx.exec_one(&BREAK, args![]).await
                    })
                    .await
            });
        }
        while let Some(done) = tasks.join_next().await {
            assert!(done.expect("no panic").is_err(), "{engine:?}");
        }
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_member_of_a_batch_runs_its_own_hook() {
    both(async |_, store, _| {
        const CALLERS: usize = 32;
        let ctx = system_ctx();
        probe::create(&store, &ctx).await;
        let ran = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for n in 0..CALLERS {
            let (store, ctx, ran) = (store.clone(), ctx.clone(), Arc::clone(&ran));
            tasks.spawn(async move {
                store
                    .tx(&ctx, "probe.hooked", async |tx| {
                        tx.on_commit(move || {
                            ran.fetch_add(1, Ordering::SeqCst);
                        });
                        probe::insert(tx, &n.to_string(), TenantId::nil()).await?;
                        if n % 4 == 0 {
                            return Err(StoreError::NotFound);
                        }
                        Ok(())
                    })
                    .await
            });
        }
        while let Some(done) = tasks.join_next().await {
            let _ = done.expect("no panic");
        }
        assert_eq!(ran.load(Ordering::SeqCst), CALLERS * 3 / 4);
        assert_eq!(probe::notes(&store, &ctx).await.len(), CALLERS * 3 / 4);
    })
    .await;
}
