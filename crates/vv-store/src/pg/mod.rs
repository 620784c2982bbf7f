//! The `PostgreSQL` side: connection settings, the pool and transactions.

pub(crate) mod bootstrap;
mod copy;
mod transaction;

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _};
use tokio_util::task::TaskTracker;
use vv_base::{Scope, Secret};

use crate::StoreError;
use crate::error::Detail;
pub(crate) use transaction::PgTx;

const OLDEST: u16 = 15;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const CACHED_STATEMENTS: usize = 256;

/// What every pooled connection is set to before its first use.
const SESSION: &str = "\
    set role valueverse_app; \
    set search_path = auth, audit, keys, cde, gdpr, public; \
    set statement_timeout = '30s'; \
    set lock_timeout = '10s'; \
    set idle_in_transaction_session_timeout = '60s'";

pub(crate) struct Pg {
    options: PgConnectOptions,
    pool: PgPool,
    max_connections: u32,
    tasks: TaskTracker,
}

impl Pg {
    pub(crate) async fn open(
        url: &Secret<String>,
        max_connections: u32,
    ) -> Result<Self, StoreError> {
        let options = options(url)?;
        let mut conn = connect(&options).await?;
        check_version(&mut conn).await?;
        // Refused politely or not, the check is done.
        let _ = conn.close().await;
        let pool = PgPoolOptions::new()
            .max_connections(max_connections.max(1))
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .after_connect(|conn, _| {
                Box::pin(async move {
                    conn.execute(SESSION).await?;
                    Ok(())
                })
            })
            .connect_lazy_with(options.clone());
        Ok(Self {
            options,
            pool,
            max_connections,
            tasks: TaskTracker::new(),
        })
    }

    /// A connection of the login role itself, outside the pool.
    pub(crate) async fn session(&self) -> Result<PgConnection, StoreError> {
        connect(&self.options).await
    }

    pub(crate) async fn begin(&self, scope: Scope) -> Result<PgTx, StoreError> {
        self.begin_with("begin", scope).await
    }

    pub(crate) async fn begin_read(&self, scope: Scope) -> Result<PgTx, StoreError> {
        self.begin_with("begin isolation level repeatable read read only", scope)
            .await
    }

    async fn begin_with(&self, begin: &'static str, scope: Scope) -> Result<PgTx, StoreError> {
        let tenant = match scope {
            Scope::Tenant(tenant) => tenant.to_string(),
            Scope::System => "*".to_owned(),
        };
        // One message instead of two. The tenant is the text of a UUID or `*`,
        // so there is nothing to escape.
        let text = format!("{begin}; select set_config('app.tenant', '{tenant}', true)");
        let mut attempts = 0;
        loop {
            match self.begin_once(text.clone()).await {
                // The pool hands out connections untested; after a restart of
                // the server each of them fails once, before any work is done.
                Err(StoreError::Unreachable(_)) if attempts < self.max_connections => {
                    attempts += 1;
                }
                other => return other,
            }
        }
    }

    /// Runs in a task of its own: a caller dropped half-way through `begin`
    /// would leave a connection with an open transaction in the pool.
    async fn begin_once(&self, text: String) -> Result<PgTx, StoreError> {
        let pool = self.pool.clone();
        let begin = async move { pool.begin_with(AssertSqlSafe(text)).await };
        let task = self.tasks.spawn(begin).await;
        let tx = task.map_err(|_| StoreError::Closed)??;
        Ok(PgTx::new(tx, self.tasks.clone()))
    }

    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let tx = self.begin_read(Scope::System).await?;
        tx.rollback().await;
        Ok(())
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
        self.tasks.close();
        self.tasks.wait().await;
    }
}

pub(crate) fn options(url: &Secret<String>) -> Result<PgConnectOptions, StoreError> {
    let options = PgConnectOptions::from_str(url.expose())
        .map_err(|_| StoreError::config("the database URL is not a valid postgres:// URL"))?;
    Ok(options
        .application_name("valueverse")
        .statement_cache_capacity(CACHED_STATEMENTS)
        .disable_statement_logging())
}

pub(crate) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, StoreError> {
    let timeout = || StoreError::Unreachable(Detail::new("no answer within five seconds"));
    tokio::time::timeout(CONNECT_TIMEOUT, options.connect())
        .await
        .map_err(|_| timeout())?
        .map_err(StoreError::from)
}

async fn check_version(conn: &mut PgConnection) -> Result<(), StoreError> {
    let row = sqlx::query(
        "select current_setting('server_version_num')::int4, current_setting('server_version')",
    )
    .fetch_one(conn)
    .await?;
    let number: i32 = row.try_get(0)?;
    if number / 10_000 < i32::from(OLDEST) {
        return Err(StoreError::TooOld {
            found: row.try_get(1)?,
            needed: OLDEST,
        });
    }
    Ok(())
}
