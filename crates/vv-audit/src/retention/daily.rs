//! What is done every day.

use vv_base::Ctx;

use super::RetentionError;
use crate::audit::Audit;

impl Audit {
    /// Closes months that are over and, as far as the settings say so,
    /// archives and prunes. A chain that is damaged does not keep the others
    /// from it.
    pub async fn retain(&self, ctx: &Ctx) -> Result<(), RetentionError> {
        let closed = self.close_segments(ctx).await?;
        if !closed.segments.is_empty() {
            tracing::info!(segments = closed.segments.len(), "audit segments closed");
        }
        let settings = self.settings().retention.clone();
        if settings.archive_dir.is_none() {
            return Ok(());
        }
        let archived = self.archive_segments(ctx).await?;
        if archived > 0 {
            tracing::info!(archived, "audit segments archived");
        }
        if let Some(months) = settings.months
            && settings.auto_prune
        {
            let report = self.prune(ctx, months, false).await?;
            if report.events() > 0 {
                let events = report.events();
                tracing::info!(events, "audit events pruned after their time of retention");
            }
        }
        Ok(())
    }
}
