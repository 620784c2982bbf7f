//! Bringing the schema up to date, and refusing to run on any other.

use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use vv_base::{Ctx, Timestamp};

use crate::migrations::{Family, Migration};
use crate::pg::{Pg, bootstrap};
use crate::store::Backend;
use crate::{Engine, Sql, Store, StoreError, args};

/// A migration that this run applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// Its number.
    pub number: i64,
    /// Its name, such as `0001_foundation`.
    pub name: &'static str,
}

crate::row! {
    struct AppliedRow {
        version: i64,
        name: String,
        checksum: String,
    }
}

const LITE_TABLE: &str = "create table if not exists schema_migrations (
    version integer not null primary key,
    name text not null,
    checksum text not null,
    applied_at integer not null
  ) strict";
static LITE_TABLE_EXISTS: Sql = Sql::same(
    "migrate.table",
    "select count(*) as n from sqlite_schema where type = 'table' and name = 'schema_migrations'",
);
static LITE_APPLIED: Sql = Sql::same(
    "migrate.applied",
    "select version, name, checksum from schema_migrations order by version",
);
static LITE_RECORD: Sql = Sql::same(
    "migrate.record",
    "insert into schema_migrations (version, name, checksum, applied_at) values ($1, $2, $3, $4)",
);

impl Store {
    /// Applies the migrations that are missing, each in a transaction of its
    /// own. Nodes that start together take turns. Refuses a schema that is
    /// newer than this release or differs from it.
    pub async fn migrate(&self, ctx: &Ctx) -> Result<Vec<Applied>, StoreError> {
        match self.backend() {
            Backend::Pg(pg) => migrate_pg(pg, self.family(), ctx).await,
            Backend::Lite(_) => self.migrate_lite(ctx).await,
        }
    }

    /// Names of the migrations that [`Store::migrate`] would apply.
    pub async fn pending(&self) -> Result<Vec<&'static str>, StoreError> {
        let applied = self.applied().await?;
        let missing = missing(self.family(), self.engine(), &applied)?;
        Ok(missing.iter().map(|m| m.name).collect())
    }

    /// Fails unless the schema is exactly the one of this release.
    pub async fn guard(&self) -> Result<(), StoreError> {
        let pending = self.pending().await?;
        match pending.first() {
            None => Ok(()),
            Some(first) => Err(StoreError::SchemaPending {
                count: pending.len(),
                first,
            }),
        }
    }

    async fn applied(&self) -> Result<Vec<AppliedRow>, StoreError> {
        match self.backend() {
            Backend::Pg(pg) => {
                let mut conn = pg.session().await?;
                let applied = applied_pg(&mut conn, self.family()).await;
                let _ = conn.close().await;
                applied
            }
            Backend::Lite(lite) => {
                let tx = lite.readers.begin().await?;
                let mut tx = crate::Tx::new(crate::tx::Inner::LiteRead(tx));
                let applied = applied_lite(&mut tx).await;
                tx.rollback().await?;
                applied
            }
        }
    }

    async fn migrate_lite(&self, ctx: &Ctx) -> Result<Vec<Applied>, StoreError> {
        let mut done = Vec::new();
        let now = ctx.now();
        loop {
            let family = self.family();
            let step = self.tx(ctx, "store.migrate", async |tx| {
                tx.allow_schema().await?;
                tx.script(LITE_TABLE).await?;
                let applied = applied_lite(tx).await?;
                let missing = missing(family, Engine::Lite, &applied)?;
                let Some(next) = missing.first() else {
                    return Ok::<_, StoreError>(None);
                };
                let text = next.text(Engine::Lite);
                tx.script(text).await?;
                let record = args![next.number, next.name, checksum(text), now];
                tx.exec_one(&LITE_RECORD, record).await?;
                Ok(Some(Applied {
                    number: next.number,
                    name: next.name,
                }))
            });
            match step.await? {
                Some(applied) => done.push(applied),
                None => return Ok(done),
            }
        }
    }
}

