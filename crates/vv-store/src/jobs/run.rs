use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;
use vv_base::{Ctx, JobId, Source, Span, Timestamp};

use super::sql::{self, ClaimedRow};
use super::{JobError, JobHandler, JobState, MAX_ATTEMPTS};
use crate::{Store, StoreError, args};

/// How long a lease lasts without renewal.
pub(super) const LEASE: Span = Span::minutes(1);
/// A job that runs longer is stopped and counts as failed.
const MAX_RUN: Span = Span::hours(1);
const FIRST_DELAY: Span = Span::seconds(10);
const MAX_DELAY: Span = Span::hours(1);
const MAX_ERROR: usize = 500;

pub(super) type Token = [u8; 16];

/// One claimed job on its way through a handler.
pub(super) struct Run {
    pub(super) store: Store,
    pub(super) ctx: Ctx,
    pub(super) handler: Arc<dyn JobHandler>,
    pub(super) job: ClaimedRow,
    pub(super) token: Token,
}

enum End {
    Finished(Result<(), JobError>),
    LeaseLost,
}

impl Run {
    /// Runs the handler and records how it went.
    pub(super) async fn go(self) -> (JobId, Result<(), StoreError>) {
        (self.job.id, self.run_and_record().await)
    }

    async fn run_and_record(&self) -> Result<(), StoreError> {
        let outcome = match self.work().await {
            End::LeaseLost => {
                tracing::warn!(kind = self.job.kind, job = %self.job.id, "a job lost its lease");
                "lease_lost"
            }
            End::Finished(Ok(())) => {
                self.finish(JobState::Done, None).await?;
                "done"
            }
            End::Finished(Err(error)) => self.failed(&error).await?,
        };
        metrics::counter!("valueverse_jobs_total", "kind" => self.handler.kind(), "outcome" => outcome)
            .increment(1);
        Ok(())
    }

    async fn work(&self) -> End {
        // A job whose worker dies each time never reports a failure itself.
        if self.job.attempts > MAX_ATTEMPTS {
            return End::Finished(Err(JobError::permanent("its worker died every time")));
        }
        let payload: Value = match serde_json::from_str(&self.job.payload) {
            Ok(payload) => payload,
            Err(_) => {
                return End::Finished(Err(JobError::permanent("the payload is not valid JSON")));
            }
        };
        let handler = Arc::clone(&self.handler);
        let ctx = self.job_ctx();
        // A task of its own turns a panic into an error; dropping the set stops it.
        let mut task = JoinSet::new();
        task.spawn(async move { handler.run(&ctx, &payload).await });
        let stop = tokio::time::sleep(MAX_RUN.to_duration());
        tokio::pin!(stop);
        loop {
            let renew = tokio::time::sleep(LEASE.to_duration() / 3);
            tokio::select! {
                ended = task.join_next() => return End::Finished(match ended {
                    Some(Ok(result)) => result,
                    _ => Err(JobError::retry("the handler panicked")),
                }),
                () = &mut stop => {
                    return End::Finished(Err(JobError::retry("the handler ran for too long")));
                }
                () = renew => match self.renew().await {
                    Ok(true) => {}
                    Ok(false) => return End::LeaseLost,
                    // The lease outlasts a short outage; the next round asks again.
                    Err(error) => tracing::warn!(%error, "a job's lease was not renewed"),
                },
            }
        }
    }

    fn job_ctx(&self) -> Ctx {
        let request = self.ctx.new_id();
        let ctx = self.ctx.clone().from_source(request, Source::default());
        match self.job.tenant_id {
            Some(tenant) => ctx.for_tenant(tenant),
            None => ctx.for_system(),
        }
    }

    async fn renew(&self) -> Result<bool, StoreError> {
        let until = self.ctx.now().plus(LEASE);
        let row = args![self.job.id, self.token, until];
        let renewed = self
            .store
            .tx(&self.ctx, "jobs.renew", async |tx| {
                tx.exec(&sql::RENEW, row).await
            })
            .await?;
        Ok(renewed == 1)
    }

    async fn failed(&self, error: &JobError) -> Result<&'static str, StoreError> {
        let text: String = error.to_string().chars().take(MAX_ERROR).collect();
        tracing::warn!(kind = self.job.kind, job = %self.job.id, attempt = self.job.attempts, error = text, "a job failed");
        if error.is_permanent() || self.job.attempts >= MAX_ATTEMPTS {
            self.finish(JobState::Dead, Some(text)).await?;
            return Ok("dead");
        }
        metrics::counter!("valueverse_jobs_retries_total", "kind" => self.handler.kind())
            .increment(1);
        let row = args![
            self.job.id,
            self.token,
            next_try(&self.ctx, self.job.attempts),
            text
        ];
        self.store
            .tx(&self.ctx, "jobs.retry", async |tx| {
                tx.exec(&sql::RETRY, row).await
            })
            .await?;
        Ok("retry")
    }

    async fn finish(&self, state: JobState, error: Option<String>) -> Result<(), StoreError> {
        let row = args![
            self.job.id,
            self.token,
            state.as_str(),
            self.ctx.now(),
            error
        ];
        let touched = self
            .store
            .tx(&self.ctx, "jobs.finish", async |tx| {
                tx.exec(&sql::FINISH, row).await
            })
            .await?;
        if touched == 0 {
            tracing::warn!(kind = self.job.kind, job = %self.job.id, "a job finished after its lease was lost");
        }
        Ok(())
    }
}

/// Exponential, half of it random, so that jobs that failed together do not
/// come back together.
fn next_try(ctx: &Ctx, attempts: i64) -> Timestamp {
    let doublings = u32::try_from(attempts.clamp(1, 20) - 1).unwrap_or(0);
    let full = FIRST_DELAY
        .micros()
        .saturating_mul(1_i64 << doublings)
        .min(MAX_DELAY.micros());
    let half = full / 2;
    let dice = i64::from(u32::from_le_bytes(ctx.random()));
    let delay = half + dice % (half + 1);
    ctx.now().plus(Span::seconds(delay / 1_000_000))
}
