use serde_json::json;
use vv_base::{Ctx, Timestamp};
use vv_store::args;

use crate::anchor::sql;
use crate::anchor::state::locked;
use crate::audit::{Audit, chain_of};
use crate::error::AuditError;

/// How fresh the anchors are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorStatus {
    /// Size and time of the newest checkpoint of the anchor log.
    pub newest: Option<(u64, Timestamp)>,
    /// Each sink, in the order of the settings.
    pub sinks: Vec<SinkStatus>,
}

/// What a sink has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkStatus {
    /// Its name in the settings.
    pub name: String,
    /// `file`, `webhook` or `witness`.
    pub kind: &'static str,
    /// Size of the anchor log that it acknowledged last, and when.
    pub newest: Option<(u64, Timestamp)>,
    /// Whether the last delivery of this process failed.
    pub failing: bool,
}

impl Audit {
    /// For each of these heights of the context's chain the smallest size that
    /// covers it and was anchored; sorted, each once.
    pub async fn anchored_sizes(&self, ctx: &Ctx, heights: &[u64]) -> Result<Vec<u64>, AuditError> {
        let chain = chain_of(ctx);
        let list = json!(heights).to_string();
        let found: Vec<(i64, Option<u64>)> = self
            .store()
            .read(&self.inner.ctx, "audit.anchored_sizes", async |tx| {
                tx.all(&sql::ANCHORS_OVER, args![chain, list]).await
            })
            .await?;
        let mut sizes: Vec<u64> = found.into_iter().filter_map(|(_, size)| size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        Ok(sizes)
    }

    /// How fresh the anchors are, here and outside.
    pub async fn anchor_status(&self) -> Result<AnchorStatus, AuditError> {
        let sinks = &self.inner.anchors.sinks;
        self.store()
            .read(&self.inner.ctx, "audit.anchor_status", async |tx| {
                let found: Vec<(u64, Timestamp)> =
                    tx.all(&sql::NEWEST_CHECKPOINTS, args![]).await?;
                let mut status = AnchorStatus {
                    newest: found.first().copied(),
                    sinks: Vec::with_capacity(sinks.len()),
                };
                for sink in sinks {
                    let name = sink.settings.name.clone();
                    let found: Vec<(u64, Timestamp)> =
                        tx.all(&sql::NEWEST_RECEIPTS, args![&name]).await?;
                    status.sinks.push(SinkStatus {
                        name,
                        kind: sink.settings.kind.as_str(),
                        newest: found.first().copied(),
                        failing: locked(&sink.outage).down,
                    });
                }
                Ok(status)
            })
            .await
    }
}