fn checksum(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// What is missing, after checking that what is there is ours.
fn missing(
    family: Family,
    engine: Engine,
    applied: &[AppliedRow],
) -> Result<&'static [Migration], StoreError> {
    let known = family.migrations();
    let newest = known.last().map_or(0, |m| m.number);
    if let Some(found) = applied.last().map(|a| a.version).filter(|v| *v > newest) {
        return Err(StoreError::SchemaNewer {
            found,
            known: newest,
        });
    }
    for (index, row) in applied.iter().enumerate() {
        let same = known.get(index).is_some_and(|m| {
            m.number == row.version
                && m.name == row.name
                && checksum(m.text(engine)) == row.checksum
        });
        if !same {
            return Err(StoreError::ChecksumChanged {
                name: row.name.clone(),
            });
        }
    }
    Ok(known.get(applied.len()..).unwrap_or_default())
}

async fn applied_lite(tx: &mut crate::Tx) -> Result<Vec<AppliedRow>, StoreError> {
    let (tables,): (i64,) = tx.one(&LITE_TABLE_EXISTS, args![]).await?;
    if tables == 0 {
        return Ok(Vec::new());
    }
    tx.all(&LITE_APPLIED, args![]).await
}

async fn applied_pg(
    conn: &mut PgConnection,
    family: Family,
) -> Result<Vec<AppliedRow>, StoreError> {
    let schema = family.schema();
    let exists: bool = sqlx::query(
        "select exists (select from pg_tables where schemaname = $1 and tablename = 'schema_migrations')",
    )
    .bind(schema)
    .fetch_one(&mut *conn)
    .await?
    .try_get(0)?;
    if !exists {
        return Ok(Vec::new());
    }
    // A login role that does not inherit could not read the table as itself.
    sqlx::query("set role valueverse_owner")
        .execute(&mut *conn)
        .await?;
    let text =
        format!("select version, name, checksum from {schema}.schema_migrations order by version");
    let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(conn).await?;
    rows.into_iter()
        .map(|row| crate::FromRow::from_row(&crate::Row::pg(row)))
        .collect()
}

/// Any constant of our own; advisory locks belong to the database.
const LOCK: i64 = 0x5656_7374_6f72_6531;

async fn migrate_pg(pg: &Pg, family: Family, ctx: &Ctx) -> Result<Vec<Applied>, StoreError> {
    let mut conn = pg.session().await?;
    let result = async {
        sqlx::query("select pg_advisory_lock($1)")
            .bind(LOCK)
            .execute(&mut conn)
            .await?;
        bootstrap::run(&mut conn).await?;
        create_table_pg(&mut conn, family).await?;
        let applied = applied_pg(&mut conn, family).await?;
        let mut done = Vec::new();
        for next in missing(family, Engine::Pg, &applied)? {
            apply_pg(&mut conn, family, next, ctx.now()).await?;
            done.push(Applied {
                number: next.number,
                name: next.name,
            });
        }
        Ok(done)
    }
    .await;
    // The lock goes with the connection.
    let _ = conn.close().await;
    result
}

async fn create_table_pg(conn: &mut PgConnection, family: Family) -> Result<(), StoreError> {
    let schema = family.schema();
    let text = format!(
        "create table if not exists {schema}.schema_migrations (
           version bigint not null primary key,
           name text not null,
           checksum text not null,
           applied_at bigint not null
         );
         grant select on {schema}.schema_migrations to valueverse_app"
    );
    sqlx::raw_sql(AssertSqlSafe(text)).execute(conn).await?;
    Ok(())
}

async fn apply_pg(
    conn: &mut PgConnection,
    family: Family,
    next: &Migration,
    now: Timestamp,
) -> Result<(), StoreError> {
    let schema = family.schema();
    let text = next.text(Engine::Pg);
    let mut tx = conn.begin().await?;
    let prelude = format!(
        "set local search_path = {schema}, auth, audit, keys, cde, gdpr, public; \
         set local lock_timeout = '10s'; \
         select set_config('app.tenant', '*', true)"
    );
    sqlx::raw_sql(AssertSqlSafe(prelude))
        .execute(&mut *tx)
        .await?;
    sqlx::raw_sql(text).execute(&mut *tx).await?;
    let record = format!(
        "insert into {schema}.schema_migrations (version, name, checksum, applied_at) \
         values ($1, $2, $3, $4)"
    );
    sqlx::query(AssertSqlSafe(record))
        .bind(next.number)
        .bind(next.name)
        .bind(checksum(text))
        .bind(now.unix_micros())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
