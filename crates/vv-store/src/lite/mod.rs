//! The `SQLite` side: files, connection settings, readers and the one writer.

mod authorizer;
mod batch;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::StoreError;
pub(crate) use authorizer::Mode;
pub(crate) use writer::{Entry, Writer};

/// How long a statement waits for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: u32 = 4;
const CACHED_STATEMENTS: usize = 256;
/// The switch to the write-ahead log ignores the busy timeout, so a start next
/// to other processes tries a few times.
const OPEN_ATTEMPTS: u32 = 50;

pub(crate) struct Lite {
    pub(crate) writer: Arc<Writer>,
    pub(crate) readers: SqlitePool,
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) transactions: AtomicU64,
}

impl Counters {
    fn note(&self, members: usize) {
        let members = u32::try_from(members).unwrap_or(u32::MAX);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.transactions
            .fetch_add(u64::from(members), Ordering::Relaxed);
        metrics::histogram!("valueverse_store_batch_size").record(f64::from(members));
    }
}

pub(crate) async fn open(path: &Path) -> Result<Lite, StoreError> {
    let file = path.to_path_buf();
    tokio::task::spawn_blocking(move || create_file(&file))
        .await
        .map_err(|_| StoreError::unexpected("the file task stopped"))??;
    let options = options(path);
    let writer = open_writer(&options).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(options.read_only(true));
    Ok(Lite {
        writer: Arc::new(writer),
        readers,
    })
}

async fn open_writer(options: &SqliteConnectOptions) -> Result<Writer, StoreError> {
    let mut attempt = 0;
    loop {
        match Writer::open(options.clone()).await {
            Err(StoreError::Busy(_)) if attempt < OPEN_ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => return other,
        }
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(CACHED_STATEMENTS)
        .pragma("secure_delete", "on")
        // Without it `insert or replace` deletes rows and skips their delete triggers.
        .pragma("recursive_triggers", "on")
        .pragma("trusted_schema", "off")
        .disable_statement_logging()
}

/// The file of a family: the keys lie next to the main file.
pub(crate) fn keys_path(main: &Path) -> PathBuf {
    main.with_file_name("keys.db")
}

fn create_file(path: &Path) -> Result<(), StoreError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        let folder = folder.display();
        return Err(StoreError::config(format!(
            "the folder {folder} does not exist"
        )));
    }
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(path).map_err(|error| {
        let path = path.display();
        StoreError::config(format!("the file {path} cannot be written: {error}"))
    })?;
    warn_if_readable_by_others(&file, path);
    Ok(())
}

#[cfg(unix)]
fn warn_if_readable_by_others(file: &std::fs::File, path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let open_to_others = file
        .metadata()
        .is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0);
    if open_to_others {
        tracing::warn!(file = %path.display(), "the database file is open to other users; chmod 600 it");
    }
}

#[cfg(not(unix))]
fn warn_if_readable_by_others(_file: &std::fs::File, _path: &Path) {}
