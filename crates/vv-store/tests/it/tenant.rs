//! The second line of defence on `PostgreSQL`.

use vv_base::TenantId;
use vv_store::testing::ScratchDatabase;
use vv_store::{Engine, Family, Sql, Store, StoreError, args};
use vv_testkit::stores::{both, pg_server, system_ctx};

use crate::probe;

#[tokio::test]
async fn foreign_rows_stay_hidden_without_a_predicate() {
    static TAKE_OVER: Sql = Sql::same("probe.take_over", "update probe set note = 'mine'");
    both(async |engine, store, _| {
        if engine == Engine::Lite {
            return; // has predicates only
        }
        let ctx = system_ctx();
        probe::create(&store, &ctx).await;
        let (ours, theirs): (TenantId, TenantId) = (ctx.new_id(), ctx.new_id());
        for (note, tenant) in [("ours", ours), ("theirs", theirs)] {
            let scoped = ctx.clone().for_tenant(tenant);
            store
                .tx(&scoped, "probe.insert", async |tx| {
                    probe::insert(tx, note, tenant).await
                })
                .await
                .expect("a row of one's own");
        }
        let scoped = ctx.clone().for_tenant(ours);
        assert_eq!(probe::notes(&store, &scoped).await, ["ours"]);
        assert_eq!(probe::notes(&store, &ctx).await, ["ours", "theirs"]);
        let foreign = store
            .tx(&scoped, "probe.insert", async |tx| {
                probe::insert(tx, "smuggled", theirs).await
            })
            .await;
        assert!(matches!(foreign, Err(StoreError::Unexpected(_))));
        let touched = store
            .tx(&scoped, "probe.take_over", async |tx| {
                tx.exec(&TAKE_OVER, args![]).await
            })
            .await;
        assert_eq!(touched, Ok(1));
        assert_eq!(probe::notes(&store, &ctx).await, ["mine", "theirs"]);
    })
    .await;
}

#[tokio::test]
async fn the_product_cannot_change_tables_or_switch_the_policy_off() {
    static ATTEMPTS: [Sql; 4] = [
        Sql::same("probe.alter", "alter table probe add column x text"),
        Sql::same(
            "probe.disable",
            "alter table probe disable row level security",
        ),
        Sql::same("probe.policy", "drop policy tenant_rows on probe"),
        Sql::same("probe.truncate", "truncate probe"),
    ];
    static ROLE: Sql = Sql::same(
        "probe.role",
        "select current_user::text, rolsuper, rolbypassrls from pg_roles where rolname = current_user",
    );
    both(async |engine, store, _| {
        if engine == Engine::Lite {
            return; // has no roles
        }
        let ctx = system_ctx();
        probe::create(&store, &ctx).await;
        let role: (String, bool, bool) = store
            .read(&ctx, "probe.role", async |tx| tx.one(&ROLE, args![]).await)
            .await
            .expect("the role");
        assert_eq!(role, ("valueverse_app".to_owned(), false, false));
        for attempt in &ATTEMPTS {
            let done = store
                .tx(&ctx, "probe.attempt", async |tx| {
                    tx.exec(attempt, args![]).await
                })
                .await;
            let error = done.expect_err(attempt.name());
            let detail = error.detail().unwrap_or_default();
            assert!(detail.starts_with("42501"), "{}: {detail}", attempt.name());
        }
    })
    .await;
}

#[tokio::test]
async fn even_the_owner_sees_nothing_without_a_tenant() {
    both(async |engine, store, _| {
        if engine == Engine::Lite {
            return; // has no roles
        }
        let ctx = system_ctx();
        probe::create(&store, &ctx).await;
        probe::add(&store, &ctx, "hidden").await.expect("insert");
        // A script of the owner's that fails when it sees a row.
        store
            .run_script(
                &ctx,
                "do $$ begin
                   if exists (select from auth.probe) then raise exception 'visible'; end if;
                 end $$",
                "select 1",
            )
            .await
            .expect("nothing visible");
    })
    .await;
}

#[tokio::test]
async fn a_plain_login_role_is_told_what_it_lacks_and_then_works() {
    let Some(server) = pg_server() else { return };
    let ctx = system_ctx();
    let database = ScratchDatabase::empty(&server, &ctx).await.expect("one");
    let role = format!("vv_login_{}", u64::from_le_bytes(ctx.random()));
    let password = "only-for-this-test";
    // Without inheritance it has nothing but what it switches to.
    let create = format!("create role {role} login noinherit password '{password}'");
    database.as_superuser(create).await.expect("a login role");
    let target = database.target_as(&role, password).expect("its target");
    for family in [Family::Main, Family::Keys] {
        let store = Store::open(&target, family).await.expect("open");
        if family == Family::Main {
            let error = store.migrate(&ctx).await.expect_err("no privileges");
            let StoreError::Privilege { commands } = error else {
                panic!("{error:?}");
            };
            assert!(commands.contains(&role), "{commands}");
            database.as_superuser(commands).await.expect("the commands");
        }
        store.migrate(&ctx).await.expect("migrate");
        store.guard().await.expect("guard");
        store.ping().await.expect("ping");
        if family == Family::Main {
            probe::create(&store, &ctx).await;
            probe::add(&store, &ctx, "works").await.expect("insert");
        }
        store.close().await;
    }
    let drop = format!("drop owned by {role}; drop role {role}");
    database.as_superuser(drop).await.expect("drop the role");
    database.destroy().await.expect("drop the database");
}

#[tokio::test]
async fn broken_connections_are_replaced_before_any_work() {
    both(async |engine, store, _| {
        if engine == Engine::Lite {
            return; // has no server
        }
        let ctx = system_ctx();
        probe::create(&store, &ctx).await;
        probe::add(&store, &ctx, "before").await.expect("insert");
        store
            .run_script(
                &ctx,
                "reset role; select pg_terminate_backend(pid) from pg_stat_activity
                   where datname = current_database() and pid <> pg_backend_pid()",
                "select 1",
            )
            .await
            .expect("terminate");
        probe::add(&store, &ctx, "after").await.expect("insert");
        assert_eq!(probe::notes(&store, &ctx).await, ["after", "before"]);
    })
    .await;
}
