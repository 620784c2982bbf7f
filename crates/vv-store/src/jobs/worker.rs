use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use vv_base::{Ctx, JobId, Span};

use super::run::{LEASE, Run, Token};
use super::sql::{self, ClaimedRow};
use super::{JobError, JobFuture, JobHandler, JobSpec, KEEP_FINISHED, Schedule, enqueue};
use crate::{Store, StoreError, args};

/// Pause between looks at an empty queue.
const POLL: Duration = Duration::from_secs(1);
/// Jobs that one worker runs at a time.
const CONCURRENT: usize = 8;
/// How long running jobs may go on after the stop signal.
const GRACE: Duration = Duration::from_secs(10);
const PURGE_KIND: &str = "store.purge_jobs";
const PURGE_BATCH: i64 = 1000;
const OWN_SCHEDULE: Schedule = Schedule {
    kind: PURGE_KIND,
    every: Span::hours(1),
};

type Ended = (JobId, Result<(), StoreError>);

/// Takes due jobs from the queue and runs them. Any number of workers on any
/// number of nodes share one queue.
pub struct Worker {
    store: Store,
    handlers: BTreeMap<&'static str, Arc<dyn JobHandler>>,
    schedules: Vec<Schedule>,
}

impl Worker {
    /// A worker for these kinds. Jobs of other kinds are left to other nodes.
    pub fn new(
        store: Store,
        handlers: Vec<Arc<dyn JobHandler>>,
        mut schedules: Vec<Schedule>,
    ) -> Self {
        let purge: Arc<dyn JobHandler> = Arc::new(Purge(store.clone()));
        let handlers = handlers
            .into_iter()
            .chain([purge])
            .map(|handler| (handler.kind(), handler))
            .collect();
        schedules.push(OWN_SCHEDULE);
        Self {
            store,
            handlers,
            schedules,
        }
    }

