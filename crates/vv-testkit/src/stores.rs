//! One test, both engines: `SQLite` in a temporary folder always, `PostgreSQL`
//! in a database of its own when `VALUEVERSE_TEST_PG_URL` names a private
//! instance and a superuser.

use std::sync::Arc;

use vv_base::{Ctx, Rng, Secret, SystemClock, SystemRng};
use vv_store::testing::ScratchDatabase;
use vv_store::{Engine, Family, Store, Target};

/// Superuser URL of an instance that tests may fill with databases.
pub const PG_URL: &str = "VALUEVERSE_TEST_PG_URL";
/// When `1`, a missing service fails the test instead of skipping its half.
pub const REQUIRE: &str = "VALUEVERSE_TEST_REQUIRE_SERVICES";

const CONNECTIONS: u32 = 8;

/// A context under `Scope::System` with the machine's clock and randomness.
pub fn system_ctx() -> Ctx {
    let rng: Arc<dyn Rng> = Arc::new(SystemRng);
    Ctx::system(Arc::new(SystemClock), rng)
}

/// Reads a setting of the test run.
#[expect(
    clippy::disallowed_methods,
    reason = "test runs are configured by the environment; the product is not"
)]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The instance to use; `None`, with a note, when there is none and none is
/// required.
///
/// # Panics
/// When services are required and the setting is missing.
#[expect(
    clippy::print_stderr,
    reason = "a test helper: a missing service must fail or be seen"
)]
pub fn pg_server() -> Option<Secret<String>> {
    let url = setting(PG_URL).map(Secret::new);
    if url.is_none() {
        assert!(
            setting(REQUIRE).as_deref() != Some("1"),
            "{REQUIRE}=1 but {PG_URL} is not set"
        );
        eprintln!("skipped on PostgreSQL: {PG_URL} is not set");
    }
    url
}

/// Runs the test on each engine with a migrated main store and key store.
///
/// # Panics
/// When a store cannot be set up.
#[expect(clippy::expect_used, reason = "a test helper")]
pub async fn both(test: impl AsyncFn(Engine, Store, Store)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = Target::Lite {
        path: folder.path().join("main.db"),
    };
    run(Engine::Lite, &target, &test).await;
    if let Some(server) = pg_server() {
        let database = ScratchDatabase::migrated(&server, &system_ctx())
            .await
            .expect("a migrated scratch database");
        let target = database.target(CONNECTIONS).expect("its target");
        run(Engine::Pg, &target, &test).await;
        database.destroy().await.expect("drop the scratch database");
    }
}

/// Runs the test on each engine with a place that nothing has been done to yet.
///
/// # Panics
/// When the place cannot be made.
#[expect(clippy::expect_used, reason = "a test helper")]
pub async fn both_empty(test: impl AsyncFn(Engine, Target)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("main.db");
    test(Engine::Lite, Target::Lite { path }).await;
    if let Some(server) = pg_server() {
        let database = ScratchDatabase::empty(&server, &system_ctx())
            .await
            .expect("a scratch database");
        test(
            Engine::Pg,
            database.target(CONNECTIONS).expect("its target"),
        )
        .await;
        database.destroy().await.expect("drop the scratch database");
    }
}

/// Opens and migrates both families.
///
/// # Panics
/// When that fails.
#[expect(clippy::expect_used, reason = "a test helper")]
pub async fn open_both(target: &Target) -> (Store, Store) {
    let ctx = system_ctx();
    let main = Store::open(target, Family::Main)
        .await
        .expect("open the main store");
    main.migrate(&ctx).await.expect("migrate the main store");
    let keys = Store::open(target, Family::Keys)
        .await
        .expect("open the key store");
    keys.migrate(&ctx).await.expect("migrate the key store");
    (main, keys)
}

async fn run(engine: Engine, target: &Target, test: &impl AsyncFn(Engine, Store, Store)) {
    let (main, keys) = open_both(target).await;
    test(engine, main.clone(), keys.clone()).await;
    main.close().await;
    keys.close().await;
}
