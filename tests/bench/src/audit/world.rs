//! A trail of its own for each group, and the events that go into it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;
use vv_audit::{
    Audit, AuditError, AuditParts, AuditSettings, Event, Kind, PreparedEvents, SubjectSealer,
};
use vv_base::{Actor, Ctx, RequestId, Secret, Source, SystemClock, SystemRng, TenantId, UserId};
use vv_crypto::{Keyring, RootKey};
use vv_store::{Family, Store, StoreError, Target};

use crate::callers::{self, MANY};
use crate::measure::Outcome;

/// A migrated installation.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) store: Store,
    pub(crate) audit: Audit,
    system: Ctx,
    sealer: SubjectSealer,
    user: UserId,
}

impl World {
    /// On `SQLite`, with its files in `folder`.
    pub(crate) fn lite(folder: &Path) -> Outcome<Self> {
        let path = folder.join("main.db");
        Self::open(&Target::Lite { path })
    }

    /// On `PostgreSQL`.
    pub(crate) fn pg(url: &str) -> Outcome<Self> {
        Self::open(&Target::Pg {
            url: Secret::new(url.to_owned()),
            max_connections: u32::try_from(MANY).map_err(|error| error.to_string())?,
        })
    }

    fn open(target: &Target) -> Outcome<Self> {
        let runtime = callers::runtime()?;
        let system = Ctx::system(Arc::new(SystemClock), Arc::new(SystemRng));
        let user = system.new_id();
        let (store, audit, sealer) = runtime
            .block_on(open(target, &system, user))
            .map_err(|error| error.to_string())?;
        Ok(Self {
            runtime,
            store,
            audit,
            system,
            sealer,
            user,
        })
    }

    /// A signed-in person of a tenant that nobody else has.
    pub(crate) fn tenant(&self) -> Ctx {
        let tenant: TenantId = self.system.new_id();
        let source = Source {
            ip: Some(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7))),
            user_agent: Some(
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
            ),
        };
        let actor = Actor::User {
            user: self.user,
            session: self.system.new_id(),
        };
        let request: RequestId = self.system.new_id();
        let ctx = self.system.clone().for_tenant(tenant);
        ctx.with_actor(actor).from_source(request, source)
    }

    /// An ordinary event: who looked at what, and how many.
    pub(crate) fn event(ctx: &Ctx) -> Event {
        Event::new(Kind::DataViewed)
            .target("record", ctx.new_id::<()>())
            .detail("rows", 25_i64)
    }

    /// The same with where it came from, sealed.
    pub(crate) fn sourced(&self, ctx: &Ctx) -> Event {
        Self::event(ctx).source(&self.sealer, &ctx.source)
    }

    /// Events of one batch, each of the next of these tenants.
    pub(crate) fn prepared(&self, tenants: &[Ctx], count: usize) -> Outcome<PreparedEvents> {
        let mut events = PreparedEvents::default();
        for ctx in tenants.iter().cycle().take(count) {
            let event = Self::event(ctx);
            self.audit
                .prepare_into(ctx, &event, &mut events)
                .map_err(|error| error.to_string())?;
        }
        Ok(events)
    }

    /// The same with their source.
    pub(crate) fn prepared_sourced(&self, ctx: &Ctx, count: usize) -> Outcome<PreparedEvents> {
        let mut events = PreparedEvents::default();
        for _ in 0..count {
            let event = self.sourced(ctx);
            self.audit
                .prepare_into(ctx, &event, &mut events)
                .map_err(|error| error.to_string())?;
        }
        Ok(events)
    }

    /// Appends a batch and waits for it.
    pub(crate) fn append(&self, events: PreparedEvents) -> Outcome<()> {
        let appended = self.runtime.block_on(self.audit.append_prepared(events));
        appended.map(drop).map_err(|error| error.to_string())
    }
}

async fn open(
    target: &Target,
    system: &Ctx,
    user: UserId,
) -> Result<(Store, Audit, SubjectSealer), AuditError> {
    let store = migrated(target, Family::Main, system).await?;
    let keys = migrated(target, Family::Keys, system).await?;
    let root = RootKey::generate(&SystemRng);
    let parts = AuditParts {
        store: store.clone(),
        keys,
        keyring: Arc::new(Keyring::new(&root, "bench")),
        node: "node-1".to_owned(),
    };
    let audit = Audit::open(system, parts, AuditSettings::default()).await?;
    let sealer = audit.sealer(system, user).await?;
    Ok((store, audit, sealer))
}

async fn migrated(target: &Target, family: Family, ctx: &Ctx) -> Result<Store, StoreError> {
    let store = Store::open(target, family).await?;
    store.migrate(ctx).await?;
    Ok(store)
}
