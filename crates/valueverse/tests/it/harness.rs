//! A whole system on each engine, with a clock that stands still.

use std::num::NonZeroU32;
use std::sync::Arc;

use valueverse::{
    Auth, AuthSettings, BuildError, FirstAdmin, HashSettings, RootKey, SecuritySystem,
    SessionPolicy, Shared, TokenSettings,
};
use vv_audit::{EventFilter, EventView, SYSTEM_CHAIN};
use vv_auth::{Credentials, SignedIn, TokenPair};
use vv_base::{Clock, Ctx, PageRequest, Rng, Secret, Source, Span, SystemRng, TenantId, UserId};
use vv_shared::RedisConfig;
use vv_store::{Engine, Sql, Store, args};
use vv_testkit::clock::MockClock;
use vv_testkit::random::SeededRng;
use vv_testkit::stores::{REQUIRE, both, setting};

/// A password that passes the rules.
pub(crate) const PASSWORD: &str = "violet tram 4 umbrellas";

/// How long a session lives in these tests when nobody uses it.
pub(crate) const IDLE: Span = Span::minutes(30);
/// How long it lives at most.
pub(crate) const ABSOLUTE: Span = Span::hours(12);

/// One installation.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) keys: Store,
    pub(crate) clock: Arc<MockClock>,
    pub(crate) root: RootKey,
    pub(crate) shared: Shared,
    pub(crate) system: SecuritySystem,
    rng: Arc<dyn Rng>,
}

/// Somebody with an account.
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) tenant: TenantId,
    pub(crate) email: String,
}

/// Runs the test on an empty installation of each engine.
pub(crate) async fn on_both(test: impl AsyncFn(World)) {
    both(async |engine, store, keys| {
        let clock = Arc::new(MockClock::default());
        let shared = Shared::memory(clock.clone());
        test(World::new(engine, store, keys, clock, shared).await).await;
    })
    .await;
}

/// The same with the shared state in Redis, when the test run has one.
pub(crate) async fn on_redis(test: impl AsyncFn(World)) {
    let Some(url) = setting("VALUEVERSE_TEST_REDIS_URL") else {
        assert_ne!(setting(REQUIRE).as_deref(), Some("1"), "Redis is required");
        println!("skipped: VALUEVERSE_TEST_REDIS_URL is not set");
        return;
    };
    both(async |engine, store, keys| {
        let clock = Arc::new(MockClock::default());
        let shared = redis(&url, &clock).await;
        test(World::new(engine, store, keys, clock, shared).await).await;
    })
    .await;
}

async fn redis(url: &str, clock: &Arc<MockClock>) -> Shared {
    let mut random = [0; 8];
    SystemRng.fill(&mut random);
    let config = RedisConfig {
        prefix: format!("vvtest:{}:", hex::encode(random)),
        nodes: NonZeroU32::MIN,
        // Generous, so that a busy machine fails no test.
        command_timeout: Span::seconds(5),
        connect_timeout: Span::seconds(5),
        ..RedisConfig::new(Secret::new(url.to_owned()))
    };
    Shared::redis(&config, clock.clone()).await.unwrap()
}

pub(crate) fn settings() -> AuthSettings {
    AuthSettings {
        tokens: TokenSettings {
            issuer: "http://127.0.0.1:8080".to_owned(),
            audience: "valueverse".to_owned(),
            access_ttl: Span::minutes(15),
            shared_secret: None,
        },
        sessions: SessionPolicy {
            idle: IDLE,
            absolute: ABSOLUTE,
        },
        hashing: HashSettings {
            memory_kib: 64,
            passes: 1,
            lanes: 1,
            parallel: 2,
            queue: 256,
        },
    }
}

impl World {
    /// Builds the system on migrated stores.
    pub(crate) async fn new(
        engine: Engine,
        store: Store,
        keys: Store,
        clock: Arc<MockClock>,
        shared: Shared,
    ) -> Self {
        // Another seed for each world: two installations share no key.
        let mut seed = [0; 8];
        SystemRng.fill(&mut seed);
        let rng: Arc<dyn Rng> = Arc::new(SeededRng::new(u64::from_le_bytes(seed)));
        let root = RootKey::generate(rng.as_ref());
        let system = SecuritySystem::builder(store.clone(), keys.clone(), shared.clone())
            .clock_and_rng(clock.clone(), Arc::clone(&rng))
            .build(&root, settings())
            .await
            .unwrap();
        Self {
            engine,
            store,
            keys,
            clock,
            root,
            shared,
            system,
            rng,
        }
    }

    /// Another node of the same installation.
    pub(crate) async fn node(&self, shared: Shared) -> SecuritySystem {
        self.build(&self.root, shared).await.unwrap()
    }

