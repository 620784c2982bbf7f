//! `PostgreSQL`: batches against `COPY`, callers against a chain under a lock.

use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use super::burst::batches;
use super::emit;
use super::plain::{COLUMNS, PlainRow, Rows};
use super::world::World;
use crate::callers::{self, MANY};
use crate::measure::{Group, Outcome};

const COPY_1000: &str = "PostgreSQL, COPY BINARY of the same columns, 1000 a commit";
const COPY_200: &str = "PostgreSQL, COPY BINARY of the same columns, 200 a commit";
const LOCKED: &str = "PostgreSQL, one event per transaction under a lock, 64 callers";
const BARE: &str = "PostgreSQL, bare INSERT of one such row and commit, 1 caller";
/// Sent at a time, as the store does.
const CHUNK: usize = 128 * 1024;
const COPY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Rows of the trail that the plain tables take after.
const SAMPLES: usize = 2_000;

static CREATE_PLAIN: &str = "create table audit.plain_events (like audit.audit_events including all);
    create table audit.plain_chain (like audit.audit_events including all);
    create table audit.plain_head (tenant_id uuid primary key, height bigint not null, hash bytea not null)";

/// A trail in a database of its own and an administrator of it.
struct Setup {
    world: World,
    url: String,
    rows: Arc<Rows>,
}

impl Setup {
    fn new(superuser_url: &str, database: &str) -> Outcome<Self> {
        let (server, _) = superuser_url
            .rsplit_once('/')
            .ok_or("the URL of PostgreSQL names no database")?;
        let url = format!("{server}/{database}");
        let runtime = callers::runtime()?;
        runtime
            .block_on(recreate(superuser_url, database))
            .map_err(|error| error.to_string())?;
        let world = World::pg(&url)?;
        let ctx = world.tenant();
        world.append(world.prepared(&[ctx], SAMPLES)?)?;
        let rows = runtime
            .block_on(read_samples(&url))
            .map_err(|error| error.to_string())?;
        let rows = Arc::new(Rows::new(rows));
        runtime
            .block_on(fill_last_chain(&url, &rows))
            .map_err(|error| error.to_string())?;
        Ok(Self { world, url, rows })
    }

    fn connection(&self) -> Outcome<PgConnection> {
        let connected = self.world.runtime.block_on(connect(&self.url));
        connected.map_err(|error| error.to_string())
    }
}

/// Batches and bursts.
pub(crate) fn group(superuser_url: &str) -> Outcome<Group> {
    let setup = Setup::new(superuser_url, "bench_audit")?;
    let mut group = Group::new();
    for (name, size) in [(COPY_1000, 1000), (COPY_200, 200)] {
        group = with_copy(group, &setup, name, size)?;
    }
    group = with_locked(group, &setup)?;
    let world = &setup.world;
    let tenant = vec![world.tenant()];
    let tenants: Vec<_> = (0..1000).map(|_| world.tenant()).collect();
    for (name, size, tenants, against, target) in [
        (
            "PostgreSQL, sequencer, 1000 a batch, one chain",
            1000,
            &tenant,
            COPY_1000,
            Some(0.90),
        ),
        (
            "PostgreSQL, sequencer, 200 a batch, one chain",
            200,
            &tenant,
            COPY_200,
            Some(0.80),
        ),
        (
            "PostgreSQL, sequencer, 1000 chains x 1 event a batch",
            1000,
            &tenants,
            COPY_1000,
            None,
        ),
    ] {
        group = emit::with_sequencer(group, world, name, size, tenants, against, target);
    }
    let name = "PostgreSQL, sequencer, 1000 a batch, ip and user agent sealed";
    group = emit::with_sourced(group, world, name, COPY_1000);
    for (name, callers, target) in [
        ("PostgreSQL, append, 64 callers", MANY, None),
        ("PostgreSQL, append, 512 callers", 512, Some(100.0)),
    ] {
        group = emit::with_callers(group, world, name, callers, LOCKED, target);
    }
    Ok(group)
}

