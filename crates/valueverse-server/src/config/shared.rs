use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Environment;
use super::connection_url::ConnectionUrl;
use super::section::{Checks, Section};

/// State that several nodes share.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SharedConfig {
    /// `redis://:password@host:6379`, `rediss://` for TLS, `redis-cluster://` with nodes separated
    /// by commas. Also `REDIS_URL`. Default: not set, which means memory of the one process.
    pub(crate) redis_url: Option<ConnectionUrl>,
}

impl Section for SharedConfig {
    const NAME: &'static str = "shared";
    const SECRETS: &'static [&'static str] = &["redis_url"];

    fn check(&self, environment: Environment, checks: &mut Checks<'_>) {
        let Some(url) = &self.redis_url else {
            return;
        };
        let scheme = url.scheme();
        if !matches!(scheme, "redis" | "rediss" | "redis-cluster") || url.nodes().is_none() {
            checks.error(
                "redis_url",
                "is not a Redis address",
                "write redis://:password@host:6379, rediss:// for TLS, or leave it out",
            );
            return;
        }
        if !environment.is_production() || url.is_local() {
            return;
        }
        if !url.has_password() {
            checks.error(
                "redis_url",
                "no password for a Redis on another machine",
                "give Redis a password and write redis://:password@host:6379",
            );
        }
        if scheme != "rediss" {
            checks.warn(
                "redis_url",
                "the connection to another machine is not encrypted",
                "use rediss:// where Redis offers TLS",
            );
        }
    }
}
