//! `valueverse audit verify`

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, IsTerminal as _};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use vv_audit::{
    ExportVerification, Finding, Start, Verification, VerifyOptions, read_archive, verify_export,
};
use vv_crypto::VerifierKey;

use super::file::{read_text, unreadable};
use super::{Trail, failed, in_chain};
use crate::cli::{Chain, VerifyArgs};
use crate::commands::Job;
use crate::output::{ExitStatus, Failure};

/// Largest file with keys or a checkpoint.
const MAX_TEXT: u64 = 1 << 20;

pub(super) async fn run(
    job: &Job<'_>,
    args: &VerifyArgs,
    trail: &Trail,
) -> Result<ExitStatus, Failure> {
    let chains = match args.chain {
        Some(chain) => {
            trail.of(chain).await?;
            vec![chain.0]
        }
        None => trail.chains().await?,
    };
    let checkpoints: Result<Vec<_>, _> = args
        .checkpoint
        .iter()
        .map(|path| read_text(path, MAX_TEXT))
        .collect();
    let options = VerifyOptions {
        from: match (args.incremental, args.resume) {
            (true, _) => Start::LastVerified,
            (_, true) => Start::Resume,
            _ => Start::Beginning,
        },
        checkpoints: checkpoints?,
    };
    let mut results = Vec::with_capacity(chains.len());
    for chain in chains {
        let bar = progress(job, "events");
        let found = trail
            .audit()
            .verify(&in_chain(&trail.ctx, chain), &options, |done, total| {
                bar.set_length(total);
                bar.set_position(done);
            })
            .await
            .map_err(failed)?;
        bar.finish_and_clear();
        results.push((Chain(chain), found));
    }
    let verified = results.iter().all(|(_, found)| found.verified);
    let lines: Vec<String> = results.iter().map(lines).collect();
    let chains: Vec<Value> = results.iter().map(entry).collect();
    let value = json!({ "verified": verified, "chains": chains });
    job.output.result(lines.join("\n"), &value)?;
    Ok(status(verified))
}

fn status(verified: bool) -> ExitStatus {
    if verified {
        ExitStatus::Fine
    } else {
        ExitStatus::No
    }
}

fn lines((chain, found): &(Chain, Verification)) -> String {
    let verdict = match (found.verified, found.first_bad_height) {
        (true, _) => "verified".to_owned(),
        (false, Some(height)) => format!("BROKEN, first bad event {height}"),
        (false, None) => "BROKEN".to_owned(),
    };
    let after = match found.after {
        0 => String::new(),
        height => format!(" after {height}"),
    };
    let mut text = format!(
        "{chain}: {verdict}, {} events{after} ({})",
        found.checked,
        answers(&json!(found.verdicts))
    );
    for finding in &found.findings {
        text.push_str("\n  ");
        text.push_str(&describe(finding));
    }
    if let Some(capture) = found.capture.as_ref().filter(|capture| capture.lost > 0) {
        // Writing to a string cannot fail, here and below.
        let _ = write!(text, "\n  {} events were lost on their way", capture.lost);
    }
    text
}

fn describe(finding: &Finding) -> String {
    let place = finding
        .height
        .map(|height| format!(" at event {height}"))
        .unwrap_or_default();
    format!("{}{place}: {}", finding.code, finding.detail)
}

/// `integrity ok, completeness failed`.
fn answers(verdicts: &Value) -> String {
    let answers: Vec<String> = verdicts
        .as_object()
        .into_iter()
        .flatten()
        .map(|(question, answer)| format!("{question} {}", answer.as_str().unwrap_or("?")))
        .collect();
    answers.join(", ")
}

fn entry((chain, found): &(Chain, Verification)) -> Value {
    let mut value = json!(found);
    if let Some(object) = value.as_object_mut() {
        object.insert("chain".to_owned(), json!(chain.to_string()));
    }
    value
}

