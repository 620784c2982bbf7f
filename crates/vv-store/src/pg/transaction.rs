use sqlx::{PgConnection, Postgres};
use tokio_util::task::TaskTracker;

use super::copy;
use crate::StoreError;
use crate::value::Args;

/// An open transaction on a pooled connection.
pub(crate) struct PgTx {
    /// Empty while a copy is at work, and for good when its caller was dropped.
    open: Option<sqlx::Transaction<'static, Postgres>>,
    tasks: TaskTracker,
}

impl PgTx {
    pub(super) const fn new(
        open: sqlx::Transaction<'static, Postgres>,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            open: Some(open),
            tasks,
        }
    }

    pub(crate) fn conn(&mut self) -> Result<&mut PgConnection, StoreError> {
        match &mut self.open {
            Some(tx) => Ok(&mut **tx),
            None => Err(StoreError::Aborted),
        }
    }

    /// Runs `copy … from stdin` with these rows; returns how many were taken.
    ///
    /// In a task of its own: the driver loses count of the server's answers
    /// when a caller is dropped half-way, and the next user of the connection
    /// would read answers that are not its own.
    pub(crate) async fn copy(&mut self, text: String, rows: Vec<Args>) -> Result<u64, sqlx::Error> {
        let mut tx = self.open.take().ok_or(sqlx::Error::PoolClosed)?;
        let work = async move {
            let copied = copy::run(&mut tx, &text, rows).await;
            (tx, copied)
        };
        let (tx, copied) = self
            .tasks
            .spawn(work)
            .await
            .map_err(|_| sqlx::Error::WorkerCrashed)?;
        self.open = Some(tx);
        copied
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let tx = self.open.ok_or(StoreError::Aborted)?;
        Ok(tx.commit().await?)
    }

    /// A rollback that fails leaves a broken connection, which the pool
    /// discards and the server rolls back.
    pub(crate) async fn rollback(self) {
        if let Some(tx) = self.open {
            let _ = tx.rollback().await;
        }
    }
}