/// Verification from the database.
pub(crate) fn proof(superuser_url: &str) -> Outcome<Group> {
    let setup = Setup::new(superuser_url, "bench_audit_proof")?;
    super::proof::pg(setup.world)
}

/// What one event costs alone, and beside a change.
pub(crate) fn lonely(superuser_url: &str) -> Outcome<Group> {
    let setup = Setup::new(superuser_url, "bench_audit_lonely")?;
    let syncs = count_syncs(&setup)?;
    let (connection, rows) = (setup.connection()?, Arc::clone(&setup.rows));
    let runtime = Arc::clone(&setup.world.runtime);
    let mut connection = connection;
    let mut group = Group::new().ceiling(BARE, "commits/s", 1.0, move |limit| {
        batches(
            limit,
            1,
            || Ok(rows.batch(1)),
            |batch| {
                let inserted = runtime.block_on(insert_bare(&mut connection, batch));
                inserted.map_err(|error| error.to_string())
            },
        )
    });
    group = emit::with_callers(
        group,
        &setup.world,
        "PostgreSQL, append, 1 caller",
        1,
        BARE,
        None,
    );
    group = group.ceiling(
        "PostgreSQL, WAL syncs per append, 1 caller",
        "syncs/event",
        1.0,
        move |_| emit::gauge(syncs, i64::from(APPENDS)),
    );
    group = emit::with_record(group, &setup.world, PG_RECORD)?;
    let (world, mut admin) = (setup.world.clone(), setup.connection()?);
    Ok(group.ceiling(
        "PostgreSQL, disk per event with all tables and indexes",
        "bytes",
        1.0,
        move |_| {
            let relations = world.runtime.block_on(async {
                sqlx::query_as::<_, (i64, i64)>(SIZE)
                    .fetch_one(&mut admin)
                    .await
            });
            let (bytes, events) = relations.map_err(|error| error.to_string())?;
            emit::gauge(bytes, events)
        },
    ))
}

const PG_RECORD: [&str; 4] = [
    "PostgreSQL, Store::tx with one UPDATE, 1 caller, no event",
    "PostgreSQL, Store::tx with one UPDATE and record, 1 caller",
    "PostgreSQL, Store::tx with one UPDATE, 64 callers, no event",
    "PostgreSQL, Store::tx with one UPDATE and record, 64 callers",
];

const SIZE: &str = "select (select sum(pg_total_relation_size(c.oid))::int8 from pg_class c \
     join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'audit' \
     and c.relkind = 'r' and (c.relname like 'audit_events_%' or c.relname in \
     ('audit_tiles', 'audit_blind', 'audit_text', 'audit_rollups', 'audit_chains'))), \
     (select count(*) from audit.audit_events)";

fn with_copy(group: Group, setup: &Setup, name: &'static str, size: u32) -> Outcome<Group> {
    let (runtime, rows) = (Arc::clone(&setup.world.runtime), Arc::clone(&setup.rows));
    let mut connection = setup.connection()?;
    let count = usize::try_from(size).map_err(|error| error.to_string())?;
    Ok(group.ceiling(name, "events/s", 1.0, move |limit| {
        batches(
            limit,
            size,
            || Ok(rows.batch(count)),
            |batch| {
                let copied = runtime.block_on(copy(&mut connection, &batch));
                copied.map_err(|error| error.to_string())
            },
        )
    }))
}

fn with_locked(group: Group, setup: &Setup) -> Outcome<Group> {
    let (runtime, rows) = (Arc::clone(&setup.world.runtime), Arc::clone(&setup.rows));
    let mut connections = Vec::new();
    for _ in 0..MANY {
        connections.push(Mutex::new(setup.connection()?));
    }
    let connections = Arc::new(connections);
    let runtime: Arc<Runtime> = runtime;
    Ok(group.ceiling(LOCKED, "events/s", 1.0, move |limit| {
        let (connections, rows) = (Arc::clone(&connections), Arc::clone(&rows));
        runtime.block_on(callers::repeat(MANY, limit, move |caller| {
            let (connections, rows) = (Arc::clone(&connections), Arc::clone(&rows));
            async move {
                let connection = connections.get(caller).ok_or("no connection")?;
                let mut connection = connection.lock().await;
                let row = rows.batch(1).pop().ok_or("no row")?;
                let appended = append_locked(&mut connection, row).await;
                appended.map_err(|error| error.to_string())
            }
        }))
    }))
}

