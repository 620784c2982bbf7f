//! Durable commits on `SQLite`: one sync for each against one sync for many.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use vv_base::{Ctx, SystemClock, SystemRng};
use vv_store::{Family, Sql, Store, StoreError, Target, args};

use crate::callers::{self, MANY};
use crate::measure::{Group, Outcome, repeat};

const PLAIN_ONE: &str = "SQLite, one fsync per call, 1 caller";
const PLAIN_MANY: &str = "SQLite, one fsync per call, 64 callers";

static INSERT: Sql = Sql::same(
    "bench.insert",
    "insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value",
);
static UPDATE: Sql = Sql::same("bench.update", "update meta set value = $1 where key = $2");

pub(crate) fn group(folder: &Path) -> Outcome<Group> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    let runtime = callers::runtime()?;
    let (plain, store) = runtime.block_on(async {
        let plain = plain(&folder.join("plain.db"))
            .await
            .map_err(|error| error.to_string())?;
        let path = folder.join("grouped.db");
        let target = Target::Lite { path };
        let store = open_store(&target)
            .await
            .map_err(|error| error.to_string())?;
        Outcome::Ok((Arc::new(Mutex::new(plain)), store))
    })?;
    let file = File::create(folder.join("synced")).map_err(|error| error.to_string())?;
    // Written over in place, as a database log is: growing a file costs a second sync.
    file.write_all_at(&[0; 4096], 0)
        .and_then(|()| file.sync_all())
        .map_err(|error| error.to_string())?;
    let mut group = Group::new().ceiling(
        "4 KiB overwrite and fdatasync, one thread",
        "syncs/s",
        1.0,
        move |limit| {
            repeat(limit, || {
                let write = file
                    .write_all_at(&[0x5a; 4096], 0)
                    .and_then(|()| file.sync_data());
                write.map_err(|error| error.to_string())
            })
        },
    );
    group = with_plain(group, &runtime, &plain);
    Ok(with_store(group, &runtime, &store))
}

fn with_plain(
    mut group: Group,
    runtime: &Arc<Runtime>,
    plain: &Arc<Mutex<SqliteConnection>>,
) -> Group {
    for (name, count) in [(PLAIN_ONE, 1), (PLAIN_MANY, MANY)] {
        let (runtime, plain) = (Arc::clone(runtime), Arc::clone(plain));
        group = group.ceiling(name, "commits/s", 1.0, move |limit| {
            let plain = Arc::clone(&plain);
            runtime.block_on(callers::repeat(count, limit, move |caller| {
                let plain = Arc::clone(&plain);
                async move {
                    let mut connection = plain.lock().await;
                    let updated = update_plain(&mut connection, caller).await;
                    updated.map_err(|error| error.to_string())
                }
            }))
        });
    }
    group
}

fn with_store(mut group: Group, runtime: &Arc<Runtime>, store: &Store) -> Group {
    for (name, count, against, target) in [
        (
            "SQLite, group commit by vv-store, 1 caller",
            1,
            PLAIN_ONE,
            None,
        ),
        (
            "SQLite, group commit by vv-store, 64 callers",
            MANY,
            PLAIN_MANY,
            Some(10.0),
        ),
    ] {
        let (runtime, store) = (Arc::clone(runtime), store.clone());
        group = group.ours(name, "commits/s", against, target, move |limit| {
            let store = store.clone();
            runtime.block_on(callers::repeat(count, limit, move |caller| {
                update_row(store.clone(), caller)
            }))
        });
    }
    group
}

/// A database as careful as the product's, without grouping.
async fn plain(path: &Path) -> sqlx::Result<SqliteConnection> {
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "on")
        .connect()
        .await?;
    sqlx::query("create table meta (key text not null primary key, value blob not null) strict")
        .execute(&mut connection)
        .await?;
    for caller in 0..MANY {
        sqlx::query("insert into meta (key, value) values ($1, $2)")
            .bind(row_key(caller))
            .bind(fresh_value())
            .execute(&mut connection)
            .await?;
    }
    Ok(connection)
}

async fn update_plain(connection: &mut SqliteConnection, caller: usize) -> sqlx::Result<()> {
    sqlx::query("begin immediate")
        .execute(&mut *connection)
        .await?;
    sqlx::query("update meta set value = $1 where key = $2")
        .bind(fresh_value())
        .bind(row_key(caller))
        .execute(&mut *connection)
        .await?;
    sqlx::query("commit").execute(connection).await?;
    Ok(())
}

/// A migrated store with one row for each caller.
pub(crate) async fn open_store(target: &Target) -> Result<Store, StoreError> {
    let store = Store::open(target, Family::Main).await?;
    let ctx = system();
    store.migrate(&ctx).await?;
    store
        .tx(&ctx, "bench.prepare", async |tx| {
            for caller in 0..MANY {
                tx.exec_one(&INSERT, args![row_key(caller), fresh_value()])
                    .await?;
            }
            Ok::<(), StoreError>(())
        })
        .await?;
    Ok(store)
}

/// The product's way to change one row durably.
pub(crate) async fn update_row(store: Store, caller: usize) -> Outcome<()> {
    let updated = store
        .tx(&system(), "bench.update", async |tx| {
            tx.exec_one(&UPDATE, args![fresh_value(), row_key(caller)])
                .await
        })
        .await;
    updated.map_err(|error: StoreError| error.to_string())
}

fn system() -> Ctx {
    Ctx::system(Arc::new(SystemClock), Arc::new(SystemRng))
}

pub(crate) fn row_key(caller: usize) -> String {
    format!("bench.{caller}")
}

/// A value that no row has yet: `SQLite` writes nothing, and so syncs nothing,
/// when an update leaves a row as it was.
pub(crate) fn fresh_value() -> Vec<u8> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes().repeat(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_update_changes_the_row() {
        assert_ne!(fresh_value(), fresh_value());
    }
}
