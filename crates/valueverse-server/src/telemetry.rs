//! Logs on standard error and the recorder behind `/metrics`.

use std::io::{self, IsTerminal};
use std::panic::PanicHookInfo;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, TelemetryConfig};
use crate::output::{ExitStatus, Failure};

/// Bounds of duration histograms, in seconds: from a cache hit to a request that times out.
const SECONDS: [f64; 14] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];
/// Bounds of the histograms that count things.
const SIZES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
/// How often the recorder folds samples together; without it they pile up between scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Sends logs to standard error from here on. Called once.
pub(crate) fn install_logs(config: &TelemetryConfig) -> Result<(), Failure> {
    let filter = EnvFilter::builder()
        .parse(&config.log_filter)
        .map_err(|error| {
            Failure::usage("telemetry.filter", error, "correct telemetry.log_filter")
        })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let installed = match config.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| {
        Failure::new(
            ExitStatus::No,
            "telemetry.logs",
            error,
            "report this as a bug",
        )
    })?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// A fault in the program becomes one log line. Its text is shown only when it is fixed in the
/// code: a formatted one could hold somebody's data.
fn log_panic(info: &PanicHookInfo<'_>) {
    let text = info.payload().downcast_ref::<&'static str>().copied();
    let place = info.location().map(ToString::to_string);
    tracing::error!(
        place = place.as_deref().unwrap_or("unknown"),
        text = text.unwrap_or("withheld"),
        "internal fault"
    );
}

/// What `/metrics` shows.
#[derive(Clone)]
pub(crate) struct Metrics(PrometheusHandle);

impl Metrics {
    /// Makes this the place where all metrics go. Called once.
    pub(crate) fn install() -> Result<Self, Failure> {
        let wrong = |error| {
            Failure::new(
                ExitStatus::No,
                "telemetry.metrics",
                error,
                "report this as a bug",
            )
        };
        let handle = builder()
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(wrong)?;
        Ok(Self(handle))
    }

    /// The current values in the Prometheus text format.
    pub(crate) fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps the recorder small until the program stops; run as a task.
    pub(crate) async fn upkeep(self, stopping: CancellationToken) {
        let mut ticks = tokio::time::interval(UPKEEP);
        while stopping.run_until_cancelled(ticks.tick()).await.is_some() {
            self.0.run_upkeep();
        }
    }
}

fn builder() -> Result<PrometheusBuilder, metrics_exporter_prometheus::BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), &SIZES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_become_histograms() {
        let recorder = builder().unwrap().build_recorder();
        let metrics = Metrics(recorder.handle());
        metrics::with_local_recorder(&recorder, || {
            metrics::histogram!("vv_test_seconds").record(0.003);
            metrics::histogram!("vv_test_batch_size").record(3.0);
            metrics::counter!("vv_test_total").increment(2);
        });
        let text = metrics.render();
        assert!(
            text.contains("vv_test_seconds_bucket{le=\"0.0025\"} 0"),
            "{text}"
        );
        assert!(
            text.contains("vv_test_seconds_bucket{le=\"0.005\"} 1"),
            "{text}"
        );
        assert!(
            text.contains("vv_test_batch_size_bucket{le=\"4\"} 1"),
            "{text}"
        );
        assert!(text.contains("vv_test_total 2"), "{text}");
    }

    #[tokio::test]
    async fn upkeep_ends_with_the_program() {
        let recorder = builder().unwrap().build_recorder();
        let stopping = CancellationToken::new();
        stopping.cancel();
        Metrics(recorder.handle()).upkeep(stopping).await;
    }
}
