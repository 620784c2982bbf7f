//! `SQLite`: batches against plain inserts, callers against a chain under a lock.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};
use tokio::sync::Mutex;

use super::burst::batches;
use super::emit;
use super::plain::{COLUMNS, PlainRow, Rows};
use super::world::World;
use crate::callers::{self, MANY};
use crate::measure::{Group, Outcome};

const PLAIN_1000: &str = "SQLite, plain multi-row insert of the same columns, 1000 a commit";
const LOCKED: &str = "SQLite, one event per transaction under a lock, 64 callers";
const BARE: &str = "SQLite, bare INSERT of one such row and commit, 1 caller";
/// Rows of one plain statement; more bring nothing.
const ROWS: usize = 128;
const SAMPLES: usize = 2_000;

struct Setup {
    world: World,
    folder: PathBuf,
    /// The statements that made the table and its indexes.
    schema: Vec<String>,
    rows: Arc<Rows>,
}

impl Setup {
    fn new(folder: &Path) -> Outcome<Self> {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder)
            .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let world = World::lite(folder)?;
        let ctx = world.tenant();
        world.append(world.prepared(&[ctx], SAMPLES)?)?;
        let read = world
            .runtime
            .block_on(read_samples(&folder.join("main.db")));
        let (schema, rows) = read.map_err(|error| error.to_string())?;
        Ok(Self {
            world,
            folder: folder.to_path_buf(),
            schema,
            rows: Arc::new(Rows::new(rows)),
        })
    }

    /// A database as careful as the product's, with the bare table.
    fn plain(&self, name: &str) -> Outcome<SqliteConnection> {
        let path = self.folder.join(name);
        let made = self.world.runtime.block_on(async {
            let mut connection = open(&path).await?;
            for statement in &self.schema {
                sqlx::query(AssertSqlSafe(statement.clone()))
                    .execute(&mut connection)
                    .await?;
            }
            sqlx::raw_sql(
                "create table head (height integer not null, hash blob not null); \
                 insert into head values (0, x'00')",
            )
            .execute(&mut connection)
            .await?;
            insert_all(&mut connection, self.rows.last_chain()).await?;
            sqlx::Result::Ok(connection)
        });
        made.map_err(|error: sqlx::Error| error.to_string())
    }
}

/// Batches and bursts.
pub(crate) fn group(folder: &Path) -> Outcome<Group> {
    let setup = Setup::new(folder)?;
    let mut connection = setup.plain("plain.db")?;
    let (runtime, rows) = (Arc::clone(&setup.world.runtime), Arc::clone(&setup.rows));
    let mut group = Group::new().ceiling(PLAIN_1000, "events/s", 1.0, move |limit| {
        batches(
            limit,
            1000,
            || Ok(rows.batch(1000)),
            |batch| {
                let inserted = runtime.block_on(insert_all(&mut connection, batch));
                inserted.map_err(|error| error.to_string())
            },
        )
    });
    group = with_locked(group, &setup)?;
    let world = &setup.world;
    let tenant = vec![world.tenant()];
    let tenants: Vec<_> = (0..1000).map(|_| world.tenant()).collect();
    for (name, tenants, target) in [
        (
            "SQLite, sequencer, 1000 a batch, one chain",
            &tenant,
            Some(0.85),
        ),
        (
            "SQLite, sequencer, 1000 chains x 1 event a batch",
            &tenants,
            None,
        ),
    ] {
        group = emit::with_sequencer(group, world, name, 1000, tenants, PLAIN_1000, target);
    }
    let name = "SQLite, sequencer, 1000 a batch, ip and user agent sealed";
    group = emit::with_sourced(group, world, name, PLAIN_1000);
    for (name, callers) in [
        ("SQLite, append, 64 callers", MANY),
        ("SQLite, append, 512 callers", 512),
    ] {
        group = emit::with_callers(group, world, name, callers, LOCKED, None);
    }
    Ok(group)
}

/// What one event costs alone, and beside a change.
pub(crate) fn lonely(folder: &Path) -> Outcome<Group> {
    let setup = Setup::new(folder)?;
    let mut connection = setup.plain("plain.db")?;
    let (runtime, rows) = (Arc::clone(&setup.world.runtime), Arc::clone(&setup.rows));
    let mut group = Group::new().ceiling(BARE, "commits/s", 1.0, move |limit| {
        batches(
            limit,
            1,
            || Ok(rows.batch(1)),
            |batch| {
                let inserted = runtime.block_on(insert_all(&mut connection, batch));
                inserted.map_err(|error| error.to_string())
            },
        )
    });
    group = emit::with_callers(
        group,
        &setup.world,
        "SQLite, append, 1 caller",
        1,
        BARE,
        None,
    );
    let world = setup.world.clone();
    group = group.ceiling(
        "SQLite, commits (one sync each) per append, 1 caller",
        "syncs/event",
        1.0,
        move |limit| {
            let before = world.store.stats().commits;
            let appended = emit::append_alone(&world, limit)?;
            let syncs = world.store.stats().commits - before;
            let syncs = i64::try_from(syncs).map_err(|error| error.to_string())?;
            emit::gauge(syncs, i64::from(appended))
        },
    );
    group = emit::with_record(group, &setup.world, RECORD)?;
    group = emit::with_producer(group, &setup.world);
    let (path, world) = (folder.join("main.db"), setup.world.clone());
    Ok(group.ceiling(
        "SQLite, disk per event with all tables and indexes",
        "bytes",
        1.0,
        move |_| {
            let events = i64::try_from(GROWTH).map_err(|error| error.to_string())?;
            let before = size(&world, &path)?;
            world.append(world.prepared(&[world.tenant()], GROWTH)?)?;
            emit::gauge(size(&world, &path)? - before, events)
        },
    ))
}

