//! Reaching the database and Redis, with patience, and saying clearly when
//! they cannot be reached.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;
use valueverse::{Family, RedisConfig, Shared, Store, StoreError, SystemClock, Target};
use vv_base::Secret;

use crate::config::{Config, Database};
use crate::datadir::DataDir;
use crate::output::{ExitStatus, Failure};

/// The first wait between two attempts; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The embedded database; the subject keys live in `keys.db` beside it.
const MAIN_FILE: &str = "valueverse.db";

/// Main store and the store of subject keys.
pub(crate) struct Stores {
    pub(crate) main: Store,
    pub(crate) keys: Store,
}

/// The file of the embedded database.
pub(crate) fn main_file(folder: &DataDir) -> PathBuf {
    folder.path().join(MAIN_FILE)
}

/// Where the settings put the database, with a share of the connections.
fn target(config: &Config, folder: &DataDir, connections: u32) -> Target {
    match config.storage.database() {
        Database::Embedded => Target::Lite {
            path: main_file(folder),
        },
        Database::Postgres(url) => Target::Pg {
            url: Secret::new(url.expose().to_owned()),
            max_connections: connections,
        },
    }
}

/// Opens both stores, trying again for as long as the settings allow.
pub(crate) async fn stores(config: &Config, folder: &DataDir) -> Result<Stores, Failure> {
    // Subject keys are asked for far less often than everything else.
    let most = config.storage.max_connections;
    let for_keys = (most / 4).max(1);
    let for_main = most.saturating_sub(for_keys).max(1);
    let main_target = target(config, folder, for_main);
    let patience = config.storage.connect_timeout.duration();
    let main = patiently(patience, "the database", StoreError::is_unavailable, || {
        Store::open(&main_target, Family::Main)
    })
    .await
    .map_err(|error| store_failure(&error))?;
    let keys = Store::open(&target(config, folder, for_keys), Family::Keys)
        .await
        .map_err(|error| store_failure(&error))?;
    Ok(Stores { main, keys })
}

/// The shared state: Redis if the settings name one, else this process's memory.
pub(crate) async fn shared(config: &Config) -> Result<Shared, Failure> {
    let clock = std::sync::Arc::new(SystemClock);
    let Some(url) = &config.shared.redis_url else {
        return Ok(Shared::memory(clock));
    };
    let redis = RedisConfig::new(Secret::new(url.secret().expose().to_owned()));
    let patience = config.storage.connect_timeout.duration();
    let worth_retrying = |error: &vv_shared::SharedError| {
        matches!(
            error,
            vv_shared::SharedError::Connect { .. } | vv_shared::SharedError::Unavailable { .. }
        )
    };
    patiently(patience, "Redis", worth_retrying, || {
        Shared::redis(&redis, clock.clone())
    })
    .await
    .map_err(|error| match error {
        vv_shared::SharedError::Config(_) => {
            Failure::usage("redis.settings", error, "correct REDIS_URL")
        }
        error => Failure::unreachable(
            "redis.unreachable",
            error,
            "check that Redis 6 or newer runs and that REDIS_URL is right, or leave REDIS_URL out",
        ),
    })
}

async fn patiently<T, E: std::fmt::Display>(
    patience: Duration,
    what: &str,
    worth_retrying: impl Fn(&E) -> bool,
    attempt: impl AsyncFn() -> Result<T, E>,
) -> Result<T, E> {
    let give_up = Instant::now() + patience;
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt().await {
            Ok(reached) => return Ok(reached),
            Err(error) if worth_retrying(&error) && Instant::now() + pause < give_up => {
                tracing::warn!(%error, "{what} is not there yet, trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
}

/// What a person should read about a database error.
pub(crate) fn store_failure(error: &StoreError) -> Failure {
    let code = error.code().as_str();
    match error {
        StoreError::Unreachable(detail) => Failure::unreachable(
            code,
            format!("{error}: {}", detail.as_str()),
            "check that PostgreSQL runs and that DATABASE_URL is right",
        ),
        StoreError::Overloaded | StoreError::Busy(_) => Failure::unreachable(
            code,
            error,
            "another process holds the database; try again when it is done",
        ),
        StoreError::Refused { .. } | StoreError::Config { .. } => {
            Failure::usage(code, error, "correct DATABASE_URL")
        }
        StoreError::TooOld { .. } => Failure::usage(code, error, "upgrade PostgreSQL"),
        StoreError::Privilege { .. } => {
            Failure::usage(code, error, "then start again; nothing was changed")
        }
        StoreError::Full(_) => Failure::new(ExitStatus::No, code, error, "make room on the disk"),
        StoreError::SchemaNewer { .. } => Failure::new(
            ExitStatus::No,
            code,
            error,
            "nothing was changed; this release cannot use the database",
        ),
        StoreError::SchemaPending { .. } => {
            Failure::new(ExitStatus::No, code, error, "nothing was changed")
        }
        StoreError::ChecksumChanged { .. } => Failure::new(
            ExitStatus::No,
            code,
            error,
            "use the release that created the database",
        ),
        _ => Failure::new(
            ExitStatus::No,
            code,
            format!("{error} ({})", error.detail().unwrap_or("no detail")),
            "see `valueverse doctor`",
        ),
    }
}
