use tokio::sync::oneshot;
use tokio::task::JoinSet;
use vv_base::{TenantId, Timestamp};
use vv_store::{Sql, Store, StoreError, Where, args};
use vv_testkit::stores::{both, system_ctx};

use crate::probe;

vv_store::row! {
    #[derive(Debug, PartialEq, Eq)]
    struct ProbeRow {
        note: String,
        tenant_id: TenantId,
        flag: Option<bool>,
        number: Option<Timestamp>,
        raw: Option<[u8; 4]>,
    }
}

#[tokio::test]
async fn ok_commits_and_an_error_rolls_back() {
    both(async |_, store, _| {
        let ctx = system_ctx();
        probe::create(&store, &ctx).await;
        probe::add(&store, &ctx, "kept").await.expect("insert");
        let refused: Result<(), StoreError> = store
            .tx(&ctx, "probe.refuse", async |tx| {
                probe::insert(tx, "gone", TenantId::nil()).await?;
                Err(StoreError::NotFound)
            })
            .await;
        assert_eq!(refused, Err(StoreError::NotFound));
        assert_eq!(probe::notes(&store, &ctx).await, ["kept"]);
    })
    .await;
}

#[tokio::test]
async fn a_swallowed_failure_cannot_commit() {
    both(async |engine, store, _| {
        let ctx = system_ctx();
        probe::create(&store, &ctx).await;
        probe::add(&store, &ctx, "taken").await.expect("insert");
        let result: Result<(), StoreError> = store
            .tx(&ctx, "probe.swallow", async |tx| {
                probe::insert(tx, "new", TenantId::nil()).await?;
                let twice = probe::insert(tx, "taken", TenantId::nil()).await;
                assert!(matches!(twice, Err(StoreError::Conflict(_))), "{engine:?}");
                let after = probe::insert(tx, "later", TenantId::nil()).await;
                assert_eq!(after, Err(StoreError::Aborted));
                Ok(())
            })
            .await;
        assert_eq!(result, Err(StoreError::Aborted));
        assert_eq!(probe::notes(&store, &ctx).await, ["taken"]);
    })
    .await;
}

#[tokio::test]
async fn readers_do_not_see_what_is_not_committed() {
    both(async |_, store, _| {
        let ctx = system_ctx();
        probe::create(&store, &ctx).await;
        let (inserted, was_inserted) = oneshot::channel();
        let (finish, may_finish) = oneshot::channel::<()>();
        let mut tasks = JoinSet::new();
        let (writer, writer_ctx) = (store.clone(), ctx.clone());
        // Spawning also proves that the future is `Send`.
        tasks.spawn(async move {
            writer
                .tx(&writer_ctx, "probe.slow", async |tx| {
                    probe::insert(tx, "open", TenantId::nil()).await?;
                    inserted.send(()).expect("the reader waits");
                    may_finish.await.expect("the reader answers");
                    Ok::<_, StoreError>(())
                })
                .await
        });
        was_inserted.await.expect("the writer is at work");
        assert!(probe::notes(&store, &ctx).await.is_empty());
        finish.send(()).expect("the writer waits");
        tasks
            .join_next()
            .await
            .expect("one task")
            .expect("no panic")
            .expect("commit");
        assert_eq!(probe::notes(&store, &ctx).await, ["open"]);
    })
    .await;
}

#[tokio::test]
async fn values_and_nulls_come_back_as_they_went_in() {
    static FULL: Sql = Sql::same(
        "probe.full",
        "insert into probe (note, tenant_id, flag, number, raw) values ($1, $2, $3, $4, $5)",
    );
    both(async |_, store, _| {
        let ctx = system_ctx();
        probe::create(&store, &ctx).await;
        let tenant: TenantId = ctx.new_id();
        let when = Timestamp::from_unix_micros(-7);
        store
            .tx(&ctx, "probe.full", async |tx| {
                let row = args!["full", tenant, true, when, [1, 2, 3, 255]];
                tx.exec_one(&FULL, row).await?;
                let (flag, number, raw) = (None::<bool>, None::<i64>, None::<[u8; 4]>);
                tx.exec_one(&FULL, args!["null", tenant, flag, number, raw])
                    .await
            })
            .await
            .expect("two rows");
        let query = Where::select("select note, tenant_id, flag, number, raw from probe")
            .and("tenant_id = ?", args![tenant])
            .order("note")
            .limit(10);
        let rows: Vec<ProbeRow> = store
            .read(&ctx, "probe.rows", async |tx| tx.select(&query).await)
            .await
            .expect("two rows");
        let full = ProbeRow {
            note: "full".to_owned(),
            tenant_id: tenant,
            flag: Some(true),
            number: Some(when),
            raw: Some([1, 2, 3, 255]),
        };
        let null = ProbeRow {
            note: "null".to_owned(),
            tenant_id: tenant,
            flag: None,
            number: None,
            raw: None,
        };
        assert_eq!(rows, [full, null]);
    })
    .await;
}

