//! `valueverse migrate`

use serde_json::json;

use super::{Job, assemble, reach};
use crate::output::{ExitStatus, Failure};

pub(crate) async fn run(job: &Job<'_>, dry_run: bool) -> Result<ExitStatus, Failure> {
    let settings = job.settings()?;
    let config = &settings.config;
    let folder = job.folder()?;
    // A database is never created before its key: see `DataDir::root_key`.
    folder.root_key(&config.keys, &vv_base::SystemRng)?;
    let stores = reach::stores(config, &folder).await?;
    let names = if dry_run {
        let mut names = Vec::new();
        for store in [&stores.keys, &stores.main] {
            let pending = store.pending().await;
            names.extend(pending.map_err(|error| reach::store_failure(&error))?);
        }
        names
    } else {
        assemble::migrate(&stores).await?
    };
    let verb = if dry_run { "would apply" } else { "applied" };
    let text = if names.is_empty() {
        "the schema is up to date".to_owned()
    } else {
        let lines: Vec<String> = names.iter().map(|name| format!("{verb} {name}")).collect();
        lines.join("\n")
    };
    let value = json!({ "dry_run": dry_run, "migrations": names });
    job.output.result(text, &value)?;
    stores.main.close().await;
    stores.keys.close().await;
    Ok(ExitStatus::Fine)
}
