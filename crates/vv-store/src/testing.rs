//! Scratch databases and raw scripts for the test harness. Compiled only with
//! the `testing` feature, which the server never enables.

use sha2::{Digest as _, Sha256};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};
use vv_base::{Ctx, Secret};

use crate::store::Backend;
use crate::{Engine, Family, Store, StoreError, Target, pg};

const TEMPLATE_LOCK: i64 = 0x5656_7465_6d70_6c74;

/// A database of a private `PostgreSQL` instance, made for one test.
#[derive(Debug, Clone)]
pub struct ScratchDatabase {
    server: Secret<String>,
    name: String,
}

impl ScratchDatabase {
    /// Makes an empty database. `server` is a superuser's URL.
    pub async fn empty(server: &Secret<String>, ctx: &Ctx) -> Result<Self, StoreError> {
        Self::create(server, ctx, "template0").await
    }

    /// Makes a database that is already migrated, by copying a template that
    /// is kept on the instance and belongs to exactly these migrations.
    pub async fn migrated(server: &Secret<String>, ctx: &Ctx) -> Result<Self, StoreError> {
        let template = template_name();
        let mut admin = connect(server, "postgres").await?;
        sqlx::query("select pg_advisory_lock($1)")
            .bind(TEMPLATE_LOCK)
            .execute(&mut admin)
            .await?;
        let exists: bool =
            sqlx::query("select exists (select from pg_database where datname = $1)")
                .bind(&template)
                .fetch_one(&mut admin)
                .await?
                .try_get(0)?;
        if !exists {
            let draft = Self::empty(server, ctx).await?;
            for family in [Family::Main, Family::Keys] {
                let store = Store::open(&draft.target(1)?, family).await?;
                store.migrate(ctx).await?;
                store.close().await;
            }
            let rename = format!("alter database {} rename to {template}", draft.name);
            sqlx::raw_sql(AssertSqlSafe(rename))
                .execute(&mut admin)
                .await?;
        }
        admin.close().await?;
        Self::create(server, ctx, &template).await
    }

    async fn create(
        server: &Secret<String>,
        ctx: &Ctx,
        template: &str,
    ) -> Result<Self, StoreError> {
        let name = format!("vv_{}", hex::encode(ctx.random::<8>()));
        let mut admin = connect(server, "postgres").await?;
        let create = format!("create database {name} template {template}");
        sqlx::raw_sql(AssertSqlSafe(create))
            .execute(&mut admin)
            .await?;
        admin.close().await?;
        Ok(Self {
            server: server.clone(),
            name,
        })
    }

    /// Where a store finds the database.
    pub fn target(&self, max_connections: u32) -> Result<Target, StoreError> {
        let options = pg::options(&self.server)?.database(&self.name);
        Ok(Target::Pg {
            url: Secret::new(options.to_url_lossy().to_string()),
            max_connections,
        })
    }

    /// Where a store finds the database when another role logs in.
    pub fn target_as(&self, role: &str, password: &str) -> Result<Target, StoreError> {
        let options = pg::options(&self.server)?
            .database(&self.name)
            .username(role)
            .password(password);
        Ok(Target::Pg {
            url: Secret::new(options.to_url_lossy().to_string()),
            max_connections: 2,
        })
    }

    /// Runs SQL in the database as the superuser.
    pub async fn as_superuser(&self, text: String) -> Result<(), StoreError> {
        let mut conn = connect(&self.server, &self.name).await?;
        sqlx::raw_sql(AssertSqlSafe(text))
            .execute(&mut conn)
            .await?;
        conn.close().await?;
        Ok(())
    }

    /// Drops the database, closing connections that are still open.
    pub async fn destroy(self) -> Result<(), StoreError> {
        let mut admin = connect(&self.server, "postgres").await?;
        let drop = format!("drop database if exists {} with (force)", self.name);
        sqlx::raw_sql(AssertSqlSafe(drop))
            .execute(&mut admin)
            .await?;
        admin.close().await?;
        Ok(())
    }
}

async fn connect(server: &Secret<String>, database: &str) -> Result<PgConnection, StoreError> {
    let options: PgConnectOptions = pg::options(server)?;
    pg::connect(&options.database(database)).await
}

fn template_name() -> String {
    let mut hash = Sha256::new();
    for family in [Family::Main, Family::Keys] {
        for migration in family.migrations() {
            hash.update(migration.text(Engine::Pg).as_bytes());
        }
    }
    let digest = hex::encode(hash.finalize());
    format!("vv_template_{}", digest.get(..16).unwrap_or_default())
}

impl Store {
    /// Runs a script as the role that migrations run as, such as a table that
    /// only a test needs.
    pub async fn run_script(
        &self,
        ctx: &Ctx,
        pg_text: &'static str,
        lite_text: &'static str,
    ) -> Result<(), StoreError> {
        match self.backend() {
            Backend::Pg(pg) => {
                let mut conn = pg.session().await?;
                sqlx::raw_sql("set role valueverse_owner")
                    .execute(&mut conn)
                    .await?;
                sqlx::raw_sql(pg_text).execute(&mut conn).await?;
                conn.close().await?;
                Ok(())
            }
            Backend::Lite(_) => {
                self.tx(ctx, "testing.script", async |tx| {
                    tx.allow_schema().await?;
                    tx.script(lite_text).await
                })
                .await
            }
        }
    }

    /// Columns of every table as `table.column kind nullable`, where the kind
    /// is the same word for types of both engines that hold the same values.
    pub async fn columns(&self, ctx: &Ctx) -> Result<Vec<String>, StoreError> {
        static COLUMNS: crate::Sql = crate::Sql::split(
            "testing.columns",
            "select table_name || '.' || column_name || ' ' || \
               case data_type when 'bigint' then 'integer' when 'integer' then 'integer' \
                 when 'boolean' then 'integer' when 'bytea' then 'blob' when 'uuid' then 'blob' \
                 else data_type end \
               || case is_nullable when 'YES' then ' nullable' else '' end \
             from information_schema.columns where table_schema = any(case current_setting('app.family', true) \
               when 'keys' then array['keys'] else array['auth', 'audit', 'cde', 'gdpr'] end) \
             and table_name not like 'audit_text%' \
             and not exists (select from pg_inherits i join pg_class c on c.oid = i.inhrelid \
               where c.relname = table_name) \
             order by 1",
            "select t.name || '.' || c.name || ' ' || lower(c.type) \
               || case when c.\"notnull\" = 0 then ' nullable' else '' end \
             from sqlite_schema t join pragma_table_info(t.name) c \
             where t.type = 'table' and t.name not like 'sqlite_%' \
               and t.name not like 'audit_text%' order by 1",
        );
        static FAMILY: crate::Sql = crate::Sql::split(
            "testing.family",
            "select set_config('app.family', $1, true)",
            "select $1",
        );
        let family = match self.family() {
            Family::Main => "main",
            Family::Keys => "keys",
        };
        let mut rows: Vec<(String,)> = self
            .read(ctx, "testing.columns", async |tx| {
                let _: (String,) = tx.one(&FAMILY, crate::args![family]).await?;
                tx.all::<(String,)>(&COLUMNS, crate::args![]).await
            })
            .await?;
        rows.sort();
        Ok(rows.into_iter().map(|(line,)| line).collect())
    }
}