/// Events whose growth of the file is measured.
const GROWTH: usize = 4_000;

const RECORD: [&str; 4] = [
    "SQLite, Store::tx with one UPDATE, 1 caller, no event",
    "SQLite, Store::tx with one UPDATE and record, 1 caller",
    "SQLite, Store::tx with one UPDATE, 64 callers, no event",
    "SQLite, Store::tx with one UPDATE and record, 64 callers",
];

/// Pages of the database, those still in the log included.
fn size(world: &World, path: &Path) -> Outcome<i64> {
    let pages = world.runtime.block_on(async {
        let mut connection = open(path).await?;
        let pages: (i64,) = sqlx::query_as(
            "select (page_count - freelist_count) * page_size \
             from pragma_page_count, pragma_freelist_count, pragma_page_size",
        )
        .fetch_one(&mut connection)
        .await?;
        sqlx::Result::Ok(pages.0)
    });
    pages.map_err(|error: sqlx::Error| error.to_string())
}

fn with_locked(group: Group, setup: &Setup) -> Outcome<Group> {
    let connection = Arc::new(Mutex::new(setup.plain("locked.db")?));
    let (runtime, rows) = (Arc::clone(&setup.world.runtime), Arc::clone(&setup.rows));
    Ok(group.ceiling(LOCKED, "events/s", 1.0, move |limit| {
        let (connection, rows) = (Arc::clone(&connection), Arc::clone(&rows));
        runtime.block_on(callers::repeat(MANY, limit, move |_| {
            let (connection, rows) = (Arc::clone(&connection), Arc::clone(&rows));
            async move {
                let row = rows.batch(1).pop().ok_or("no row")?;
                let mut connection = connection.lock().await;
                let appended = append_locked(&mut connection, row).await;
                appended.map_err(|error| error.to_string())
            }
        }))
    }))
}

async fn read_samples(path: &Path) -> sqlx::Result<(Vec<String>, Vec<PlainRow>)> {
    let mut connection = open(path).await?;
    let schema: Vec<(String,)> = sqlx::query_as(
        "select sql from sqlite_master where tbl_name = 'audit_events' \
         and type in ('table', 'index') and sql is not null order by type desc",
    )
    .fetch_all(&mut connection)
    .await?;
    let rows = sqlx::query_as(AssertSqlSafe(format!(
        "select {COLUMNS} from audit_events order by gseq"
    )))
    .fetch_all(&mut connection)
    .await?;
    Ok((schema.into_iter().map(|(sql,)| sql).collect(), rows))
}

async fn open(path: &Path) -> sqlx::Result<SqliteConnection> {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "on")
        .connect()
        .await
}

async fn insert_all(connection: &mut SqliteConnection, rows: Vec<PlainRow>) -> sqlx::Result<()> {
    sqlx::query("begin immediate")
        .execute(&mut *connection)
        .await?;
    let mut rows = rows.into_iter();
    for step in [ROWS, 8, 1] {
        let one = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let values = vec![one; step].join(", ");
        let text = format!("insert into audit_events ({COLUMNS}) values {values}");
        while rows.len() >= step {
            let mut query = sqlx::query(AssertSqlSafe(text.clone()));
            for row in rows.by_ref().take(step) {
                query = query
                    .bind(row.gseq)
                    .bind(row.tenant_id)
                    .bind(row.height)
                    .bind(row.event_id)
                    .bind(row.seq_ts)
                    .bind(row.kind)
                    .bind(row.severity)
                    .bind(row.outcome)
                    .bind(row.actor_kind)
                    .bind(row.actor_ref)
                    .bind(row.target_kind)
                    .bind(row.target_ref)
                    .bind(row.request_id)
                    .bind(row.leaf)
                    .bind(row.leaf_hash);
            }
            query.execute(&mut *connection).await?;
        }
    }
    sqlx::query("commit").execute(connection).await?;
    Ok(())
}

/// What a first attempt at an audit chain looks like.
async fn append_locked(connection: &mut SqliteConnection, row: PlainRow) -> sqlx::Result<()> {
    sqlx::query("begin immediate")
        .execute(&mut *connection)
        .await?;
    let (height, _): (i64, Vec<u8>) = sqlx::query_as("select height, hash from head")
        .fetch_one(&mut *connection)
        .await?;
    let (height, hash) = (height + 1, row.leaf_hash.clone());
    let text = format!(
        "insert into audit_events ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );
    sqlx::query(AssertSqlSafe(text))
        .bind(row.gseq)
        .bind(row.tenant_id)
        .bind(height)
        .bind(row.event_id)
        .bind(row.seq_ts)
        .bind(row.kind)
        .bind(row.severity)
        .bind(row.outcome)
        .bind(row.actor_kind)
        .bind(row.actor_ref)
        .bind(row.target_kind)
        .bind(row.target_ref)
        .bind(row.request_id)
        .bind(row.leaf)
        .bind(row.leaf_hash)
        .execute(&mut *connection)
        .await?;
    sqlx::query("update head set height = ?, hash = ?")
        .bind(height)
        .bind(hash)
        .execute(&mut *connection)
        .await?;
    sqlx::query("commit").execute(connection).await?;
    Ok(())
}
