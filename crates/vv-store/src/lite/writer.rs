use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_util::task::TaskTracker;

use super::Counters;
use super::authorizer::Mode;
use super::batch::{self, Outcome, State};
use crate::StoreError;

/// Longest wait for a turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);
/// Callers that may queue; more are turned away at once.
const MAX_WAITING: usize = 8192;

type Guard = OwnedMutexGuard<State>;

/// The one connection that writes. Callers take turns in order of arrival;
/// each turn is a savepoint in a transaction that many callers share, and one
/// commit, one sync to disk, answers all of them.
///
/// Whoever leaves is responsible that the batch does not stay open: a leaver
/// starts the commit when nobody is queued or the batch is full, and hands the
/// connection to the next in the queue otherwise. A caller that is cancelled
/// leaves through `Drop` of [`Entry`] or [`Queued`], which do the same. The
/// commit itself runs in a task of the store that nobody can cancel.
pub(crate) struct Writer {
    state: Arc<Mutex<State>>,
    waiting: AtomicUsize,
    tasks: TaskTracker,
    runtime: tokio::runtime::Handle,
    pub(crate) counters: Arc<Counters>,
}

impl Writer {
    pub(super) async fn open(options: SqliteConnectOptions) -> Result<Self, StoreError> {
        let conn = batch::connect(&options).await?;
        let counters = Arc::new(Counters::default());
        let state = State::new(conn, options, Arc::clone(&counters));
        Ok(Self {
            state: Arc::new(Mutex::new(state)),
            waiting: AtomicUsize::new(0),
            tasks: TaskTracker::new(),
            runtime: tokio::runtime::Handle::current(),
            counters,
        })
    }

    async fn turn(self: &Arc<Self>) -> Result<Guard, StoreError> {
        let queued = Queued::join(self)?;
        let lock = Arc::clone(&self.state).lock_owned();
        let guard = tokio::time::timeout(TURN_TIMEOUT, lock)
            .await
            .map_err(|_| StoreError::Overloaded)?;
        queued.called();
        Ok(guard)
    }

    /// Waits for a turn and opens a savepoint.
    pub(crate) async fn enter(self: &Arc<Self>) -> Result<Entry, StoreError> {
        let guard = self.turn().await?;
        let mut entry = Entry {
            writer: Arc::clone(self),
            guard: Some(guard),
        };
        entry.state()?.enter().await?;
        Ok(entry)
    }

    /// Commits in a task of its own, so that a cancelled caller cannot stop it.
    fn settle(self: &Arc<Self>, mut guard: Guard) {
        let task = async move { guard.settle().await };
        self.tasks.spawn_on(task, &self.runtime);
    }

    fn settle_later(self: &Arc<Self>) {
        let lock = Arc::clone(&self.state).lock_owned();
        let task = async move { lock.await.settle().await };
        self.tasks.spawn_on(task, &self.runtime);
    }

    pub(crate) async fn close(self: &Arc<Self>) {
        if let Ok(mut state) = self.turn().await {
            state.settle().await;
            state.closed = true;
            if let Some(conn) = state.conn.take() {
                let closed = sqlx::Connection::close(conn).await;
                if let Err(error) = closed {
                    tracing::warn!(%error, "the database file did not close cleanly");
                }
            }
        }
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// A place in the queue.
struct Queued<'a> {
    writer: &'a Arc<Writer>,
    called: bool,
}

impl<'a> Queued<'a> {
    fn join(writer: &'a Arc<Writer>) -> Result<Self, StoreError> {
        let queued = Self {
            writer,
            called: false,
        };
        if writer.waiting.fetch_add(1, Ordering::SeqCst) >= MAX_WAITING {
            return Err(StoreError::Overloaded);
        }
        Ok(queued)
    }

    fn called(mut self) {
        self.called = true;
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let before = self.writer.waiting.fetch_sub(1, Ordering::SeqCst);
        // Somebody may have left the batch open because this caller was queued.
        if !self.called && before == 1 {
            self.writer.settle_later();
        }
    }
}

/// A turn at the writer, with an open savepoint.
pub(crate) struct Entry {
    writer: Arc<Writer>,
    guard: Option<Guard>,
}

impl Entry {
    fn state(&mut self) -> Result<&mut State, StoreError> {
        self.guard.as_deref_mut().ok_or(StoreError::Closed)
    }

    pub(crate) fn conn(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.state()?.conn.as_mut().ok_or(StoreError::Closed)
    }

    /// Lets this caller do more than the product does, until it leaves.
    pub(crate) async fn permit(&mut self, mode: Mode) -> Result<(), StoreError> {
        self.state()?.permit(mode).await
    }

    /// Keeps the work and returns when it is safe on disk.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        let answer = self.state()?.keep().await?;
        self.leave();
        outcome(answer.await)
    }

    /// Takes the work back. An error means that what the caller saw was not
    /// committed either.
    pub(crate) async fn rollback(mut self) -> Result<(), StoreError> {
        let answer = self.state()?.undo().await?;
        self.leave();
        match answer {
            Some(answer) => outcome(answer.await),
            None => Ok(()),
        }
    }

    fn leave(&mut self) {
        let Some(guard) = self.guard.take() else {
            return;
        };
        let nobody_queued = self.writer.waiting.load(Ordering::SeqCst) == 0;
        if nobody_queued || guard.is_full() {
            self.writer.settle(guard);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(guard) = self.guard.take() {
            self.writer.settle(guard);
        }
    }
}

fn outcome(answer: Result<Outcome, tokio::sync::oneshot::error::RecvError>) -> Outcome {
    answer.unwrap_or_else(|_| Err(StoreError::unexpected("the commit gave no answer")))
}