    /// Another node, perhaps with the wrong root key.
    pub(crate) async fn build(
        &self,
        root: &RootKey,
        shared: Shared,
    ) -> Result<SecuritySystem, BuildError> {
        SecuritySystem::builder(self.store.clone(), self.keys.clone(), shared)
            .clock_and_rng(self.clock.clone(), Arc::clone(&self.rng))
            .node("another")
            .build(root, settings())
            .await
    }

    /// A root key that is not the installation's.
    pub(crate) fn other_root(&self) -> RootKey {
        RootKey::generate(self.rng.as_ref())
    }

    pub(crate) fn auth(&self) -> &Auth {
        self.system.auth()
    }

    /// Work of the product itself.
    pub(crate) fn ctx(&self) -> Ctx {
        self.system.ctx()
    }

    /// Somebody at the door.
    pub(crate) fn visitor(&self) -> Ctx {
        self.visitor_from("198.51.100.7")
    }

    /// Somebody at the door who comes from an address.
    pub(crate) fn visitor_from(&self, ip: &str) -> Ctx {
        let source = Source {
            ip: Some(ip.parse().unwrap()),
            user_agent: Some("Testbrowser/1.0 (unmistakable)".to_owned()),
        };
        let state = self.system.state();
        state.anonymous(state.system().request, source)
    }

    /// Goes through the set-up link.
    pub(crate) async fn first_admin(&self) -> Person {
        let token = self.auth().issue_setup_token(&self.ctx()).await.unwrap();
        let admin = candidate("Analytical Engines", "ada@engines.example");
        let user = self
            .auth()
            .complete_setup(&self.visitor(), token.expose(), &admin)
            .await
            .unwrap();
        self.person(user, &admin.email).await
    }

    /// Adds an administrator to a tenant, which is made if need be.
    pub(crate) async fn admin_of(&self, tenant: &str, email: &str) -> Person {
        let user = self
            .auth()
            .add_admin(&self.ctx(), &candidate(tenant, email))
            .await
            .unwrap();
        self.person(user, email).await
    }

    async fn person(&self, user: UserId, email: &str) -> Person {
        static HOME: Sql = Sql::same(
            "test.home",
            "select home_tenant_id from users where user_id = $1",
        );
        let ctx = self.ctx();
        let (tenant,): (TenantId,) = self
            .store
            .read(&ctx, "test.home", async |tx| {
                tx.one(&HOME, args![user]).await
            })
            .await
            .unwrap();
        Person {
            user,
            tenant,
            email: email.to_owned(),
        }
    }

    /// Signs in with the right password.
    pub(crate) async fn login(&self, person: &Person) -> SignedIn<TokenPair> {
        self.auth()
            .login(&self.visitor(), &credentials(&person.email, PASSWORD))
            .await
            .unwrap()
    }

    /// The newest 200 events of a chain, the newest first.
    pub(crate) async fn events(&self, chain: TenantId) -> Vec<EventView> {
        let ctx = self.chain_ctx(chain);
        let page = PageRequest::new(Some(PageRequest::MAX_LIMIT), None);
        let audit = self.auth().audit();
        audit
            .list(&ctx, &EventFilter::default(), &page)
            .await
            .unwrap()
            .items
    }

    /// The kinds of the events of a chain, in the order in which they happened.
    pub(crate) async fn kinds(&self, chain: TenantId) -> Vec<String> {
        let mut events = self.events(chain).await;
        events.reverse();
        events.into_iter().map(|event| event.kind).collect()
    }

    /// How many events of a kind a chain has.
    pub(crate) async fn count(&self, chain: TenantId, kind: &str) -> usize {
        let kinds = self.kinds(chain).await;
        kinds.iter().filter(|name| *name == kind).count()
    }

    /// The context of work on one chain.
    pub(crate) fn chain_ctx(&self, chain: TenantId) -> Ctx {
        if chain == SYSTEM_CHAIN {
            self.ctx()
        } else {
            self.ctx().for_tenant(chain)
        }
    }

    /// Moves the clock.
    pub(crate) fn wait(&self, span: Span) {
        self.clock.advance(span);
    }

    /// The clock, to hand it on.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }
}

/// A tenant and its administrator, as typed.
pub(crate) fn candidate(tenant: &str, email: &str) -> FirstAdmin {
    FirstAdmin {
        tenant: tenant.to_owned(),
        email: email.to_owned(),
        name: "Augusta King".to_owned(),
        password: Secret::new(PASSWORD.to_owned()),
    }
}

/// What somebody types to sign in.
pub(crate) fn credentials(identifier: &str, password: &str) -> Credentials {
    Credentials {
        identifier: identifier.to_owned(),
        password: Secret::new(password.to_owned()),
    }
}