async fn recreate(superuser_url: &str, database: &str) -> sqlx::Result<()> {
    let mut admin = connect(superuser_url).await?;
    for statement in [
        format!("drop database if exists {database} with (force)"),
        format!("create database {database}"),
    ] {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut admin)
            .await?;
    }
    admin.close().await
}

async fn read_samples(url: &str) -> sqlx::Result<Vec<PlainRow>> {
    let mut admin = connect(url).await?;
    sqlx::raw_sql(CREATE_PLAIN).execute(&mut admin).await?;
    sqlx::query(
        "insert into audit.plain_head select '018f0000-0000-7000-8000-000000000001', 0, '\\x00'",
    )
    .execute(&mut admin)
    .await?;
    let rows = sqlx::query_as(
        "select gseq, uuid_send(tenant_id) as tenant_id, height, uuid_send(event_id) as event_id, \
         seq_ts, kind, severity, outcome, actor_kind, uuid_send(actor_ref) as actor_ref, \
         target_kind, target_ref, uuid_send(request_id) as request_id, leaf, leaf_hash \
         from audit.audit_events order by gseq",
    )
    .fetch_all(&mut admin)
    .await?;
    admin.close().await?;
    Ok(rows)
}

async fn fill_last_chain(url: &str, rows: &Rows) -> sqlx::Result<()> {
    let mut admin = connect(url).await?;
    for text in [INSERT_EVENTS, INSERT_CHAIN] {
        for row in rows.last_chain() {
            insert(&mut admin, text, row).await?;
        }
    }
    admin.close().await
}

async fn connect(url: &str) -> sqlx::Result<PgConnection> {
    url.parse::<PgConnectOptions>()?.connect().await
}

async fn copy(connection: &mut PgConnection, rows: &[PlainRow]) -> sqlx::Result<()> {
    let text = format!("copy audit.plain_events ({COLUMNS}) from stdin (format binary)");
    sqlx::query("begin").execute(&mut *connection).await?;
    let mut copy = connection.copy_in_raw(&text).await?;
    let mut buffer = Vec::with_capacity(CHUNK * 2);
    buffer.extend_from_slice(COPY_HEADER);
    for row in rows {
        put_row(&mut buffer, row);
        if buffer.len() >= CHUNK {
            copy.send(buffer.as_slice()).await?;
            buffer.clear();
        }
    }
    buffer.extend_from_slice(&(-1_i16).to_be_bytes());
    copy.send(buffer.as_slice()).await?;
    copy.finish().await?;
    sqlx::query("commit").execute(connection).await?;
    Ok(())
}

fn put_row(buffer: &mut Vec<u8>, row: &PlainRow) {
    buffer.extend_from_slice(&15_i16.to_be_bytes());
    put(buffer, Some(&row.gseq.to_be_bytes()));
    put(buffer, Some(&row.tenant_id));
    put(buffer, Some(&row.height.to_be_bytes()));
    put(buffer, Some(&row.event_id));
    put(buffer, Some(&row.seq_ts.to_be_bytes()));
    for text in [&row.kind, &row.severity, &row.outcome, &row.actor_kind] {
        put(buffer, Some(text.as_bytes()));
    }
    put(buffer, row.actor_ref.as_deref());
    put(buffer, row.target_kind.as_deref().map(str::as_bytes));
    put(buffer, row.target_ref.as_deref().map(str::as_bytes));
    put(buffer, Some(&row.request_id));
    put(buffer, Some(&row.leaf));
    put(buffer, Some(&row.leaf_hash));
}

fn put(buffer: &mut Vec<u8>, value: Option<&[u8]>) {
    let length = value.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap_or(i32::MAX));
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(value.unwrap_or_default());
}

