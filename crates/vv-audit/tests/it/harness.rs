//! A trail on each engine, with a clock that stands still.

use std::path::Path;
use std::sync::Arc;

use vv_audit::{Audit, AuditError, AuditParts, AuditSettings, Event, Kind};
use vv_base::{Ctx, Rng, SystemRng, TenantId};
use vv_crypto::{Keyring, RootKey};
use vv_store::{Engine, Store, Target};
use vv_testkit::clock::MockClock;
use vv_testkit::random::SeededRng;
use vv_testkit::stores::{both, open_both};

/// One installation, which may have many nodes.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) keys: Store,
    pub(crate) clock: Arc<MockClock>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) audit: Audit,
    rng: Arc<dyn Rng>,
}

/// Runs the test on an empty trail of each engine.
pub(crate) async fn on_both(test: impl AsyncFn(World)) {
    on_both_with(AuditSettings::default(), test).await;
}

/// The same with other settings.
pub(crate) async fn on_both_with(settings: AuditSettings, test: impl AsyncFn(World)) {
    both(async |engine, store, keys| {
        test(World::new(engine, store, keys, settings.clone()).await).await;
    })
    .await;
}

/// Another seed each time: two installations share no key.
fn fresh_rng() -> Arc<dyn Rng> {
    let mut seed = [0; 8];
    SystemRng.fill(&mut seed);
    Arc::new(SeededRng::new(u64::from_le_bytes(seed)))
}

impl World {
    pub(crate) async fn new(
        engine: Engine,
        store: Store,
        keys: Store,
        settings: AuditSettings,
    ) -> Self {
        let rng = fresh_rng();
        let root = RootKey::generate(rng.as_ref());
        let keyring = Arc::new(Keyring::new(&root, "test"));
        let clock = Arc::new(MockClock::default());
        Self::with(engine, store, keys, settings, keyring, clock).await
    }

    async fn with(
        engine: Engine,
        store: Store,
        keys: Store,
        settings: AuditSettings,
        keyring: Arc<Keyring>,
        clock: Arc<MockClock>,
    ) -> Self {
        let rng = fresh_rng();
        let parts = AuditParts {
            store: store.clone(),
            keys: keys.clone(),
            keyring: Arc::clone(&keyring),
            node: "node-1".to_owned(),
        };
        let ctx = Ctx::system(clock.clone(), Arc::clone(&rng));
        let audit = Audit::open(&ctx, parts, settings).await.unwrap();
        Self {
            engine,
            store,
            keys,
            clock,
            keyring,
            audit,
            rng,
        }
    }

    /// The same installation with another past, such as an older backup:
    /// the same keys and an empty database.
    pub(crate) async fn twin(&self, folder: &Path, settings: AuditSettings) -> Self {
        let keyring = Arc::clone(&self.keyring);
        self.beside(folder, settings, keyring).await
    }

    /// Another installation, with keys of its own.
    pub(crate) async fn another(&self, folder: &Path, settings: AuditSettings) -> Self {
        let keyring = Arc::new(Self::stranger());
        self.beside(folder, settings, keyring).await
    }

    /// The keys of somebody else.
    pub(crate) fn stranger() -> Keyring {
        Keyring::new(&RootKey::generate(fresh_rng().as_ref()), "test")
    }

    async fn beside(&self, folder: &Path, settings: AuditSettings, keyring: Arc<Keyring>) -> Self {
        let path = folder.join("beside.db");
        let (store, keys) = open_both(&Target::Lite { path }).await;
        let clock = Arc::clone(&self.clock);
        Self::with(Engine::Lite, store, keys, settings, keyring, clock).await
    }

    /// Another node, or the same one after a restart.
    pub(crate) async fn node(&self, name: &str, settings: AuditSettings) -> Audit {
        let parts = AuditParts {
            store: self.store.clone(),
            keys: self.keys.clone(),
            keyring: Arc::clone(&self.keyring),
            node: name.to_owned(),
        };
        Audit::open(&self.system(), parts, settings).await.unwrap()
    }

    /// The context of the product itself.
    pub(crate) fn system(&self) -> Ctx {
        Ctx::system(self.clock.clone(), Arc::clone(&self.rng))
    }

    /// The context of work for one tenant.
    pub(crate) fn ctx(&self, tenant: TenantId) -> Ctx {
        self.system().for_tenant(tenant)
    }

    /// The id of a tenant that nobody else has.
    pub(crate) fn tenant(&self) -> TenantId {
        self.system().new_id()
    }

    /// Puts this many events into the chain of a context.
    pub(crate) async fn fill(&self, ctx: &Ctx, events: usize) {
        let mut left = events;
        while left > 0 {
            let now = left.min(2_000);
            self.store
                .tx(ctx, "test.fill", async |tx| {
                    for _ in 0..now {
                        let event = Event::new(Kind::DataViewed).detail("n", 1_i64);
                        self.audit.record(ctx, tx, event).await?;
                    }
                    Ok::<_, AuditError>(())
                })
                .await
                .unwrap();
            left -= now;
        }
        self.audit.catch_up().await.unwrap();
    }
}
