//! `valueverse serve`

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use axum::routing::get;
use serde_json::json;
use valueverse::{MetricsAccess, SecuritySystem};
use vv_base::{Secret, SystemRng};

use super::assemble::{self, Place};
use super::{Job, audit_settings};
use crate::config::{Config, Database};
use crate::lifecycle::{Drained, Lifecycle};
use crate::listen::{self, Bound, Crowd};
use crate::output::{ExitStatus, Failure, Output};
use crate::telemetry::{self, Metrics};

/// Connections of the metrics listener.
const SCRAPERS: Crowd<'_> = Crowd {
    connections: 64,
    proxies: &[],
};

pub(crate) async fn run(job: &Job<'_>) -> Result<ExitStatus, Failure> {
    let settings = job.settings()?;
    let config = &settings.config;
    let folder = job.folder()?;
    let _lock = match config.storage.database() {
        Database::Embedded => Some(folder.lock()?),
        Database::Postgres(_) => None,
    };
    let (root, _) = folder.root_key(&config.keys, &SystemRng)?;
    telemetry::install_logs(&config.telemetry)?;
    let metrics = Metrics::install()?;
    let tls = config
        .server
        .tls()
        .map(|(cert, key)| listen::tls_config(cert, key))
        .transpose()?;
    let bound = listen::bind(config.server.listen)?;
    let metrics_bound = config.server.metrics_listen.map(listen::bind).transpose()?;
    let url = bound.url(tls.is_some());
    let local = bound.local_url(tls.is_some());
    let base = config.server.public_origin.as_deref().unwrap_or(&local);
    let access = metrics_access(config, &metrics);
    let lifecycle = Lifecycle::new(config.server.shutdown_grace.duration());
    lifecycle.watch_signals()?;
    let place = Place {
        witness: audit_settings::witness(&config.audit)?,
        ..Place::server(node_name(bound.address()))
    };
    // Somebody may want to stop a server that still waits for its database.
    let assembling = Box::pin(assemble::system(config, &folder, &root, access, &place));
    let Some(system) = lifecycle.until_stopped(assembling).await.transpose()? else {
        return Ok(ExitStatus::Fine);
    };
    drop(root);
    start_background(&system, &metrics, &lifecycle);
    if let Some(bound) = metrics_bound {
        let token = assemble::metrics_token(config);
        serve_metrics(bound, metrics, token, &lifecycle);
    }
    announce(&system, job.output, &url, base).await?;
    let crowd = Crowd {
        connections: config.server.max_connections,
        proxies: &config.server.trusted_proxies,
    };
    let served = bound.serve(system.service(), tls, crowd, &lifecycle).await;
    let drained = lifecycle.drain().await;
    system.close().await;
    served?;
    match drained {
        Drained::Clean => Ok(ExitStatus::Fine),
        Drained::Forced(left) | Drained::TimedOut(left) => {
            tracing::warn!(left, "stopped before all background work had ended");
            Ok(ExitStatus::Fine)
        }
    }
}

/// Nodes often listen on the same address, each in its own container.
pub(super) fn node_name(address: SocketAddr) -> String {
    let suffix = u32::from_be_bytes(assemble::ctx().random());
    format!("{address}/{suffix:08x}")
}

/// On a listener of its own the metrics are not on the main one.
pub(super) fn metrics_access(config: &Config, metrics: &Metrics) -> MetricsAccess {
    if config.server.metrics_listen.is_some() {
        return MetricsAccess::default();
    }
    // Through a proxy on this machine every client would look local.
    let local = config.server.trusted_proxies.is_empty();
    let metrics = metrics.clone();
    MetricsAccess {
        render: Some(Arc::new(move || metrics.render())),
        token: assemble::metrics_token(config),
        local,
    }
}

pub(super) fn start_background(system: &SecuritySystem, metrics: &Metrics, lifecycle: &Lifecycle) {
    let stopping = lifecycle.stopping().clone();
    let (worker, ctx) = (system.jobs(), system.ctx());
    lifecycle
        .tasks()
        .spawn(async move { worker.run(&ctx, stopping).await });
    let keeper = system.auth().audit().keeper();
    lifecycle
        .tasks()
        .spawn(keeper.run(lifecycle.stopping().clone()));
    let (streams, stopping) = (system.clone(), lifecycle.stopping().clone());
    lifecycle.tasks().spawn(async move {
        stopping.cancelled().await;
        streams.end_streams();
    });
    let upkeep = metrics.clone().upkeep(lifecycle.stopping().clone());
    lifecycle.tasks().spawn(upkeep);
}

/// Metrics on a listener of their own: for everybody who reaches it, or for the token's holder.
fn serve_metrics(
    bound: Bound,
    metrics: Metrics,
    token: Option<Secret<String>>,
    lifecycle: &Lifecycle,
) {
    let answer = move |headers: HeaderMap| async move {
        let sent = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let sent = sent.and_then(|value| value.strip_prefix(b"Bearer "));
        let allowed = token.is_none_or(|token| sent.is_some_and(|sent| token.matches(sent)));
        allowed
            .then(|| metrics.render())
            .ok_or(StatusCode::UNAUTHORIZED)
    };
    let router = Router::new().route("/metrics", get(answer));
    let inner = lifecycle.clone();
    lifecycle.tasks().spawn(async move {
        if let Err(failure) = bound.serve(router, None, SCRAPERS, &inner).await {
            tracing::error!(%failure, "the metrics listener ended");
        }
    });
}

/// Says where the server answers, and how the first administrator gets in.
async fn announce(
    system: &SecuritySystem,
    output: Output,
    url: &str,
    base: &str,
) -> Result<(), Failure> {
    let ctx = system.ctx();
    let failed = |error: valueverse::SetupError| {
        let remedy = "see `valueverse doctor`";
        Failure::new(ExitStatus::No, error.code().as_str(), error, remedy)
    };
    let link = if system.auth().needs_setup(&ctx).await.map_err(failed)? {
        Some(
            system
                .auth()
                .issue_setup_token(&ctx)
                .await
                .map_err(failed)?,
        )
    } else {
        None
    };
    output.announce(format!("listening on {url}"), &json!({ "listening": url }));
    if let Some(token) = link {
        let link = format!("{base}/setup?token={}", token.expose());
        output.announce(
            format!("set up here (works once, within an hour): {link}"),
            &json!({ "setup_link": link, "expires_in": 3600 }),
        );
    }
    Ok(())
}
