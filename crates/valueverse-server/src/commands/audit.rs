//! `valueverse audit verify`

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use valueverse::{Actor, MetricsAccess, Verification};
use vv_audit::SYSTEM_CHAIN;
use vv_base::{Ctx, SystemRng, TenantId};

use super::Job;
use super::assemble::{self, Place};
use crate::cli::AuditVerb;
use crate::output::{ExitStatus, Failure};

pub(crate) async fn run(job: &Job<'_>, verb: &AuditVerb) -> Result<ExitStatus, Failure> {
    let AuditVerb::Verify = verb;
    let settings = job.settings()?;
    let folder = job.folder()?;
    let (root, _) = folder.root_key(&settings.config.keys, &SystemRng)?;
    let config = &settings.config;
    let access = MetricsAccess::default();
    let system = assemble::system(config, &folder, &root, access, &Place::command()).await?;
    let ctx = system.ctx().with_actor(Actor::Operator);
    let (audit, store) = (system.auth().audit(), system.auth().store());
    let failed = |error: vv_audit::AuditError| {
        let remedy = "see `valueverse doctor`";
        Failure::new(ExitStatus::No, error.code().as_str(), error, remedy)
    };
    let chains = audit.chains(&ctx, store).await.map_err(failed)?;
    let mut results = Vec::with_capacity(chains.len());
    for chain in chains {
        let bar = progress(job);
        let found = audit
            .verify(&of_chain(&ctx, chain), store, |done, total| {
                bar.set_length(total);
                bar.set_position(done);
            })
            .await
            .map_err(failed)?;
        bar.finish_and_clear();
        results.push((chain, found));
    }
    system.close().await;
    let verified = results.iter().all(|(_, found)| found.verified);
    let lines: Vec<String> = results.iter().map(line).collect();
    let chains: Vec<Value> = results.iter().map(entry).collect();
    let value = json!({ "verified": verified, "chains": chains });
    job.output.result(lines.join("\n"), &value)?;
    Ok(if verified {
        ExitStatus::Fine
    } else {
        ExitStatus::No
    })
}

fn of_chain(ctx: &Ctx, chain: TenantId) -> Ctx {
    if chain == SYSTEM_CHAIN {
        ctx.clone().for_system()
    } else {
        ctx.clone().for_tenant(chain)
    }
}

fn name(chain: TenantId) -> String {
    if chain == SYSTEM_CHAIN {
        "system".to_owned()
    } else {
        format!("tenant {chain}")
    }
}

fn line((chain, found): &(TenantId, Verification)) -> String {
    let verdict = match (found.verified, found.first_bad_height) {
        (true, _) => "verified".to_owned(),
        (false, Some(height)) => format!("BROKEN, first bad event {height}"),
        (false, None) => "BROKEN".to_owned(),
    };
    let verdicts = json!(found.verdicts);
    let answers: Vec<String> = verdicts
        .as_object()
        .into_iter()
        .flatten()
        .map(|(question, answer)| format!("{question} {}", answer.as_str().unwrap_or("?")))
        .collect();
    format!(
        "{}: {verdict}, {} events ({})",
        name(*chain),
        found.checked,
        answers.join(", ")
    )
}

fn entry((chain, found): &(TenantId, Verification)) -> Value {
    let mut value = json!(found);
    if let Some(object) = value.as_object_mut() {
        object.insert("chain".to_owned(), json!(name(*chain)));
    }
    value
}

/// A bar for people; programs and files get none.
fn progress(job: &Job<'_>) -> ProgressBar {
    if job.output.is_json() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} events, {eta} left");
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
