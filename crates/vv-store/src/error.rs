use std::fmt;
use std::sync::Arc;

use vv_base::{CursorError, ErrorCode};

/// What went wrong inside, for logs only. It names the database's error code
/// and, where that cannot repeat stored values, its message.
#[derive(Clone, PartialEq, Eq)]
pub struct Detail(Arc<str>);

impl Detail {
    pub(crate) fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text for a log line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// Why the store could not do what was asked. The text is safe to log and
/// never holds stored values or the password of a connection URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database does not answer, or the connection broke.
    #[error("the database cannot be reached")]
    Unreachable(Detail),
    /// The server answers and refuses the connection: wrong password, unknown
    /// database. Waiting does not help.
    #[error("the database refused the connection: {cause}")]
    Refused {
        /// The server's reason, without the password.
        cause: String,
    },
    /// The connection settings cannot be used.
    #[error("the storage settings cannot be used: {cause}")]
    Config {
        /// What is wrong and what to do.
        cause: String,
    },
    /// The server is too old.
    #[error("PostgreSQL {found} is too old: version {needed} or newer is needed")]
    TooOld {
        /// Version the server reports.
        found: String,
        /// Oldest version that works.
        needed: u16,
    },
    /// The login role may not prepare the database; an administrator must.
    #[error(
        "the login role may not set up the database; let a database administrator run:\n{commands}"
    )]
    Privilege {
        /// The exact SQL to run.
        commands: String,
    },
    /// No connection or no turn at the writer within the time allowed.
    #[error("the database is overloaded")]
    Overloaded,
    /// Another process holds the database file or a lock for too long.
    #[error("the database is busy")]
    Busy(Detail),
    /// A row with the same unique key exists.
    #[error("a row with this key already exists")]
    Conflict(Detail),
    /// A foreign key, check or not-null rule refused the row.
    #[error("a rule of the database refused the row")]
    Constraint(Detail),
    /// Two transactions got in each other's way; trying again helps.
    #[error("the transaction collided with another one; try again")]
    Serialization(Detail),
    /// The row asked for is not there.
    #[error("no such row")]
    NotFound,
    /// The disk or the database quota is full.
    #[error("the database has no space left")]
    Full(Detail),
    /// The database was migrated by a newer release.
    #[error(
        "the database schema is at version {found}, this release knows {known}; run the newer release"
    )]
    SchemaNewer {
        /// Newest version in the database.
        found: i64,
        /// Newest version this release knows.
        known: i64,
    },
    /// Migrations are missing.
    #[error(
        "the database lacks {count} migrations, the first is {first}; run `valueverse migrate`"
    )]
    SchemaPending {
        /// How many are missing.
        count: usize,
        /// Name of the first.
        first: &'static str,
    },
    /// An applied migration is not the one this release ships.
    #[error("migration {name} was applied with other contents than this release ships")]
    ChecksumChanged {
        /// Name of the migration.
        name: String,
    },
    /// A page cursor that this service did not hand out.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// A value is larger than its cap.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// Most bytes allowed.
        limit: usize,
    },
    /// A transaction was opened inside a transaction of the same store.
    #[error("a transaction of this store is already open here")]
    Nested,
    /// A statement of this transaction failed before, so it cannot go on or commit.
    #[error("the transaction failed before and cannot go on")]
    Aborted,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// A defect in the product or a damaged database.
    #[error("unexpected storage error")]
    Unexpected(Detail),
}

impl StoreError {
    pub(crate) fn unexpected(detail: impl Into<Arc<str>>) -> Self {
        Self::Unexpected(Detail::new(detail))
    }

    pub(crate) fn config(cause: impl Into<String>) -> Self {
        Self::Config {
            cause: cause.into(),
        }
    }

