use tokio::task::JoinSet;
use vv_store::statements::{prepare_all, tenant_check};
use vv_store::{Engine, Family, Sql, Store, StoreError, args};
use vv_testkit::stores::{both, both_empty, system_ctx};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_nodes_that_start_together_migrate_once() {
    both_empty(async |_, target| {
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let target = target.clone();
            tasks.spawn(async move {
                let ctx = system_ctx();
                let mut applied = 0;
                for family in [Family::Main, Family::Keys] {
                    let store = Store::open(&target, family).await?;
                    applied += store.migrate(&ctx).await?.len();
                    store.guard().await?;
                    store.close().await;
                }
                Ok::<_, StoreError>(applied)
            });
        }
        let mut total = 0;
        while let Some(done) = tasks.join_next().await {
            total += done.expect("no panic").expect("migrate");
        }
        let main = Store::open(&target, Family::Main).await.expect("open");
        let keys = Store::open(&target, Family::Keys).await.expect("open");
        let all = count(&main).await + count(&keys).await;
        assert_eq!(i64::try_from(total), Ok(all));
        assert!(all >= 2);
        main.close().await;
        keys.close().await;
    })
    .await;
}

async fn count(store: &Store) -> i64 {
    static MAIN: Sql = Sql::split(
        "test.count",
        "select count(*) from auth.schema_migrations",
        "select count(*) from schema_migrations",
    );
    static KEYS: Sql = Sql::split(
        "test.count_keys",
        "select count(*) from keys.schema_migrations",
        "select count(*) from schema_migrations",
    );
    let sql = match store.family() {
        Family::Main => &MAIN,
        Family::Keys => &KEYS,
    };
    let (count,): (i64,) = store
        .read(&system_ctx(), "test.count", async |tx| {
            tx.one(sql, args![]).await
        })
        .await
        .expect("count");
    count
}

#[tokio::test]
async fn an_empty_database_is_pending_and_then_fine() {
    both_empty(async |_, target| {
        let store = Store::open(&target, Family::Main).await.expect("open");
        let pending = store.pending().await.expect("pending");
        assert_eq!(pending.first(), Some(&"0001_foundation"));
        let guard = store.guard().await;
        let wanted = StoreError::SchemaPending {
            count: pending.len(),
            first: "0001_foundation",
        };
        assert_eq!(guard, Err(wanted));
        let applied = store.migrate(&system_ctx()).await.expect("migrate");
        assert_eq!(applied.len(), pending.len());
        assert_eq!(store.migrate(&system_ctx()).await, Ok(Vec::new()));
        assert_eq!(store.guard().await, Ok(()));
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    both(async |_, store, _| {
        let ctx = system_ctx();
        store
            .run_script(
                &ctx,
                "insert into auth.schema_migrations values (9000, '9000_future', 'x', 0)",
                "insert into schema_migrations values (9000, '9000_future', 'x', 0)",
            )
            .await
            .expect("a row from the future");
        let newer = store.guard().await.expect_err("newer");
        assert!(matches!(newer, StoreError::SchemaNewer { found: 9000, .. }));
        assert_eq!(store.migrate(&ctx).await, Err(newer));
    })
    .await;
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    both(async |_, store, _| {
        let ctx = system_ctx();
        store
            .run_script(
                &ctx,
                "update auth.schema_migrations set checksum = 'edited' where version = 1",
                "update schema_migrations set checksum = 'edited' where version = 1",
            )
            .await
            .expect("another checksum");
        let changed = StoreError::ChecksumChanged {
            name: "0001_foundation".to_owned(),
        };
        assert_eq!(store.guard().await, Err(changed.clone()));
        assert_eq!(store.migrate(&ctx).await, Err(changed));
    })
    .await;
}

#[tokio::test]
async fn both_engines_have_the_same_columns() {
    let seen = std::sync::Mutex::new(Vec::new());
    both(async |engine, main, keys| {
        let ctx = system_ctx();
        let main = main.columns(&ctx).await.expect("columns");
        let keys = keys.columns(&ctx).await.expect("columns");
        assert!(main.contains(&"jobs.lease_until integer nullable".to_owned()));
        assert!(keys.contains(&"subject_keys.wrapped_key blob".to_owned()));
        seen.lock().expect("lock").push((engine, main, keys));
    })
    .await;
    let seen = seen.into_inner().expect("lock");
    if let [(Engine::Lite, main, keys), (Engine::Pg, pg_main, pg_keys)] = seen.as_slice() {
        assert_eq!(main, pg_main);
        assert_eq!(keys, pg_keys);
    }
}

#[tokio::test]
async fn every_statement_of_the_queue_prepares_and_names_the_tenant() {
    let missing = tenant_check(vv_store::jobs::STATEMENTS, &["jobs"]);
    assert!(missing.is_empty(), "{missing:?}");
    both(async |_, main, _| {
        prepare_all(&main, vv_store::jobs::STATEMENTS)
            .await
            .expect("prepare");
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_does_not_prepare_is_named() {
    static BROKEN: Sql = Sql::same("test.broken", "select nothing from nowhere");
    both(async |_, main, _| {
        let error = prepare_all(&main, &[&BROKEN]).await.expect_err("broken");
        assert!(error.detail().unwrap_or_default().contains("test.broken"));
    })
    .await;
}
