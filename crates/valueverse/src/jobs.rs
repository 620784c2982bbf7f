//! What runs in the background, and how often: the one table of schedules.

use std::sync::Arc;

use serde_json::Value;
use vv_audit::SYSTEM_CHAIN;
use vv_auth::Auth;
use vv_auth::jobs::{PURGE_SESSIONS, PURGE_SETUP_LINKS};
use vv_base::{Ctx, Span};
use vv_store::jobs::{JobError, JobFuture, JobHandler, Schedule, Worker};

/// Job kind that checks every audit chain.
const VERIFY_CHAINS: &str = "audit.verify_chains";

const SCHEDULES: &[Schedule] = &[
    Schedule {
        kind: PURGE_SESSIONS,
        every: Span::hours(6),
    },
    Schedule {
        kind: PURGE_SETUP_LINKS,
        every: Span::hours(1),
    },
    Schedule {
        kind: VERIFY_CHAINS,
        every: Span::days(1),
    },
];

pub(crate) fn worker(auth: &Auth) -> Worker {
    let handlers: Vec<Arc<dyn JobHandler>> = vec![
        Arc::new(PurgeSessions(auth.clone())),
        Arc::new(PurgeSetupLinks(auth.clone())),
        Arc::new(VerifyChains(auth.clone())),
    ];
    Worker::new(auth.store().clone(), handlers, SCHEDULES.to_vec())
}

fn retry(error: impl std::fmt::Display) -> JobError {
    JobError::retry(error.to_string())
}

struct PurgeSessions(Auth);

impl JobHandler for PurgeSessions {
    fn kind(&self) -> &'static str {
        PURGE_SESSIONS
    }

    fn run<'a>(&'a self, ctx: &'a Ctx, _payload: &'a Value) -> JobFuture<'a> {
        Box::pin(async move {
            let deleted = self.0.purge_sessions(ctx).await.map_err(retry)?;
            tracing::info!(deleted, "old sessions deleted");
            Ok(())
        })
    }
}

struct PurgeSetupLinks(Auth);

impl JobHandler for PurgeSetupLinks {
    fn kind(&self) -> &'static str {
        PURGE_SETUP_LINKS
    }

    fn run<'a>(&'a self, ctx: &'a Ctx, _payload: &'a Value) -> JobFuture<'a> {
        Box::pin(async move {
            self.0.purge_setup_links(ctx).await.map_err(retry)?;
            Ok(())
        })
    }
}

struct VerifyChains(Auth);

impl JobHandler for VerifyChains {
    fn kind(&self) -> &'static str {
        VERIFY_CHAINS
    }

    fn run<'a>(&'a self, ctx: &'a Ctx, _payload: &'a Value) -> JobFuture<'a> {
        Box::pin(async move {
            let (audit, store) = (self.0.audit(), self.0.store());
            let mut failed = Vec::new();
            for chain in audit.chains(ctx, store).await.map_err(retry)? {
                let ctx = if chain == SYSTEM_CHAIN {
                    ctx.clone().for_system()
                } else {
                    ctx.clone().for_tenant(chain)
                };
                // One chain that cannot be read must not keep the others unchecked.
                match audit.verify(&ctx, store, |_, _| {}).await {
                    Ok(found) if !found.verified => {
                        tracing::error!(%chain, ?found, "an audit chain does not verify");
                    }
                    Ok(_) => {}
                    Err(error) => failed.push(format!("{chain}: {error}")),
                }
            }
            if !failed.is_empty() {
                return Err(JobError::retry(failed.join("; ")));
            }
            Ok(())
        })
    }
}