/// Checks an export or an archive. Neither settings nor data folder are looked at: it must work
/// on the machine of an auditor.
pub(super) fn file(job: &Job<'_>, args: &VerifyArgs, path: &Path) -> Result<ExitStatus, Failure> {
    let keys = trusted(args)?;
    if path.extension().is_some_and(|end| end == "vva") {
        return archive(job, path, &keys);
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let length = file.metadata().map_or(0, |data| data.len());
    let bar = progress(job, "bytes");
    bar.set_length(length);
    let reader = BufReader::new(bar.wrap_read(file));
    let found = verify_export(reader, &keys).map_err(|error| unreadable(path, &error))?;
    bar.finish_and_clear();
    job.output.result(export_lines(path, &found), &found)?;
    Ok(status(found.verified))
}

fn export_lines(path: &Path, found: &ExportVerification) -> String {
    let verdict = match (found.verified, found.first_bad_line) {
        (true, _) => "verified".to_owned(),
        (false, Some(line)) => format!("BROKEN, first bad line {line}"),
        (false, None) => "BROKEN".to_owned(),
    };
    let verdicts = json!({
        "integrity": found.integrity,
        "completeness": found.completeness,
        "projection": found.projection,
        "anchor": found.anchor,
    });
    let mut text = format!(
        "{}: {verdict}, {} events ({})",
        path.display(),
        found.checked,
        answers(&verdicts)
    );
    for finding in &found.findings {
        let _ = write!(text, "\n  {} in line {}", finding.code, finding.line);
    }
    text
}

fn archive(job: &Job<'_>, path: &Path, keys: &[VerifierKey]) -> Result<ExitStatus, Failure> {
    if keys.is_empty() {
        let cause = "an archive is checked with the keys of its installation";
        let remedy = "name them with --key or --keys; `valueverse audit keys` prints them";
        return Err(Failure::usage("audit.keys", cause, remedy));
    }
    let bar = progress(job, "events");
    let found = read_archive(path, keys, |_, _| bar.inc(1));
    bar.finish_and_clear();
    let shown = path.display();
    match found {
        Ok(found) => {
            let manifest = &found.manifest;
            let chain = Chain(manifest.chain);
            let text = format!(
                "{shown}: verified, {} events of {chain} in {} ({} to {})",
                manifest.events(),
                manifest.month,
                manifest.from_height(),
                manifest.to_height()
            );
            let value = json!({
                "verified": true,
                "chain": chain.to_string(),
                "month": manifest.month,
                "from_height": manifest.from_height(),
                "to_height": manifest.to_height(),
                "checked": manifest.events(),
                "sha256": hex::encode(found.sha256),
            });
            job.output.result(text, &value)?;
            Ok(ExitStatus::Fine)
        }
        Err(vv_audit::ArchiveError::Io(error)) => Err(unreadable(path, &error)),
        Err(error) => {
            let value = json!({ "verified": false, "finding": error.to_string() });
            job.output
                .result(format!("{shown}: BROKEN, {error}"), &value)?;
            Ok(ExitStatus::No)
        }
    }
}

/// The keys of the command line. Lines that begin with `#` are comments.
fn trusted(args: &VerifyArgs) -> Result<Vec<VerifierKey>, Failure> {
    let listed = match &args.keys {
        Some(path) => read_text(path, MAX_TEXT)?,
        None => String::new(),
    };
    let lines = listed
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    args.key
        .iter()
        .map(String::as_str)
        .chain(lines)
        .map(VerifierKey::parse)
        .collect::<Result<_, _>>()
        .map_err(|error| {
            let remedy = "give verifier keys as `valueverse audit keys` prints them";
            Failure::usage("audit.keys", error, remedy)
        })
}

/// A bar for people; programs and files get none.
pub(super) fn progress(job: &Job<'_>, of: &str) -> ProgressBar {
    if job.output.is_json() || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let template = format!("{{bar:40}} {{human_pos}}/{{human_len}} {of}, {{eta}} left");
    match ProgressStyle::with_template(&template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
