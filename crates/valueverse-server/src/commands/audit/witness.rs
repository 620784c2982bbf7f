//! `valueverse audit witness`: cosigns checkpoints of other installations, and does nothing else.

use serde_json::json;
use valueverse::SecuritySystem;
use vv_audit::WitnessSettings;
use vv_base::SystemRng;

use super::failed;
use crate::cli::WitnessArgs;
use crate::commands::assemble::{self, Place};
use crate::commands::{Job, audit_settings, serve};
use crate::config::{AuditConfig, Database};
use crate::lifecycle::Lifecycle;
use crate::listen::{self, Crowd};
use crate::output::{ExitStatus, Failure};
use crate::telemetry::{self, Metrics};

pub(super) async fn run(job: &Job<'_>, args: &WitnessArgs) -> Result<ExitStatus, Failure> {
    let settings = job.settings()?;
    let config = &settings.config;
    let witness = wanted(&config.audit, args)?;
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
    let url = bound.url(tls.is_some());
    let lifecycle = Lifecycle::new(config.server.shutdown_grace.duration());
    lifecycle.watch_signals()?;
    let place = Place {
        witness: Some(witness),
        ..Place::server(serve::node_name(bound.address()))
    };
    let access = serve::metrics_access(config, &metrics);
    let assembling = Box::pin(assemble::system(config, &folder, &root, access, &place));
    let Some(system) = lifecycle.until_stopped(assembling).await.transpose()? else {
        return Ok(ExitStatus::Fine);
    };
    drop(root);
    serve::start_background(&system, &metrics, &lifecycle);
    announce(job, &system, &url)?;
    let crowd = Crowd {
        connections: config.server.max_connections,
        proxies: &config.server.trusted_proxies,
    };
    let service = system.witness_service();
    let served = bound.serve(service, tls, crowd, &lifecycle).await;
    lifecycle.drain().await;
    system.close().await;
    served?;
    Ok(ExitStatus::Fine)
}

/// What the options and the settings ask for.
fn wanted(audit: &AuditConfig, args: &WitnessArgs) -> Result<WitnessSettings, Failure> {
    let Some(name) = args.name.clone().or_else(|| audit.witness_name.clone()) else {
        let cause = "a witness needs a name";
        let remedy = "give --name, such as id.example.com/witness, or set audit.witness_name";
        return Err(Failure::usage("audit.witness_name", cause, remedy));
    };
    let mut logs = audit.witness_logs.clone();
    logs.extend(args.log.iter().cloned());
    if logs.is_empty() {
        let cause = "the witness knows no log";
        let remedy = "give --log, or set audit.witness_logs";
        return Err(Failure::usage("audit.witness_logs", cause, remedy));
    }
    let logs = audit_settings::witnessed(&logs)?;
    Ok(WitnessSettings { name, logs })
}

/// Says where the witness answers, and the keys that its cosignatures are checked with.
fn announce(job: &Job<'_>, system: &SecuritySystem, url: &str) -> Result<(), Failure> {
    let keys = match system.state().witness() {
        Some(witness) => witness.verifier_keys().map_err(failed)?,
        None => Vec::new(),
    };
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    for key in &keys {
        job.output
            .announce(format!("witness key {key}"), &json!({ "witness_key": key }));
    }
    let address = format!("{url}/witness");
    job.output.announce(
        format!("witnessing at {address}"),
        &json!({ "witnessing": address }),
    );
    job.output
        .announce(format!("listening on {url}"), &json!({ "listening": url }));
    Ok(())
}
