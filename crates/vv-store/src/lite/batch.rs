use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::oneshot;

use super::Counters;
use super::authorizer::{self, Mode};
use crate::StoreError;
use crate::error::Detail;

/// Transactions that share one commit at most.
const MAX_MEMBERS: usize = 512;
/// How long a batch stays open for callers that are already queued: about the
/// cost of the sync that they then share. A lone caller never waits.
const LINGER: Duration = Duration::from_millis(20);

const BEGIN: &str = "begin immediate; savepoint batch; savepoint member";
const ENTER: &str = "savepoint member";
const KEEP: &str = "release member";
const UNDO: &str = "rollback to member; release member";
/// Fails exactly when the batch's transaction is gone.
const PROBE: &str = "release batch; savepoint batch";

pub(super) type Outcome = Result<(), StoreError>;

/// The writer's connection and the transactions that wait for its next commit.
pub(super) struct State {
    pub(super) conn: Option<SqliteConnection>,
    pub(super) closed: bool,
    options: SqliteConnectOptions,
    counters: Arc<Counters>,
    batch: Option<Batch>,
    /// A member is at work, or was dropped at work: what it left behind is
    /// undone before anything else happens.
    dirty: bool,
    /// What the member at work may do. Whoever finds it changed takes it back
    /// before another member comes in.
    mode: Mode,
}

struct Batch {
    opened: Instant,
    members: usize,
    waiters: Vec<oneshot::Sender<Outcome>>,
}

/// A connection that refuses what the product must never do.
pub(super) async fn connect(
    options: &SqliteConnectOptions,
) -> Result<SqliteConnection, StoreError> {
    let mut conn = options.connect().await?;
    authorizer::set(&mut conn, Mode::Product).await?;
    Ok(conn)
}

impl State {
    pub(super) fn new(
        conn: SqliteConnection,
        options: SqliteConnectOptions,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            counters,
            conn: Some(conn),
            closed: false,
            options,
            batch: None,
            dirty: false,
            mode: Mode::Product,
        }
    }

    /// Lets the member at work do more, until it leaves.
    pub(super) async fn permit(&mut self, mode: Mode) -> Result<(), StoreError> {
        let conn = self.conn.as_mut().ok_or(StoreError::Closed)?;
        // Noted first: a caller dropped right after this has it taken back.
        self.mode = mode;
        authorizer::set(conn, mode).await
    }

    async fn withdraw(&mut self) -> Result<(), StoreError> {
        if self.mode != Mode::Product {
            if let Some(conn) = self.conn.as_mut() {
                authorizer::set(conn, Mode::Product).await?;
            }
            self.mode = Mode::Product;
        }
        Ok(())
    }

    /// Ends the member at work; without an answer everything is lost.
    async fn end(&mut self, text: &'static str) -> Result<(), StoreError> {
        let ended = match self.withdraw().await {
            Ok(()) => self.run(text).await,
            refused => refused,
        };
        if let Err(error) = &ended {
            self.fail(error).await;
        } else {
            self.dirty = false;
        }
        ended
    }

    async fn run(&mut self, text: &'static str) -> Result<(), StoreError> {
        let conn = self.conn.as_mut().ok_or(StoreError::Closed)?;
        sqlx::query(text).execute(conn).await?;
        Ok(())
    }

    /// Lets one transaction in, opening a batch if there is none.
    pub(super) async fn enter(&mut self) -> Result<(), StoreError> {
        if self.closed {
            return Err(StoreError::Closed);
        }
        self.repair().await;
        if self.conn.is_none() {
            self.conn = Some(connect(&self.options).await?);
        }
        self.dirty = true;
        if self.batch.is_some() {
            return self.run(ENTER).await;
        }
        self.run(BEGIN).await?;
        self.batch = Some(Batch {
            opened: Instant::now(),
            members: 0,
            waiters: Vec::new(),
        });
        Ok(())
    }

    /// Makes the member's work part of the batch; the answer comes with the commit.
    pub(super) async fn keep(&mut self) -> Result<oneshot::Receiver<Outcome>, StoreError> {
        self.end(KEEP).await?;
        let batch = self.batch.as_mut().ok_or(StoreError::Closed)?;
        batch.members += 1;
        Ok(Self::wait(batch))
    }

    /// Takes the member's work back. Others in the batch are untouched. What
    /// the member saw may be theirs and uncommitted, so its answer waits too.
    pub(super) async fn undo(&mut self) -> Result<Option<oneshot::Receiver<Outcome>>, StoreError> {
        self.end(UNDO).await?;
        let batch = self.batch.as_mut().ok_or(StoreError::Closed)?;
        Ok((batch.members > 0).then(|| Self::wait(batch)))
    }

    fn wait(batch: &mut Batch) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        batch.waiters.push(sender);
        receiver
    }

    /// Whether the batch must be committed although others are queued.
    pub(super) fn is_full(&self) -> bool {
        self.batch
            .as_ref()
            .is_none_or(|b| b.members >= MAX_MEMBERS || b.opened.elapsed() >= LINGER)
    }

    /// Undoes what a dropped member left behind.
    pub(super) async fn repair(&mut self) {
        if !self.dirty {
            return;
        }
        if let Err(error) = self.withdraw().await {
            self.fail(&error).await;
            return;
        }
        if self.batch.as_ref().is_some_and(|b| b.members > 0) {
            // The member may have been dropped before its savepoint was made or
            // after it was released; then only the batch itself must be there.
            let intact = self.run(UNDO).await.is_ok() || self.run(PROBE).await.is_ok();
            if !intact {
                let lost = StoreError::Busy(Detail::new("the batch was lost"));
                self.fail(&lost).await;
            }
        } else {
            self.batch = None;
            // Refused when no transaction is open, which is just as good; a
            // transaction that stays open makes the next begin fail.
            let _ = self.run("rollback").await;
        }
        self.dirty = false;
    }

    /// Commits what is in the batch and answers everybody in it. Must not be
    /// cancelled.
    pub(super) async fn settle(&mut self) {
        self.repair().await;
        let Some(batch) = self.batch.take() else {
            return;
        };
        let text = if batch.members == 0 {
            "rollback"
        } else {
            "commit"
        };
        let outcome = self.run(text).await.map_err(commit_failed);
        if outcome.is_err() {
            // After a failed sync nothing about the connection can be trusted.
            self.discard().await;
        } else if batch.members > 0 {
            self.counters.note(batch.members);
        }
        for waiter in batch.waiters {
            // A caller that is gone needs no answer.
            let _ = waiter.send(outcome.clone());
        }
    }

    async fn fail(&mut self, error: &StoreError) {
        if let Some(batch) = self.batch.take() {
            for waiter in batch.waiters {
                let _ = waiter.send(Err(error.clone()));
            }
        }
        self.discard().await;
        self.dirty = false;
    }

    async fn discard(&mut self) {
        if let Some(conn) = self.conn.take() {
            // Closing rolls back whatever is open.
            let _ = conn.close().await;
        }
        // The next connection starts with nothing permitted.
        self.mode = Mode::Product;
    }
}

/// A rule that refuses the commit was broken by one member; the others must
/// not take it for an answer to their own statements.
fn commit_failed(error: StoreError) -> StoreError {
    match error {
        StoreError::Conflict(detail) | StoreError::Constraint(detail) => {
            StoreError::Unexpected(detail)
        }
        other => other,
    }
}
