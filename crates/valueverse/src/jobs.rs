//! What runs in the background, and how often: the one table of schedules.

use std::sync::Arc;

use serde_json::Value;
use vv_audit::{SYSTEM_CHAIN, Start, VerifyOptions};
use vv_auth::Auth;
use vv_auth::jobs::{PURGE_SESSIONS, PURGE_SETUP_LINKS};
use vv_base::{Ctx, Span};
use vv_store::jobs::{JobError, JobFuture, JobHandler, Schedule, Worker};

/// Job kind that checks every audit chain.
const VERIFY_CHAINS: &str = "audit.verify_chains";
/// Job kind that closes the months of the trail, and archives and prunes them.
const CLOSE_SEGMENTS: &str = "audit.close_segments";
/// Job kind that makes the partitions of this month and the next.
const ENSURE_MONTH: &str = "audit.ensure_month";

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
    Schedule {
        kind: CLOSE_SEGMENTS,
        every: Span::days(1),
    },
    Schedule {
        kind: ENSURE_MONTH,
        every: Span::days(1),
    },
];

pub(crate) fn worker(auth: &Auth) -> Worker {
    let handlers: Vec<Arc<dyn JobHandler>> = vec![
        Arc::new(PurgeSessions(auth.clone())),
        Arc::new(PurgeSetupLinks(auth.clone())),
        Arc::new(VerifyChains(auth.clone())),
        Arc::new(CloseSegments(auth.clone())),
        Arc::new(EnsureMonth(auth.clone())),
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
            let audit = self.0.audit();
            // Everything once a week, and what is new on the other days.
            let from = match ctx.now().format_utc("%a").as_str() {
                "Sun" => Start::Beginning,
                _ => Start::LastVerified,
            };
            let options = VerifyOptions {
                from,
                ..VerifyOptions::default()
            };
            let mut failed = Vec::new();
            for chain in audit.chains(ctx).await.map_err(retry)? {
                let ctx = if chain == SYSTEM_CHAIN {
                    ctx.clone().for_system()
                } else {
                    ctx.clone().for_tenant(chain)
                };
                // One chain that cannot be read must not keep the others unchecked.
                match audit.verify(&ctx, &options, |_, _| {}).await {
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

struct CloseSegments(Auth);

impl JobHandler for CloseSegments {
    fn kind(&self) -> &'static str {
        CLOSE_SEGMENTS
    }

    fn run<'a>(&'a self, ctx: &'a Ctx, _payload: &'a Value) -> JobFuture<'a> {
        Box::pin(async move { self.0.audit().retain(ctx).await.map_err(retry) })
    }
}

struct EnsureMonth(Auth);

impl JobHandler for EnsureMonth {
    fn kind(&self) -> &'static str {
        ENSURE_MONTH
    }

    fn run<'a>(&'a self, ctx: &'a Ctx, _payload: &'a Value) -> JobFuture<'a> {
        Box::pin(async move { self.0.audit().ensure_months(ctx).await.map_err(retry) })
    }
}
