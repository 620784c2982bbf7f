//! `valueverse audit checkpoint`, `keys` and `prove`: what outsiders check the trail with.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use vv_audit::AuditError;
use vv_crypto::VerifierKey;

use super::{Trail, failed, failed_retention, file};
use crate::cli::{Chain, CheckpointArgs, ProveArgs};
use crate::commands::Job;
use crate::output::{ExitStatus, Failure};

/// Anchors are written once a second at most.
const ANCHOR_PACE: Duration = Duration::from_secs(1);
const ANCHOR_TRIES: u32 = 5;

pub(super) async fn checkpoint(
    job: &Job<'_>,
    args: &CheckpointArgs,
    trail: &Trail,
) -> Result<ExitStatus, Failure> {
    let note = trail
        .log(args.chain)
        .await?
        .checkpoint()
        .await
        .map_err(failed)?;
    let Some(path) = &args.out else {
        let value = json!({ "chain": args.chain.to_string(), "checkpoint": note });
        job.output.result(note, &value)?;
        return Ok(ExitStatus::Fine);
    };
    file::write(path, &note)?;
    let text = format!(
        "wrote the checkpoint of {} to {}",
        args.chain,
        path.display()
    );
    let value = json!({ "chain": args.chain.to_string(), "file": path.display().to_string() });
    job.output.result(text, &value)?;
    Ok(ExitStatus::Fine)
}

pub(super) async fn keys(
    job: &Job<'_>,
    chain: Chain,
    trail: &Trail,
) -> Result<ExitStatus, Failure> {
    let log = trail.log(chain).await?;
    let checkpoints = log.verifier_keys().map_err(failed)?;
    let manifests = trail
        .audit()
        .manifest_keys()
        .map_err(|error| failed_retention(error.into()))?;
    let cosignatures = match trail.system.state().witness() {
        Some(witness) => witness.verifier_keys().map_err(failed)?,
        None => Vec::new(),
    };
    let mut text = String::new();
    let mut value = json!({ "chain": chain.to_string(), "origin": log.origin() });
    for (what, name, keys) in [
        ("checkpoints", "checkpoint_keys", checkpoints),
        ("segments and archives", "manifest_keys", manifests),
        ("cosignatures for other logs", "witness_keys", cosignatures),
    ] {
        if keys.is_empty() {
            continue;
        }
        let keys: Vec<String> = keys.iter().map(VerifierKey::to_string).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# {what}\n{}", keys.join("\n"));
        if let Some(object) = value.as_object_mut() {
            object.insert(name.to_owned(), json!(keys));
        }
    }
    job.output.result(text, &value)?;
    Ok(ExitStatus::Fine)
}

pub(super) async fn run(
    job: &Job<'_>,
    args: &ProveArgs,
    trail: &Trail,
) -> Result<ExitStatus, Failure> {
    let value = match (args.height, args.from.zip(args.to)) {
        (Some(height), _) if args.receipt => receipt(args, height, trail).await?,
        (Some(height), _) => {
            let log = trail.log(args.chain).await?;
            json!(log.inclusion(height, args.size).await.map_err(failed)?)
        }
        (None, Some((from, to))) => {
            let log = trail.log(args.chain).await?;
            json!(log.consistency(from, to).await.map_err(failed)?)
        }
        (None, None) => {
            let remedy = "give --height, or --from and --to";
            return Err(Failure::usage("usage.invalid", "nothing to prove", remedy));
        }
    };
    // A proof is for programs, with and without --json.
    job.output.result(format!("{value:#}"), &value)?;
    Ok(ExitStatus::Fine)
}

async fn receipt(args: &ProveArgs, height: u64, trail: &Trail) -> Result<Value, Failure> {
    let ctx = trail.of(args.chain).await?;
    for _ in 0..ANCHOR_TRIES {
        match trail.audit().receipt(&ctx, height).await {
            Ok(receipt) => return Ok(json!(receipt)),
            Err(AuditError::NotAnchored) => tokio::time::sleep(ANCHOR_PACE).await,
            Err(error) => return Err(failed(error)),
        }
    }
    let error = AuditError::NotAnchored;
    let remedy = "another node should be anchoring; look into its log";
    Err(Failure::new(
        ExitStatus::No,
        error.code().as_str(),
        error,
        remedy,
    ))
}