async fn insert_bare(connection: &mut PgConnection, rows: Vec<PlainRow>) -> sqlx::Result<()> {
    for row in rows {
        insert(connection, INSERT_EVENTS, row).await?;
    }
    Ok(())
}

/// What a first attempt at an audit chain looks like.
async fn append_locked(connection: &mut PgConnection, row: PlainRow) -> sqlx::Result<()> {
    sqlx::query("begin").execute(&mut *connection).await?;
    let (height, _): (i64, Vec<u8>) =
        sqlx::query_as("select height, hash from audit.plain_head for update")
            .fetch_one(&mut *connection)
            .await?;
    let (height, hash) = (height + 1, row.leaf_hash.clone());
    insert(connection, INSERT_CHAIN, PlainRow { height, ..row }).await?;
    sqlx::query("update audit.plain_head set height = $1, hash = $2")
        .bind(height)
        .bind(hash)
        .execute(&mut *connection)
        .await?;
    sqlx::query("commit").execute(connection).await?;
    Ok(())
}

const INSERT_EVENTS: &str = "insert into audit.plain_events (gseq, tenant_id, height, event_id, \
     seq_ts, kind, severity, outcome, actor_kind, actor_ref, target_kind, target_ref, request_id, \
     leaf, leaf_hash) values ($1, $2, $3, $4, $5, $6, \
     $7, $8, $9, $10, $11, $12, $13, $14, $15)";
const INSERT_CHAIN: &str = "insert into audit.plain_chain (gseq, tenant_id, height, event_id, \
     seq_ts, kind, severity, outcome, actor_kind, actor_ref, target_kind, target_ref, request_id, \
     leaf, leaf_hash) values ($1, $2, $3, $4, $5, $6, \
     $7, $8, $9, $10, $11, $12, $13, $14, $15)";

fn id(bytes: &[u8]) -> Option<Uuid> {
    Uuid::from_slice(bytes).ok()
}

async fn insert(
    connection: &mut PgConnection,
    text: &'static str,
    row: PlainRow,
) -> sqlx::Result<()> {
    sqlx::query(text)
        .bind(row.gseq)
        .bind(id(&row.tenant_id))
        .bind(row.height)
        .bind(id(&row.event_id))
        .bind(row.seq_ts)
        .bind(row.kind)
        .bind(row.severity)
        .bind(row.outcome)
        .bind(row.actor_kind)
        .bind(row.actor_ref.as_deref().and_then(id))
        .bind(row.target_kind)
        .bind(row.target_ref)
        .bind(id(&row.request_id))
        .bind(row.leaf)
        .bind(row.leaf_hash)
        .execute(connection)
        .await
        .map(drop)
}

/// Syncs of the write-ahead log for [`APPENDS`] events, each alone. A server
/// process tells its counts when it ends, so a trail is opened and closed for
/// it, once without events, and the difference counts.
fn count_syncs(setup: &Setup) -> Outcome<i64> {
    let mut admin = setup.connection()?;
    let mut counts = Vec::new();
    for appends in [0, 0, APPENDS] {
        let world = World::pg(&setup.url)?;
        let tenant = world.tenant();
        for _ in 0..appends {
            let event = World::event(&tenant);
            let appended = world.runtime.block_on(world.audit.append(&tenant, event));
            appended.map_err(|error| error.to_string())?;
        }
        world.runtime.block_on(world.store.close());
        counts.push(wal_syncs(&world, &mut admin)?);
    }
    match counts.as_slice() {
        [first, second, third] => Ok((third - second) - (second - first)),
        _ => Err("no counts".to_owned()),
    }
}

/// Appends whose syncs are counted.
const APPENDS: u32 = 50;

fn wal_syncs(world: &World, admin: &mut PgConnection) -> Outcome<i64> {
    let counted = world.runtime.block_on(async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        sqlx::query_as::<_, (i64,)>("select wal_sync from pg_stat_wal")
            .fetch_one(admin)
            .await
    });
    counted
        .map(|(syncs,)| syncs)
        .map_err(|error| error.to_string())
}
