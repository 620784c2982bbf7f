use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use super::Environment;
use super::section::{Checks, Section};

/// How a log line looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// One readable line per event.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Logs, written to standard error.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TelemetryConfig {
    /// `text` or `json`. Default: `text`.
    pub(crate) log_format: LogFormat,
    /// Which events are written: a level (`error`, `warn`, `info`, `debug`, `trace`), or levels per
    /// module such as `info,vv_auth=debug`. Default: `info`.
    pub(crate) log_filter: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            log_format: LogFormat::default(),
            log_filter: "info".to_owned(),
        }
    }
}

impl Section for TelemetryConfig {
    const NAME: &'static str = "telemetry";

    fn check(&self, _: Environment, checks: &mut Checks<'_>) {
        let long = self.log_filter.len() > 1024;
        if long || EnvFilter::builder().parse(&self.log_filter).is_err() {
            checks.error(
                "log_filter",
                "is not a log filter",
                "write a level, or levels per module such as info,vv_auth=debug",
            );
        }
    }
}