    /// The stable code.
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::new(match self {
            Self::Unreachable(_) => "store.unreachable",
            Self::Refused { .. } => "store.refused",
            Self::Config { .. } => "store.config_invalid",
            Self::TooOld { .. } => "store.engine_too_old",
            Self::Privilege { .. } => "store.privilege_missing",
            Self::Overloaded => "store.overloaded",
            Self::Busy(_) => "store.busy",
            Self::Conflict(_) => "store.conflict",
            Self::Constraint(_) => "store.constraint",
            Self::Serialization(_) => "store.serialization",
            Self::NotFound => "store.not_found",
            Self::Full(_) => "store.full",
            Self::SchemaNewer { .. } => "store.schema_newer",
            Self::SchemaPending { .. } => "store.schema_pending",
            Self::ChecksumChanged { .. } => "store.checksum_changed",
            Self::Cursor(_) => "store.cursor_invalid",
            Self::TooLarge { .. } => "store.too_large",
            Self::Nested => "store.nested",
            Self::Aborted => "store.aborted",
            Self::Closed => "store.closed",
            Self::Unexpected(_) => "store.unexpected",
        })
    }

    /// Whether the same request may succeed later without anybody changing
    /// it; the REST edge answers 503.
    pub const fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::Overloaded
                | Self::Busy(_)
                | Self::Serialization(_)
                | Self::Full(_)
                | Self::Closed
        )
    }

    /// Whether running the whole transaction again at once is sensible.
    pub const fn is_retriable(&self) -> bool {
        matches!(self, Self::Serialization(_))
    }

    /// The internal detail, for logs only.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Unreachable(d)
            | Self::Busy(d)
            | Self::Conflict(d)
            | Self::Constraint(d)
            | Self::Serialization(d)
            | Self::Full(d)
            | Self::Unexpected(d) => Some(d.as_str()),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(inner) => from_database(inner.as_ref()),
            sqlx::Error::PoolTimedOut => Self::Overloaded,
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::Io(inner) => Self::Unreachable(Detail::new(inner.to_string())),
            sqlx::Error::WorkerCrashed => {
                Self::Unreachable(Detail::new("the storage thread stopped"))
            }
            sqlx::Error::Tls(_) => Self::Unreachable(Detail::new("TLS with the database failed")),
            // The text of a configuration error may repeat the URL.
            sqlx::Error::Configuration(_) => Self::config("the database URL is not valid"),
            sqlx::Error::BeginFailed => Self::Unreachable(Detail::new("begin did not take")),
            other => Self::unexpected(other.to_string()),
        }
    }
}

fn from_database(error: &dyn sqlx::error::DatabaseError) -> StoreError {
    let code = error.code().unwrap_or_default().into_owned();
    if error
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
        .is_some()
    {
        from_postgres(&code, error)
    } else {
        from_sqlite(&code, error)
    }
}

fn from_postgres(code: &str, error: &dyn sqlx::error::DatabaseError) -> StoreError {
    // Messages of data and integrity errors repeat values; the names do not.
    let quiet = code.starts_with("22") || code.starts_with("23");
    let detail = if quiet {
        let table = error.table().unwrap_or_default();
        let constraint = error.constraint().unwrap_or_default();
        Detail::new(format!("{code} table={table} constraint={constraint}"))
    } else {
        Detail::new(format!("{code} {}", error.message()))
    };
    match code {
        "23505" => StoreError::Conflict(detail),
        _ if code.starts_with("23") => StoreError::Constraint(detail),
        "40001" | "40P01" => StoreError::Serialization(detail),
        "55P03" | "57014" => StoreError::Busy(detail),
        "53300" => StoreError::Overloaded,
        "53100" => StoreError::Full(detail),
        "28000" | "28P01" | "3D000" => StoreError::Refused {
            cause: error.message().to_owned(),
        },
        "57P01" | "57P02" | "57P03" | "25P03" => StoreError::Unreachable(detail),
        _ if code.starts_with("08") => StoreError::Unreachable(detail),
        _ => StoreError::Unexpected(detail),
    }
}

fn from_sqlite(code: &str, error: &dyn sqlx::error::DatabaseError) -> StoreError {
    let detail = Detail::new(format!("{code} {}", error.message()));
    // The low byte is the primary code: https://www.sqlite.org/rescode.html
    let extended: u32 = code.parse().unwrap_or(1);
    match (extended, extended & 0xff) {
        // SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY
        (2067 | 1555, _) => StoreError::Conflict(detail),
        (_, 19 | 20) => StoreError::Constraint(detail),
        (_, 5 | 6) => StoreError::Busy(detail),
        (_, 13) => StoreError::Full(detail),
        (_, 10 | 14) => StoreError::Unreachable(detail),
        _ => StoreError::Unexpected(detail),
    }
}
