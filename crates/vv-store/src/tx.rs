use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr, Sqlite};

use crate::lite::{self, Entry};
use crate::pg::PgTx;
use crate::value::{Arg, Args, FromRow};
use crate::{Engine, Row, Sql, StoreError, Where};

/// An open transaction. After a statement fails nothing more can be done in
/// it, on either engine: use `on conflict do nothing` where a duplicate is
/// expected.
pub struct Tx {
    inner: Inner,
    failed: bool,
    hooks: Vec<Box<dyn FnOnce() + Send>>,
}

pub(crate) enum Inner {
    Pg(PgTx),
    Lite(Entry),
    LiteRead(sqlx::Transaction<'static, Sqlite>),
}

impl Tx {
    pub(crate) const fn new(inner: Inner) -> Self {
        Self {
            inner,
            failed: false,
            hooks: Vec::new(),
        }
    }

    /// The engine underneath.
    pub const fn engine(&self) -> Engine {
        match self.inner {
            Inner::Pg(_) => Engine::Pg,
            Inner::Lite(_) | Inner::LiteRead(_) => Engine::Lite,
        }
    }

    /// Calls `hook` once the transaction is committed and on disk; hooks run in
    /// the order they were added, before [`crate::Store::tx`] returns. After a
    /// rollback or a lost commit they never run, nor when the caller was
    /// dropped before it heard of the commit: what must not be missed is
    /// found in the database. A hook is quick and does not panic.
    pub fn on_commit(&mut self, hook: impl FnOnce() + Send + 'static) {
        self.hooks.push(Box::new(hook));
    }

    /// Lets this transaction, and no other one, delete rows of `audit_events`
    /// on `SQLite`; the table's trigger still asks for a permit. `PostgreSQL`
    /// has roles and triggers alone, so nothing happens there.
    pub async fn allow_prune(&mut self) -> Result<(), StoreError> {
        self.permit(lite::Mode::Prune).await
    }

    /// Lets this transaction change the schema on `SQLite`. For migrations.
    pub(crate) async fn allow_schema(&mut self) -> Result<(), StoreError> {
        self.permit(lite::Mode::Schema).await
    }

    async fn permit(&mut self, mode: lite::Mode) -> Result<(), StoreError> {
        self.ready()?;
        match &mut self.inner {
            Inner::Lite(entry) => entry.permit(mode).await,
            Inner::Pg(_) | Inner::LiteRead(_) => Ok(()),
        }
    }

    /// Runs a statement; returns the number of rows it touched.
    pub async fn exec(&mut self, sql: &'static Sql, args: Args) -> Result<u64, StoreError> {
        let text = self.checked(sql, &args)?;
        self.run(sql.name(), text, args).await
    }

    pub(crate) async fn run(
        &mut self,
        name: &'static str,
        text: &'static str,
        args: Args,
    ) -> Result<u64, StoreError> {
        self.ready()?;
        let result = match &mut self.inner {
            Inner::Pg(tx) => execute_pg(tx.conn()?, text, args).await,
            Inner::Lite(entry) => execute_lite(entry.conn()?, text, args).await,
            Inner::LiteRead(tx) => execute_lite(tx, text, args).await,
        };
        self.note(name, result)
    }

    /// Sends rows through `copy` on `PostgreSQL`.
    pub(crate) async fn copy_in(
        &mut self,
        name: &'static str,
        text: String,
        rows: Vec<Args>,
    ) -> Result<u64, StoreError> {
        self.ready()?;
        let Inner::Pg(tx) = &mut self.inner else {
            return Err(StoreError::unexpected("only PostgreSQL copies"));
        };
        let result = tx.copy(text, rows).await;
        self.note(name, result)
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
            Inner::Pg(tx) => fetch_pg(tx.conn()?, text, args).await,
            Inner::Lite(entry) => fetch_lite(entry.conn()?, text, args).await,
            Inner::LiteRead(tx) => fetch_lite(tx, text, args).await,
        };
        self.note(name, result)
    }

    /// Prepares a statement; returns the types of its columns.
    pub(crate) async fn prepare(
        &mut self,
        text: impl SqlSafeStr + Send,
    ) -> Result<Vec<String>, StoreError> {
        use sqlx::Executor as _;
        let text = text.into_sql_str();
        Ok(match &mut self.inner {
            Inner::Pg(tx) => types(&tx.conn()?.prepare(text).await?),
            Inner::Lite(entry) => types(&entry.conn()?.prepare(text).await?),
            Inner::LiteRead(tx) => types(&(**tx).prepare(text).await?),
        })
    }

    /// Runs a migration's script on the writer.
    pub(crate) async fn script(&mut self, text: &'static str) -> Result<(), StoreError> {
        self.ready()?;
        let result = match &mut self.inner {
            Inner::Pg(tx) => sqlx::raw_sql(text).execute(tx.conn()?).await.map(drop),
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
            Inner::Pg(tx) => tx.commit().await?,
            Inner::Lite(entry) => entry.commit().await?,
            Inner::LiteRead(tx) => tx.rollback().await?,
        }
        for hook in self.hooks {
            hook();
        }
        Ok(())
    }

    /// An error means that the caller's own error rests on rows that were
    /// never committed.
    pub(crate) async fn rollback(self) -> Result<(), StoreError> {
        match self.inner {
            Inner::Lite(entry) => entry.rollback().await,
            Inner::Pg(tx) => {
                tx.rollback().await;
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

fn types<S: sqlx::Statement>(statement: &S) -> Vec<String> {
    use sqlx::{Column as _, TypeInfo as _};
    let columns = statement.columns().iter();
    columns.map(|c| c.type_info().name().to_owned()).collect()
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
