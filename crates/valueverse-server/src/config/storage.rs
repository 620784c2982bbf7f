use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Environment;
use super::connection_url::ConnectionUrl;
use super::section::{Checks, Section};
use super::value::{Period, SecretText};

/// Where data is kept.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StorageConfig {
    /// `postgres://user:password@host/database`, or `sqlite:` for the embedded databases in the
    /// data folder. Also `DATABASE_URL`. Default: not set, which means `sqlite:`.
    pub(crate) database_url: Option<ConnectionUrl>,
    /// Connections to PostgreSQL that this node opens at most; the embedded database has its own
    /// number. From 1 to 500. Default: `16`.
    pub(crate) max_connections: u32,
    /// How long to keep trying to reach the database at start. Up to 10 minutes. Default: `30s`.
    pub(crate) connect_timeout: Period,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self {
            database_url: None,
            max_connections: 16,
            connect_timeout: Period::seconds(30),
        }
    }
}

/// Which database engine the settings ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Database<'a> {
    /// Files in the data folder.
    Embedded,
    /// A PostgreSQL server at this URL.
    Postgres(&'a SecretText),
}

impl StorageConfig {
    pub(crate) fn database(&self) -> Database<'_> {
        match &self.database_url {
            Some(url) if url.scheme() != "sqlite" => Database::Postgres(url.secret()),
            _ => Database::Embedded,
        }
    }
}

impl Section for StorageConfig {
    const NAME: &'static str = "storage";
    const SECRETS: &'static [&'static str] = &["database_url"];

    fn check(&self, environment: Environment, checks: &mut Checks<'_>) {
        checks.range("max_connections", &self.max_connections, &1, &500);
        checks.range(
            "connect_timeout",
            &self.connect_timeout,
            &Period::seconds(0),
            &Period::minutes(10),
        );
        let Some(url) = &self.database_url else {
            return;
        };
        match url.scheme() {
            "sqlite" => check_sqlite(url, checks),
            "postgres" | "postgresql" => check_postgres(url, environment, checks),
            _ => checks.error(
                "database_url",
                "is neither a PostgreSQL nor an SQLite address",
                "write postgres://user:password@host/database, or leave it out for the embedded database",
            ),
        }
    }
}

fn check_sqlite(url: &ConnectionUrl, checks: &mut Checks<'_>) {
    let path = url.rest().trim_start_matches('/');
    if path.contains(":memory:") || path.contains("mode=memory") {
        checks.error(
            "database_url",
            "a database in memory would forget everything",
            "write sqlite: and choose the folder with --data-dir",
        );
    } else if !path.is_empty() {
        checks.warn(
            "database_url",
            "the path is not used, the embedded databases lie in the data folder",
            "write sqlite: and choose the folder with --data-dir",
        );
    }
}

fn check_postgres(url: &ConnectionUrl, environment: Environment, checks: &mut Checks<'_>) {
    if url.nodes().is_none() {
        checks.error(
            "database_url",
            "is not a valid URL",
            "write postgres://user:password@host/database with special characters percent-encoded",
        );
        return;
    }
    if !environment.is_production() || url.is_local() {
        return;
    }
    let mode = url
        .parameter("sslmode")
        .or_else(|| url.parameter("ssl-mode"));
    match mode.as_deref() {
        Some("disable" | "allow") => checks.error(
            "database_url",
            "the connection to another machine is not encrypted",
            "set sslmode=verify-full, or at least sslmode=require",
        ),
        Some("require" | "verify-ca" | "verify-full") => {}
        _ => checks.warn(
            "database_url",
            "without sslmode the connection falls back to plain text when the server offers no TLS",
            "set sslmode=verify-full, or at least sslmode=require",
        ),
    }
}
