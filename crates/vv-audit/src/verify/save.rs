//! The result of a verification: stored, and an event itself.

use vv_base::{Ctx, Scope, Timestamp};
use vv_store::{Sql, args, row};

use super::found::Verification;
use crate::audit::{Audit, chain_of};
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::{Event, Outcome};

pub(super) static SAVE_VERIFICATION: Sql = Sql::same(
    "audit.save_verification",
    "insert into audit_verifications (tenant_id, verified_at, height, verified, \
     first_bad_height, report) \
     values ($1, $2, $3, $4, $5, $6) on conflict (tenant_id) do update set \
     verified_at = excluded.verified_at, height = excluded.height, \
     verified = excluded.verified, first_bad_height = excluded.first_bad_height, \
     report = excluded.report",
);
pub(super) static LAST_VERIFICATION: Sql = Sql::same(
    "audit.last_verification",
    "select verified_at, height, verified, first_bad_height, report \
     from audit_verifications where tenant_id = $1",
);

row! {
    /// The latest stored result for a chain.
    #[derive(Debug, Clone)]
    pub struct LastVerification {
        pub verified_at: Timestamp,
        pub height: i64,
        pub verified: bool,
        pub first_bad_height: Option<i64>,
        report: Option<String>,
    }
}

impl LastVerification {
    /// All that it found. `None` for one of a release that did not keep it.
    pub fn report(&self) -> Option<Verification> {
        serde_json::from_str(self.report.as_deref()?).ok()
    }
}

impl Audit {
    /// Stores the result and its event. A break is also told in the system
    /// chain: events of a chain whose head is forged have to wait.
    pub(super) async fn save(
        &self,
        ctx: &Ctx,
        height: i64,
        result: &Verification,
    ) -> Result<(), AuditError> {
        let chain = chain_of(ctx);
        let first_bad = result
            .first_bad_height
            .and_then(|height| i64::try_from(height).ok());
        let event = || {
            let (kind, outcome) = if result.verified {
                (Kind::ChainVerified, Outcome::Success)
            } else {
                (Kind::ChainBroken, Outcome::Failure)
            };
            Event::new(kind)
                .outcome(outcome)
                .target("audit_chain", chain)
                .detail("height", height)
                .detail("first_bad_height", first_bad)
        };
        // Numbers and text always have a spelling in JSON.
        let report = serde_json::to_string(result).ok();
        let row = args![chain, ctx.now(), height, result.verified, first_bad, report];
        let system = ctx.clone().for_system();
        let told = !result.verified && ctx.scope != Scope::System;
        self.store()
            .tx(&system, "audit.save_verification", async |tx| {
                tx.exec(&SAVE_VERIFICATION, row).await?;
                self.record(ctx, tx, event()).await?;
                if told {
                    self.record(&system, tx, event()).await?;
                }
                Ok(())
            })
            .await
    }

    /// The latest stored result for the context's chain.
    pub async fn last_verification(
        &self,
        ctx: &Ctx,
    ) -> Result<Option<LastVerification>, AuditError> {
        let chain = chain_of(ctx);
        let found = self
            .store()
            .read(ctx, "audit.last_verification", async |tx| {
                tx.opt(&LAST_VERIFICATION, args![chain]).await
            })
            .await?;
        Ok(found)
    }
}
