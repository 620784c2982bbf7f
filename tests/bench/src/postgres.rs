//! Durable commits on `PostgreSQL`: the bare statement against `Store::tx`.

use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tokio::sync::Mutex;
use vv_base::Secret;
use vv_store::Target;

use crate::callers::{self, MANY};
use crate::measure::{Group, Outcome};
use crate::sqlite::{fresh_value, open_store, row_key, update_row};

const BARE_ONE: &str = "PostgreSQL, bare UPDATE commit, 1 caller";
const BARE_MANY: &str = "PostgreSQL, bare UPDATE commit, 64 callers";
/// What the promise for refresh asks of a durable commit.
const TARGET: Option<f64> = Some(0.8);

/// One connection for each caller.
type Connections = Arc<Vec<Mutex<PgConnection>>>;

pub(crate) fn group(superuser_url: &str) -> Outcome<Group> {
    let (server, _) = superuser_url
        .rsplit_once('/')
        .ok_or("the URL of PostgreSQL names no database")?;
    let runtime = callers::runtime()?;
    let (bare, store) = runtime.block_on(async {
        let bare = bare(superuser_url, server)
            .await
            .map_err(|error| error.to_string())?;
        let target = Target::Pg {
            url: Secret::new(format!("{server}/bench_store")),
            max_connections: u32::try_from(MANY).map_err(|error| error.to_string())?,
        };
        let store = open_store(&target)
            .await
            .map_err(|error| error.to_string())?;
        Outcome::Ok((bare, store))
    })?;
    let mut group = Group::new();
    for (name, count) in [(BARE_ONE, 1), (BARE_MANY, MANY)] {
        let (runtime, bare) = (Arc::clone(&runtime), Arc::clone(&bare));
        group = group.ceiling(name, "commits/s", 1.0, move |limit| {
            let bare = Arc::clone(&bare);
            runtime.block_on(callers::repeat(count, limit, move |caller| {
                update_bare(Arc::clone(&bare), caller)
            }))
        });
    }
    for (name, count, against) in [
        (
            "PostgreSQL, Store::tx with one UPDATE, 1 caller",
            1,
            BARE_ONE,
        ),
        (
            "PostgreSQL, Store::tx with one UPDATE, 64 callers",
            MANY,
            BARE_MANY,
        ),
    ] {
        let (runtime, store) = (Arc::clone(&runtime), store.clone());
        group = group.ours(name, "commits/s", against, TARGET, move |limit| {
            let store = store.clone();
            runtime.block_on(callers::repeat(count, limit, move |caller| {
                update_row(store.clone(), caller)
            }))
        });
    }
    Ok(group)
}

/// Makes both databases, and in one of them the same table without any protection.
async fn bare(superuser_url: &str, server: &str) -> sqlx::Result<Connections> {
    let mut admin = connect(superuser_url).await?;
    for statement in [
        "drop database if exists bench_bare",
        "drop database if exists bench_store",
        "create database bench_bare",
        "create database bench_store",
    ] {
        sqlx::query(statement).execute(&mut admin).await?;
    }
    let url = format!("{server}/bench_bare");
    let mut first = connect(&url).await?;
    sqlx::query("create table meta (key text not null primary key, value bytea not null)")
        .execute(&mut first)
        .await?;
    let mut connections = Vec::new();
    for caller in 0..MANY {
        sqlx::query("insert into meta (key, value) values ($1, $2)")
            .bind(row_key(caller))
            .bind(fresh_value())
            .execute(&mut first)
            .await?;
        connections.push(Mutex::new(connect(&url).await?));
    }
    Ok(Arc::new(connections))
}

async fn connect(url: &str) -> sqlx::Result<PgConnection> {
    url.parse::<PgConnectOptions>()?.connect().await
}

async fn update_bare(connections: Connections, caller: usize) -> Outcome<()> {
    let connection = connections
        .get(caller)
        .ok_or("a caller without a connection")?;
    let mut connection = connection.lock().await;
    sqlx::query("update meta set value = $1 where key = $2")
        .bind(fresh_value())
        .bind(row_key(caller))
        .execute(&mut *connection)
        .await
        .map(|_| ())
        .map_err(|error| error.to_string())
}