    /// Works until the token is cancelled. Running jobs then get ten seconds;
    /// those that need longer go back to the queue.
    pub async fn run(&self, ctx: &Ctx, stop: CancellationToken) {
        let ctx = ctx.clone().for_system();
        let mut running: JoinSet<Ended> = JoinSet::new();
        let mut leases: BTreeMap<JobId, Token> = BTreeMap::new();
        while !stop.is_cancelled() {
            while let Some(ended) = running.try_join_next() {
                report(ended, &mut leases);
            }
            let free = CONCURRENT.saturating_sub(running.len());
            let found = self.round(&ctx, free).await.unwrap_or_else(|error| {
                tracing::warn!(%error, detail = error.detail(), "the job queue does not answer");
                Vec::new()
            });
            let idle = found.is_empty();
            for run in found {
                leases.insert(run.job.id, run.token);
                running.spawn(run.go());
            }
            if idle {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(POLL) => {}
                    Some(ended) = running.join_next() => report(ended, &mut leases),
                }
            }
        }
        self.wind_down(&ctx, running, leases).await;
    }

    async fn round(&self, ctx: &Ctx, free: usize) -> Result<Vec<Run>, StoreError> {
        self.fire_due(ctx).await?;
        if free == 0 {
            return Ok(Vec::new());
        }
        self.claim(ctx, free).await
    }

    async fn wind_down(
        &self,
        ctx: &Ctx,
        mut running: JoinSet<Ended>,
        mut leases: BTreeMap<JobId, Token>,
    ) {
        let finish = async {
            while let Some(ended) = running.join_next().await {
                report(ended, &mut leases);
            }
        };
        if tokio::time::timeout(GRACE, finish).await.is_ok() {
            return;
        }
        running.shutdown().await;
        for (job, token) in leases {
            // Touches nothing when the job ended by itself.
            let given_back = self
                .store
                .tx(ctx, "jobs.give_back", async |tx| {
                    tx.exec(&sql::GIVE_BACK, args![job, token]).await
                })
                .await;
            if let Err(error) = given_back {
                tracing::warn!(%error, "a job stays leased until its lease ends");
            }
        }
    }

    /// Runs every job that is due, one after the other, until none is left;
    /// returns how many ran. For tests and for commands that must not leave
    /// work behind.
    pub async fn drain(&self, ctx: &Ctx) -> Result<u64, StoreError> {
        let ctx = ctx.clone().for_system();
        let mut count = 0;
        loop {
            let found = self.claim(&ctx, 1).await?;
            if found.is_empty() {
                return Ok(count);
            }
            for run in found {
                run.go().await.1?;
                count += 1;
            }
        }
    }

    /// Enqueues the scheduled jobs whose period began, each once across all
    /// nodes; returns how many this call enqueued.
    pub async fn fire_due(&self, ctx: &Ctx) -> Result<u64, StoreError> {
        let ctx = ctx.clone().for_system();
        let mut fired = 0;
        for schedule in &self.schedules {
            let slot = ctx.now().floor_to(schedule.every).unix_micros();
            let last = self
                .store
                .read(&ctx, "jobs.schedules", async |tx| {
                    let row = tx.opt(&sql::LAST_SLOT, args![schedule.kind]).await?;
                    Ok::<_, StoreError>(row.map(|(slot,): (i64,)| slot))
                })
                .await?;
            if last.is_none_or(|last| last < slot) && self.fire(&ctx, schedule, slot).await? {
                fired += 1;
            }
        }
        Ok(fired)
    }

    async fn fire(&self, ctx: &Ctx, schedule: &Schedule, slot: i64) -> Result<bool, StoreError> {
        let spec = JobSpec {
            kind: schedule.kind,
            payload: json!({ "slot": slot }),
            run_at: ctx.now(),
            // A run that is still at work when the next is due counts for both.
            dedupe_key: Some("schedule".to_owned()),
        };
        self.store
            .tx(ctx, "jobs.fire", async |tx| {
                let taken = tx.exec(&sql::TAKE_SLOT, args![schedule.kind, slot]).await?;
                if taken == 0 {
                    return Ok(false);
                }
                enqueue(ctx, tx, spec).await
            })
            .await
    }

    async fn claim(&self, ctx: &Ctx, limit: usize) -> Result<Vec<Run>, StoreError> {
        let due: Vec<(String,)> = self
            .store
            .read(ctx, "jobs.due", async |tx| {
                tx.all(&sql::DUE_KINDS, args![ctx.now()]).await
            })
            .await?;
        let mut due: Vec<_> = due
            .iter()
            .filter_map(|(kind,)| self.handlers.get(kind.as_str()))
            .collect();
        // A flood of one kind must not starve the others: each gets a share, and
        // when slots come back one at a time, somebody else is first each time.
        if !due.is_empty() {
            let [first] = ctx.random::<1>();
            let middle = usize::from(first) % due.len();
            due.rotate_left(middle);
        }
        let share = (limit / due.len().max(1)).max(1);
        let mut found = Vec::new();
        for handler in due {
            let free = limit.saturating_sub(found.len()).min(share);
            if free == 0 {
                break;
            }
            let token: Token = ctx.random();
            let claimed = match self.claim_kind(ctx, handler.kind(), token, free).await {
                Ok(claimed) => claimed,
                // What is leased already is run; the rest is asked for again.
                Err(error) if !found.is_empty() => {
                    tracing::warn!(%error, kind = handler.kind(), "jobs were not claimed");
                    break;
                }
                Err(error) => return Err(error),
            };
            for job in claimed {
                found.push(Run {
                    store: self.store.clone(),
                    ctx: ctx.clone(),
                    handler: Arc::clone(handler),
                    job,
                    token,
                });
            }
        }
        Ok(found)
    }

    async fn claim_kind(
        &self,
        ctx: &Ctx,
        kind: &'static str,
        token: Token,
        free: usize,
    ) -> Result<Vec<ClaimedRow>, StoreError> {
        let now = ctx.now();
        let limit = i64::try_from(free).unwrap_or(1);
        let row = args![kind, now, now.plus(LEASE), token, limit];
        self.store
            .tx(ctx, "jobs.claim", async |tx| tx.all(&sql::CLAIM, row).await)
            .await
    }
}

fn report(ended: Result<Ended, tokio::task::JoinError>, leases: &mut BTreeMap<JobId, Token>) {
    match ended {
        Ok((job, recorded)) => {
            leases.remove(&job);
            if let Err(error) = recorded {
                tracing::warn!(%error, detail = error.detail(), "the outcome of a job was not recorded");
            }
        }
        Err(error) => tracing::error!(%error, "a job's bookkeeping stopped"),
    }
}

/// Forgets finished jobs after [`KEEP_FINISHED`].
struct Purge(Store);

impl JobHandler for Purge {
    fn kind(&self) -> &'static str {
        PURGE_KIND
    }

    fn run<'a>(&'a self, ctx: &'a Ctx, _payload: &'a Value) -> JobFuture<'a> {
        Box::pin(async move {
            let cutoff = ctx.now().minus(KEEP_FINISHED);
            loop {
                let gone = self
                    .0
                    .tx(ctx, "jobs.purge", async |tx| {
                        tx.exec(&sql::PURGE, args![cutoff, PURGE_BATCH]).await
                    })
                    .await
                    .map_err(JobError::from)?;
                if gone < PURGE_BATCH.unsigned_abs() {
                    return Ok(());
                }
            }
        })
    }
}
