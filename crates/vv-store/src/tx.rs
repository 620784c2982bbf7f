use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr, Sqlite};

use crate::lite::Entry;
use crate::value::{Arg, Args, FromRow};
use crate::{Engine, Row, Sql, StoreError, Where};

/// An open transaction. After a statement fails nothing more can be done in
/// it, on either engine: use `on conflict do nothing` where a duplicate is
/// expected.
pub struct Tx {
    inner: Inner,
    failed: bool,
}

pub(crate) enum Inner {
    Pg(sqlx::Transaction<'static, Postgres>),
    Lite(Entry),
    LiteRead(sqlx::Transaction<'static, Sqlite>),
}

impl Tx {
    pub(crate) const fn new(inner: Inner) -> Self {
        Self {
            inner,
            failed: false,
        }
    }

    /// The engine underneath.
    pub const fn engine(&self) -> Engine {
        match self.inner {
            Inner::Pg(_) => Engine::Pg,
            Inner::Lite(_) | Inner::LiteRead(_) => Engine::Lite,
        }
    }

    /// Runs a statement; returns the number of rows it touched.
    pub async fn exec(&mut self, sql: &'static Sql, args: Args) -> Result<u64, StoreError> {
        self.ready()?;
        let text = self.checked(sql, &args)?;
        let result = match &mut self.inner {
            Inner::Pg(tx) => execute_pg(tx, text, args).await,
            Inner::Lite(entry) => execute_lite(entry.conn()?, text, args).await,
            Inner::LiteRead(tx) => execute_lite(tx, text, args).await,
        };
        self.note(sql.name(), result)
    }

    /// Runs a statement that must touch exactly one row.
    pub async fn exec_one(&mut self, sql: &'static Sql, args: Args) -> Result<(), StoreError> {
        match self.exec(sql, args).await? {
            1 => Ok(()),
            n => Err(StoreError::unexpected(format!(
                "{} touched {n} rows instead of one",
                sql.name()
            ))),
        }
    }

    /// The row, if there is one; more than one is an error.
    pub async fn opt<R: FromRow>(
        &mut self,
        sql: &'static Sql,
        args: Args,
    ) -> Result<Option<R>, StoreError> {
        let rows = self.fetch(sql, args).await?;
        if rows.len() > 1 {
            return Err(StoreError::unexpected(format!(
                "{} found {} rows instead of one",
                sql.name(),
                rows.len()
            )));
        }
        rows.first().map(R::from_row).transpose()
    }

    /// The one row; [`StoreError::NotFound`] without it.
    pub async fn one<R: FromRow>(
        &mut self,
        sql: &'static Sql,
        args: Args,
    ) -> Result<R, StoreError> {
        self.opt(sql, args).await?.ok_or(StoreError::NotFound)
    }

    /// All rows. The statement bounds their number.
    pub async fn all<R: FromRow>(
        &mut self,
        sql: &'static Sql,
        args: Args,
    ) -> Result<Vec<R>, StoreError> {
        let rows = self.fetch(sql, args).await?;
        rows.iter().map(R::from_row).collect()
    }

    /// The rows of a list query.
    pub async fn select<R: FromRow>(&mut self, query: &Where) -> Result<Vec<R>, StoreError> {
        let (text, args) = query.parts()?;
        let rows = self.fetch_text("select", AssertSqlSafe(text), args).await?;
        rows.iter().map(R::from_row).collect()
    }

    async fn fetch(&mut self, sql: &'static Sql, args: Args) -> Result<Vec<Row>, StoreError> {
        let text = self.checked(sql, &args)?;
        self.fetch_text(sql.name(), text, args).await
    }

    async fn fetch_text(
        &mut self,
        name: &'static str,
        text: impl SqlSafeStr + Send,
        args: Args,
    ) -> Result<Vec<Row>, StoreError> {
        self.ready()?;
        let result = match &mut self.inner {
            Inner::Pg(tx) => fetch_pg(tx, text, args).await,
            Inner::Lite(entry) => fetch_lite(entry.conn()?, text, args).await,
            Inner::LiteRead(tx) => fetch_lite(tx, text, args).await,
        };
        self.note(name, result)
    }

    pub(crate) async fn prepare(&mut self, sql: &'static Sql) -> Result<(), StoreError> {
        use sqlx::Executor as _;
        let text = sql.text(self.engine()).into_sql_str();
        match &mut self.inner {
            Inner::Pg(tx) => drop((**tx).prepare(text).await?),
            Inner::Lite(entry) => drop(entry.conn()?.prepare(text).await?),
            Inner::LiteRead(tx) => drop((**tx).prepare(text).await?),
        }
        Ok(())
    }

    /// Runs a migration's script on the writer.
    pub(crate) async fn script(&mut self, text: &'static str) -> Result<(), StoreError> {
        self.ready()?;
        let result = match &mut self.inner {
            Inner::Pg(tx) => sqlx::raw_sql(text).execute(&mut **tx).await.map(drop),
            Inner::Lite(entry) => sqlx::raw_sql(text).execute(entry.conn()?).await.map(drop),
            Inner::LiteRead(tx) => sqlx::raw_sql(text).execute(&mut **tx).await.map(drop),
        };
        self.note("script", result)
    }

    fn checked(&self, sql: &'static Sql, args: &[Arg]) -> Result<&'static str, StoreError> {
        let engine = self.engine();
        let (wanted, given) = (sql.arity(engine), args.len());
        if wanted != given {
            let name = sql.name();
            return Err(StoreError::unexpected(format!(
                "{name} takes {wanted} values, {given} were given"
            )));
        }
        Ok(sql.text(engine))
    }

    const fn ready(&self) -> Result<(), StoreError> {
        if self.failed {
            return Err(StoreError::Aborted);
        }
        Ok(())
    }

    fn note<T>(
        &mut self,
        name: &'static str,
        result: Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        result.map_err(|error| {
            self.failed = true;
            let error = StoreError::from(error);
            tracing::debug!(
                statement = name,
                detail = error.detail(),
                "statement failed"
            );
            error
        })
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        if self.failed {
            // PostgreSQL would answer this commit with a silent rollback.
            self.rollback().await?;
            return Err(StoreError::Aborted);
        }
        match self.inner {
            Inner::Pg(tx) => Ok(tx.commit().await?),
            Inner::Lite(entry) => entry.commit().await,
            Inner::LiteRead(tx) => Ok(tx.rollback().await?),
        }
    }

    /// An error means that the caller's own error rests on rows that were
    /// never committed.
    pub(crate) async fn rollback(self) -> Result<(), StoreError> {
        match self.inner {
            Inner::Lite(entry) => entry.rollback().await,
            // A rollback that fails leaves a broken connection, which the pool
            // discards and the server rolls back.
            Inner::Pg(tx) => {
                let _ = tx.rollback().await;
                Ok(())
            }
            Inner::LiteRead(tx) => {
                let _ = tx.rollback().await;
                Ok(())
            }
        }
    }
}

macro_rules! bind_all {
    ($query:ident, $args:ident) => {
        for arg in $args {
            $query = match arg {
                Arg::Int(v) => $query.bind(v),
                Arg::Bool(v) => $query.bind(v),
                Arg::Text(v) => $query.bind(v),
                Arg::Bytes(v) => $query.bind(v),
                Arg::Uuid(v) => $query.bind(v),
            };
        }
    };
}

async fn execute_pg(
    conn: &mut sqlx::PgConnection,
    text: impl SqlSafeStr,
    args: Args,
) -> Result<u64, sqlx::Error> {
    let mut query = sqlx::query::<Postgres>(text);
    bind_all!(query, args);
    Ok(query.execute(conn).await?.rows_affected())
}

async fn execute_lite(
    conn: &mut sqlx::SqliteConnection,
    text: impl SqlSafeStr,
    args: Args,
) -> Result<u64, sqlx::Error> {
    let mut query = sqlx::query::<Sqlite>(text);
    bind_all!(query, args);
    Ok(query.execute(conn).await?.rows_affected())
}

async fn fetch_pg(
    conn: &mut sqlx::PgConnection,
    text: impl SqlSafeStr,
    args: Args,
) -> Result<Vec<Row>, sqlx::Error> {
    let mut query = sqlx::query::<Postgres>(text);
    bind_all!(query, args);
    let rows = query.fetch_all(conn).await?;
    Ok(rows.into_iter().map(Row::pg).collect())
}

async fn fetch_lite(
    conn: &mut sqlx::SqliteConnection,
    text: impl SqlSafeStr,
    args: Args,
) -> Result<Vec<Row>, sqlx::Error> {
    let mut query = sqlx::query::<Sqlite>(text);
    bind_all!(query, args);
    let rows = query.fetch_all(conn).await?;
    Ok(rows.into_iter().map(Row::lite).collect())
}
