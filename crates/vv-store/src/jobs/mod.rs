//! Work that happens later: a queue whose rows are written in the caller's
//! transaction, workers that lease and run them, and schedules.
//!
//! A job runs at least once: a worker that dies loses its lease and another
//! one takes over, so handlers must be safe to repeat.

mod queue;
mod run;
mod sql;
mod worker;

use std::future::Future;
use std::pin::Pin;

use serde_json::Value;
use vv_base::{Ctx, JobId, Span, TenantId, Timestamp};

pub use queue::{enqueue, list, revive};
pub use sql::STATEMENTS;
pub use worker::Worker;

/// How often a job is tried before it is given up.
pub const MAX_ATTEMPTS: i64 = 8;
/// Largest payload, in bytes of JSON.
pub const MAX_PAYLOAD: usize = 64 * 1024;
/// How long finished jobs stay visible.
pub const KEEP_FINISHED: Span = Span::days(7);

/// A job to put in the queue.
#[derive(Debug, Clone)]
pub struct JobSpec {
    /// Which handler runs it.
    pub kind: &'static str,
    /// What the handler receives. Never secrets or clear personal data: the
    /// queue is not sealed.
    pub payload: Value,
    /// Not before this time.
    pub run_at: Timestamp,
    /// While a job of the same kind, tenant and key waits or runs, another is
    /// not added.
    pub dedupe_key: Option<String>,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JobError {
    message: String,
    permanent: bool,
}

impl JobError {
    /// Worth another try later. The message is shown to staff: no secrets, no
    /// personal data.
    pub fn retry(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            permanent: false,
        }
    }

    /// Trying again cannot help.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            permanent: true,
        }
    }

    /// Whether the job is given up at once.
    pub const fn is_permanent(&self) -> bool {
        self.permanent
    }
}

impl From<crate::StoreError> for JobError {
    fn from(error: crate::StoreError) -> Self {
        Self::retry(error.to_string())
    }
}

/// What [`JobHandler::run`] returns.
pub type JobFuture<'a> = Pin<Box<dyn Future<Output = Result<(), JobError>> + Send + 'a>>;

/// Runs the jobs of one kind. Write `Box::pin(async move { … })` in `run`.
pub trait JobHandler: Send + Sync + 'static {
    /// The kind it runs, such as `mail.send`.
    fn kind(&self) -> &'static str;

    /// Does the work. `ctx` has the scope of the tenant that the job was
    /// enqueued for. May be called again with the same payload.
    fn run<'a>(&'a self, ctx: &'a Ctx, payload: &'a Value) -> JobFuture<'a>;
}

/// A job that is enqueued again and again, once per period across all nodes.
/// The first run is due at once.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Which handler runs it; its payload is `{"slot": <microseconds>}`.
    pub kind: &'static str,
    /// The period, aligned to the epoch.
    pub every: Span,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Waits for its time or for another try.
    Queued,
    /// A worker has it.
    Leased,
    /// Finished.
    Done,
    /// Given up.
    Dead,
}

impl JobState {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }
}

impl crate::FromColumn for JobState {
    fn from_value(value: crate::Value) -> Option<Self> {
        let text = String::from_value(value)?;
        [Self::Queued, Self::Leased, Self::Done, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

crate::row! {
    /// A job as lists show it; the payload stays inside.
    #[derive(Debug, Clone, serde::Serialize)]
    pub struct JobView {
        /// Its id.
        pub id: JobId,
        /// The tenant it works for, if it belongs to one.
        pub tenant_id: Option<TenantId>,
        /// Its kind.
        pub kind: String,
        /// Where it stands.
        pub state: JobState,
        /// When it runs next or was last due.
        pub run_at: Timestamp,
        /// Tries so far.
        pub attempts: i64,
        /// Why the last try failed.
        pub last_error: Option<String>,
        /// When it was enqueued.
        pub created_at: Timestamp,
        /// When it finished or was given up.
        pub finished_at: Option<Timestamp>,
    }
}
