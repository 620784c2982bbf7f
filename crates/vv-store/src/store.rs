use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tracing::Instrument as _;
use vv_base::{Ctx, Secret};

use crate::lite::{self, Lite};
use crate::migrations::Family;
use crate::pg::Pg;
use crate::tx::{Inner, Tx};
use crate::{Engine, StoreError};

tokio::task_local! {
    /// Stores that this task has a transaction open in.
    static HELD: Vec<u64>;
}

static NEXT_STORE: AtomicU64 = AtomicU64::new(0);

/// Where the rows live.
#[derive(Debug, Clone)]
pub enum Target {
    /// A file on this machine. Its folder must exist; the file is created with
    /// mode 0600. [`Family::Keys`] lives in `keys.db` next to it.
    Lite {
        /// The main database file.
        path: PathBuf,
    },
    /// A `PostgreSQL` server.
    Pg {
        /// Connection URL, `postgres://…`.
        url: Secret<String>,
        /// Most connections this process opens.
        max_connections: u32,
    },
}

/// How many transactions went to disk in how many commits. `SQLite` only;
/// `PostgreSQL` groups commits by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Commits, each one sync to disk.
    pub commits: u64,
    /// Transactions in these commits.
    pub transactions: u64,
}

/// A database. Clones share the connections.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    id: u64,
    family: Family,
    backend: Backend,
}

pub(crate) enum Backend {
    Pg(Box<Pg>),
    Lite(Lite),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Write,
    Read,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("engine", &self.engine())
            .field("family", &self.shared.family)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Connects, in one attempt: the file is created or the server's version
    /// checked. Nothing is migrated yet; see [`Store::migrate`] and [`Store::guard`].
    pub async fn open(target: &Target, family: Family) -> Result<Self, StoreError> {
        let backend = match target {
            Target::Lite { path } => {
                let path = match family {
                    Family::Main => path.clone(),
                    Family::Keys => lite::keys_path(path),
                };
                Backend::Lite(lite::open(&path).await?)
            }
            Target::Pg {
                url,
                max_connections,
            } => Backend::Pg(Box::new(Pg::open(url, *max_connections).await?)),
        };
        let id = NEXT_STORE.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            shared: Arc::new(Shared {
                id,
                family,
                backend,
            }),
        })
    }

    /// The engine underneath.
    pub fn engine(&self) -> Engine {
        match self.shared.backend {
            Backend::Pg(_) => Engine::Pg,
            Backend::Lite(_) => Engine::Lite,
        }
    }

    /// Which tables this store has.
    pub fn family(&self) -> Family {
        self.shared.family
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.shared.backend
    }

    /// Runs `work` in a transaction: committed and on disk when this returns
    /// `Ok`, rolled back when `work` returns an error.
    ///
    /// On `SQLite` there is one writer, and it is held while `work` runs: no
    /// network calls and no slow computing inside. A transaction of the same
    /// store inside `work` is refused with [`StoreError::Nested`].
    ///
    /// A caller that is dropped before its commit leaves no trace; one that is
    /// dropped while the commit runs may or may not have been committed.
    pub async fn tx<T, E>(
        &self,
        ctx: &Ctx,
        name: &'static str,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        self.run(ctx, name, Mode::Write, work).await
    }

    /// Runs `work` on a read-only snapshot; on `SQLite` next to the writer.
    /// The same rules on nesting as for [`Store::tx`] hold.
    pub async fn read<T, E>(
        &self,
        ctx: &Ctx,
        name: &'static str,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        self.run(ctx, name, Mode::Read, work).await
    }

    async fn run<T, E>(
        &self,
        ctx: &Ctx,
        name: &'static str,
        mode: Mode,
        work: impl AsyncFnOnce(&mut Tx) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
    {
        let started = Instant::now();
        let span = tracing::debug_span!("store", name);
        let (result, outcome) = async {
            let mut tx = match self.begin(ctx, mode).await {
                Ok(tx) => tx,
                Err(error) => return (Err(E::from(error)), "refused"),
            };
            match self.held(work(&mut tx)).await {
                Ok(value) => match tx.commit().await {
                    Ok(()) => (Ok(value), "ok"),
                    Err(error) => (Err(E::from(error)), "lost"),
                },
                Err(error) => match tx.rollback().await {
                    Ok(()) => (Err(error), "rolled_back"),
                    Err(lost) => (Err(E::from(lost)), "lost"),
                },
            }
        }
        .instrument(span)
        .await;
        metrics::histogram!("valueverse_store_tx_seconds", "name" => name, "outcome" => outcome)
            .record(started.elapsed().as_secs_f64());
        result
    }

    async fn held<F: Future>(&self, work: F) -> F::Output {
        let mut held = HELD.try_with(Clone::clone).unwrap_or_default();
        held.push(self.shared.id);
        HELD.scope(held, work).await
    }

    async fn begin(&self, ctx: &Ctx, mode: Mode) -> Result<Tx, StoreError> {
        let nested = HELD
            .try_with(|held| held.contains(&self.shared.id))
            .unwrap_or(false);
        if nested {
            return Err(StoreError::Nested);
        }
        let inner = match (&self.shared.backend, mode) {
            (Backend::Pg(pg), Mode::Write) => Inner::Pg(pg.begin(ctx.scope).await?),
            (Backend::Pg(pg), Mode::Read) => Inner::Pg(pg.begin_read(ctx.scope).await?),
            (Backend::Lite(lite), Mode::Write) => Inner::Lite(lite.writer.enter().await?),
            (Backend::Lite(lite), Mode::Read) => Inner::LiteRead(lite.readers.begin().await?),
        };
        Ok(Tx::new(inner))
    }

    /// Whether the database answers. Waits five seconds at most.
    pub async fn ping(&self) -> Result<(), StoreError> {
        match &self.shared.backend {
            Backend::Pg(pg) => pg.ping().await,
            Backend::Lite(lite) => {
                sqlx::query("select 1").execute(&lite.readers).await?;
                Ok(())
            }
        }
    }

    /// Commits what is queued and closes every connection.
    pub async fn close(&self) {
        match &self.shared.backend {
            Backend::Pg(pg) => pg.close().await,
            Backend::Lite(lite) => {
                lite.readers.close().await;
                lite.writer.close().await;
            }
        }
    }

    /// Commits so far, for metrics and tests.
    pub fn stats(&self) -> Stats {
        match &self.shared.backend {
            Backend::Pg(_) => Stats::default(),
            Backend::Lite(lite) => {
                let counters = &lite.writer.counters;
                Stats {
                    commits: counters.commits.load(Ordering::Relaxed),
                    transactions: counters.transactions.load(Ordering::Relaxed),
                }
            }
        }
    }
}
