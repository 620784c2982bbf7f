//! `valueverse doctor`: looks at everything the server depends on, changes
//! nothing, and says what is wrong.

mod audit;

use serde_json::json;
use valueverse::{RootKey, StoreError};

use super::{Job, reach};
use crate::config::{self, Config, Database, Issue, Settings};
use crate::datadir::DataDir;
use crate::output::{ExitStatus, Failure, render_issue};

struct Finding {
    what: &'static str,
    ok: bool,
    says: String,
}

impl Finding {
    fn fine(what: &'static str, says: impl Into<String>) -> Self {
        Self {
            what,
            ok: true,
            says: says.into(),
        }
    }

    fn fault(what: &'static str, failure: &Failure) -> Self {
        Self {
            what,
            ok: false,
            says: failure.to_string(),
        }
    }

    fn wrong(what: &'static str, says: String) -> Self {
        Self {
            what,
            ok: false,
            says,
        }
    }
}

pub(crate) async fn run(job: &Job<'_>) -> Result<ExitStatus, Failure> {
    let mut findings = Vec::new();
    let settings = config::load(&job.sources);
    findings.push(settings_finding(&settings));
    if let Ok(settings) = &settings {
        examine(job, &settings.config, &mut findings).await;
    }
    let ok = findings.iter().all(|finding| finding.ok);
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| {
            let mark = if finding.ok { "ok   " } else { "FAULT" };
            format!("{mark} {}: {}", finding.what, finding.says)
        })
        .collect();
    let value = json!({
        "ok": ok,
        "findings": findings
            .iter()
            .map(|finding| json!({ "what": finding.what, "ok": finding.ok, "says": finding.says }))
            .collect::<Vec<_>>(),
    });
    job.output.result(lines.join("\n"), &value)?;
    Ok(if ok { ExitStatus::Fine } else { ExitStatus::No })
}

fn settings_finding(settings: &Result<Settings, Vec<Issue>>) -> Finding {
    match settings {
        Ok(settings) if settings.warnings.is_empty() => Finding::fine("settings", "fine"),
        Ok(settings) => {
            let lines: Vec<String> = settings.warnings.iter().map(render_issue).collect();
            Finding::fine("settings", lines.join("; "))
        }
        Err(issues) => {
            let lines: Vec<String> = issues.iter().map(render_issue).collect();
            Finding {
                what: "settings",
                ok: false,
                says: lines.join("; "),
            }
        }
    }
}

async fn examine(job: &Job<'_>, config: &Config, findings: &mut Vec<Finding>) {
    if !job.sources.data_dir.exists() {
        let says = "does not exist yet; the first start creates it";
        findings.push(Finding::fine("data folder", says));
        return;
    }
    let folder = match DataDir::open(job.sources.data_dir) {
        Ok(folder) => folder,
        Err(failure) => {
            findings.push(Finding::fault("data folder", &failure));
            return;
        }
    };
    findings.push(Finding::fine(
        "data folder",
        folder.path().display().to_string(),
    ));
    let (finding, root) = key_finding(config, &folder);
    findings.push(finding);
    if let Some(root) = &root {
        audit::places(config, &folder, root, findings);
    }
    database_findings(config, &folder, root.as_ref(), findings).await;
    findings.push(redis_finding(config).await);
}

fn key_finding(config: &Config, folder: &DataDir) -> (Finding, Option<RootKey>) {
    let file = folder.path().join("keys").join("root.key");
    let fresh = !file.exists() && !reach::main_file(folder).exists();
    if config.keys.root_key.is_none() && fresh {
        let says = "none yet; the first start generates it";
        return (Finding::fine("root key", says), None);
    }
    match folder.root_key(&config.keys, &vv_base::SystemRng) {
        Ok((key, _)) => {
            let says = format!("check value {}", key.check_value());
            (Finding::fine("root key", says), Some(key))
        }
        Err(failure) => (Finding::fault("root key", &failure), None),
    }
}

async fn database_findings(
    config: &Config,
    folder: &DataDir,
    root: Option<&RootKey>,
    findings: &mut Vec<Finding>,
) {
    const WHAT: &str = "database";
    let embedded = matches!(config.storage.database(), Database::Embedded);
    if embedded && !reach::main_file(folder).exists() {
        findings.push(Finding::fine(WHAT, "none yet; the first start creates it"));
        return;
    }
    let stores = match reach::stores(config, folder).await {
        Ok(stores) => stores,
        Err(failure) => {
            findings.push(Finding::fault(WHAT, &failure));
            return;
        }
    };
    let guarded = match stores.keys.guard().await {
        Ok(()) => stores.main.guard().await,
        Err(error) => Err(error),
    };
    match guarded {
        Ok(()) => {
            findings.push(Finding::fine(WHAT, "reachable, schema up to date"));
            if let Some(root) = root {
                audit::trail(config, folder, root, &stores, findings).await;
            }
        }
        Err(StoreError::SchemaPending { count, .. }) => findings.push(Finding::fine(
            WHAT,
            format!("reachable, {count} migrations are applied at the next start"),
        )),
        Err(error) => findings.push(Finding::fault(WHAT, &reach::store_failure(&error))),
    }
}

async fn redis_finding(config: &Config) -> Finding {
    if config.shared.redis_url.is_none() {
        return Finding::fine("shared state", "in this process's memory");
    }
    match reach::shared(config).await {
        Ok(_) => Finding::fine("shared state", "Redis is reachable"),
        Err(failure) => Finding::fault("shared state", &failure),
    }
}
