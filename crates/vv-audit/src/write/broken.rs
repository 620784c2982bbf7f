//! Chains that do not end where their head says.

use vv_base::TenantId;
use vv_store::args;

use super::prepared::Prepared;
use super::sql;
use crate::audit::{Audit, SYSTEM_CHAIN};
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::{Event, Outcome};

impl Audit {
    /// Marks the chains that have a row beyond their head.
    pub(super) async fn set_aside_overrun(&self, events: &[Prepared]) -> Result<(), AuditError> {
        let inner = &self.inner;
        let given = events.iter().map(|event| event.chain);
        let found = inner
            .store
            .read(&inner.ctx, "audit.find_overrun", async |tx| {
                tx.all::<(TenantId,)>(&sql::OVERRUN, args![]).await
            })
            .await?;
        let found: Vec<TenantId> = found.into_iter().map(|(chain,)| chain).collect();
        if found.is_empty() {
            let chains: Vec<_> = given.collect();
            tracing::error!(
                ?chains,
                "audit events conflict with rows that no chain explains"
            );
            return Err(AuditError::HeadTampered);
        }
        self.report_broken(&found).await;
        Ok(())
    }

    /// Remembers broken chains, and says it once in the log and in the system chain.
    pub(crate) async fn report_broken(&self, chains: &[TenantId]) {
        for chain in chains {
            let new = self.inner.sequencer.note_broken(*chain);
            if !new {
                continue;
            }
            tracing::error!(%chain, "the audit chain is broken; its events wait in the intake");
            metrics::counter!("valueverse_audit_broken_chains_total").increment(1);
            if *chain == SYSTEM_CHAIN {
                continue;
            }
            let event = Event::new(Kind::ChainBroken)
                .outcome(Outcome::Failure)
                .target("audit_chain", *chain);
            let noted = self.note_in_system_chain(event).await;
            if let Err(error) = noted {
                tracing::error!(%error, "the broken chain could not be noted");
            }
        }
    }

    async fn note_in_system_chain(&self, event: Event) -> Result<(), AuditError> {
        let ctx = &self.inner.ctx;
        self.store()
            .tx(ctx, "audit.note_broken", async |tx| {
                self.record(ctx, tx, event).await.map(drop)
            })
            .await
    }
}
