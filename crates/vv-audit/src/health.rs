//! What an operator should know, without changing anything.

use vv_base::TenantId;
use vv_store::{Engine, Sql, args};

use crate::audit::Audit;
use crate::error::AuditError;
use crate::write::HeadRow;

/// Chains that are named; more of them are rarely needed to see what is wrong.
const MOST: i64 = 20;
/// Heads looked at per read.
const STEP: i64 = 1_000;

static WAITING: Sql = Sql::same(
    "audit.waiting",
    "select tenant_id, count(*) from audit_intake where refused_at is null \
     group by tenant_id order by tenant_id limit $1",
)
.across_tenants("the intake is one queue of all chains");
static REFUSED: Sql = Sql::same(
    "audit.refused",
    "select count(*) from audit_intake where refused_at is not null",
)
.across_tenants("the intake is one queue of all chains");
static HEADS: Sql = Sql::same(
    "audit.heads",
    "select tenant_id, height, head_hash, head_ts, head_mac, tree, pruned_to from audit_chains \
     where tenant_id > $1 order by tenant_id limit $2",
)
.across_tenants("doctor looks at every chain");
static GUARDS: Sql = Sql::split(
    "audit.guards",
    "select count(*) from pg_catalog.pg_event_trigger \
     where evtname like 'audit\\_guard\\_%' and evtenabled <> 'D'",
    "select count(*) from sqlite_master where 1 = 0",
);

/// Statements of the health report.
pub(crate) const STATEMENTS: &[&Sql] = &[&WAITING, &REFUSED, &HEADS, &GUARDS];

/// The state of the trail's write path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHealth {
    /// Events that wait for their place, by chain; up to 20 chains. A node
    /// that runs moves them within a second, unless their chain is broken.
    pub waiting: Vec<(TenantId, u64)>,
    /// Events in the intake whose check value is wrong.
    pub refused: u64,
    /// Chains whose head was changed by somebody else; up to 20.
    pub broken: Vec<TenantId>,
    /// Whether event triggers guard the tables against their owner; `None` on
    /// an engine that has none.
    pub guarded: Option<bool>,
}

impl Audit {
    /// Looks at the write path, and changes nothing.
    pub async fn health(&self) -> Result<AuditHealth, AuditError> {
        let ctx = &self.inner.ctx;
        let (waiting, (refused,), (guards,)) = self
            .store()
            .read(ctx, "audit.health", async |tx| {
                let waiting: Vec<(TenantId, u64)> = tx.all(&WAITING, args![MOST]).await?;
                let refused: (u64,) = tx.one(&REFUSED, args![]).await?;
                let guards: (i64,) = tx.one(&GUARDS, args![]).await?;
                Ok::<_, AuditError>((waiting, refused, guards))
            })
            .await?;
        Ok(AuditHealth {
            waiting,
            refused,
            broken: self.heads_of_others().await?,
            guarded: (self.store().engine() == Engine::Pg).then_some(guards > 0),
        })
    }

    async fn heads_of_others(&self) -> Result<Vec<TenantId>, AuditError> {
        let mut broken = Vec::new();
        let mut after = TenantId::nil();
        let system = self
            .store()
            .read(&self.inner.ctx, "audit.find_head", async |tx| {
                tx.opt::<HeadRow>(&crate::write::sql::FIND_HEAD, args![after])
                    .await
            })
            .await?;
        let mut heads: Vec<HeadRow> = system.into_iter().collect();
        loop {
            let bad = heads.iter().filter(|head| !self.head_is_genuine(head));
            broken.extend(bad.map(|head| head.tenant_id));
            let more: Vec<HeadRow> = self
                .store()
                .read(&self.inner.ctx, "audit.heads", async |tx| {
                    tx.all(&HEADS, args![after, STEP]).await
                })
                .await?;
            let Some(last) = more.last() else {
                break;
            };
            after = last.tenant_id;
            heads = more;
        }
        broken.truncate(usize::try_from(MOST).unwrap_or(usize::MAX));
        Ok(broken)
    }
}
