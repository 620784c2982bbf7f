use vv_audit::{AuditError, Start, Verification, VerifyOptions};
use vv_base::{Ctx, Span};
use vv_shared::{LeaseKey, Subject};

use crate::system::Auth;

/// After this long a verification that never said it was done counts as dead.
const LONGEST: Span = Span::hours(1);

impl Auth {
    /// Verifies the context's audit chain, to the end even when the caller goes
    /// away; the result is stored. `None` when a verification of the same chain
    /// is running: it reads everything, so one at a time is enough.
    pub async fn verify_chain(&self, ctx: &Ctx) -> Result<Option<Verification>, AuditError> {
        self.verify_chain_from(ctx, Start::Beginning).await
    }

    /// The same from somewhere else than the beginning.
    pub async fn verify_chain_from(
        &self,
        ctx: &Ctx,
        from: Start,
    ) -> Result<Option<Verification>, AuditError> {
        let (auth, ctx) = (self.clone(), ctx.clone());
        let work = async move { auth.verify_alone(&ctx, from).await };
        self.finish(work).await.unwrap_or(Ok(None))
    }

    async fn verify_alone(
        &self,
        ctx: &Ctx,
        from: Start,
    ) -> Result<Option<Verification>, AuditError> {
        let chain = ctx.tenant().map_or(Subject::GLOBAL, Subject::from);
        let key = LeaseKey::new("audit-verify", chain);
        let holder = ctx.request.to_string();
        // Without Redis several nodes may verify at once: slower, and still right.
        if let Ok(false) = self.shared().lease(&key, &holder, LONGEST).await {
            return Ok(None);
        }
        let options = VerifyOptions {
            from,
            ..VerifyOptions::default()
        };
        let found = self.audit().verify(ctx, &options, |_, _| {}).await;
        if let Err(error) = self.shared().release(&key, &holder).await {
            tracing::warn!(%error, "a verification keeps its lease until it ends by itself");
        }
        found.map(Some)
    }
}