#[tokio::test]
async fn a_missing_value_and_a_wrong_type_are_errors() {
    static LOOK: Sql = Sql::same("probe.look", "select note, flag from probe where note = $1");
    both(async |_, store, _| {
        let ctx = system_ctx();
        probe::create(&store, &ctx).await;
        probe::add(&store, &ctx, "x").await.expect("insert");
        let look = store
            .read(&ctx, "probe.look", async |tx| {
                tx.one::<(String, bool)>(&LOOK, args![]).await
            })
            .await;
        assert!(matches!(look, Err(StoreError::Unexpected(_))));
        let null = store
            .read(&ctx, "probe.look", async |tx| {
                tx.one::<(String, bool)>(&LOOK, args!["x"]).await
            })
            .await;
        assert!(matches!(null, Err(StoreError::Unexpected(_))));
        let absent = store
            .read(&ctx, "probe.look", async |tx| {
                tx.one::<(String, bool)>(&LOOK, args!["y"]).await
            })
            .await;
        assert_eq!(absent, Err(StoreError::NotFound));
    })
    .await;
}

#[tokio::test]
async fn a_read_cannot_write() {
    both(async |_, store, _| {
        let ctx = system_ctx();
        probe::create(&store, &ctx).await;
        let written = store
            .read(&ctx, "probe.write", async |tx| {
                probe::insert(tx, "x", TenantId::nil()).await
            })
            .await;
        assert!(matches!(written, Err(StoreError::Unexpected(_))));
        assert!(probe::notes(&store, &ctx).await.is_empty());
    })
    .await;
}

async fn inner(outer: &Store, inside: &Store) -> Result<(), StoreError> {
    let ctx = system_ctx();
    outer
        .tx(&ctx, "outer", async |_| {
            inside
                .tx(&ctx, "inner", async |_| Ok::<_, StoreError>(()))
                .await
        })
        .await
}

#[tokio::test]
async fn nesting_is_refused_for_the_same_store_only() {
    both(async |_, main, keys| {
        assert_eq!(inner(&main, &main.clone()).await, Err(StoreError::Nested));
        assert_eq!(inner(&main, &keys).await, Ok(()));
        // The refusal leaves nothing locked.
        assert_eq!(inner(&keys, &main).await, Ok(()));
    })
    .await;
}

#[tokio::test]
async fn nothing_secret_shows() {
    let arg = vv_store::Arg::from("s3cret");
    assert_eq!(format!("{arg:?}"), "Text");
    let target = vv_store::Target::Pg {
        url: "postgres://u:s3cret@127.0.0.1:1/x".to_owned().into(),
        max_connections: 1,
    };
    assert!(!format!("{target:?}").contains("s3cret"));
    let error = Store::open(&target, vv_store::Family::Main)
        .await
        .expect_err("nobody listens on port 1");
    assert!(matches!(error, StoreError::Unreachable(_)), "{error:?}");
    assert!(error.is_unavailable());
    assert!(!format!("{error:?} {error}").contains("s3cret"));
}

#[tokio::test]
async fn a_closed_store_says_so() {
    both(async |_, main, _| {
        let ctx = system_ctx();
        main.ping().await.expect("it answers");
        main.close().await;
        let late = main
            .tx(&ctx, "late", async |_| Ok::<_, StoreError>(()))
            .await;
        assert_eq!(late, Err(StoreError::Closed));
        assert_eq!(main.ping().await, Err(StoreError::Closed));
    })
    .await;
}
