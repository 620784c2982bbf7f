//! `valueverse config …`, `openapi` and `problems`: nothing is opened or written.

use serde_json::json;

use super::Job;
use crate::cli::ConfigVerb;
use crate::config::{self, Issue};
use crate::output::{ExitStatus, Failure, Output, render_issue};

pub(crate) fn run(job: &Job<'_>, verb: ConfigVerb) -> Result<ExitStatus, Failure> {
    match verb {
        ConfigVerb::Check => return check(job),
        ConfigVerb::Print => {
            let settings = config::load(&job.sources).map_err(Failure::settings)?;
            job.output.result(settings.to_toml(), &settings.to_json())?;
        }
        ConfigVerb::Schema => {
            let schema = config::schema();
            job.output.result(format!("{schema:#}"), &schema)?;
        }
    }
    Ok(ExitStatus::Fine)
}

fn check(job: &Job<'_>) -> Result<ExitStatus, Failure> {
    let issues = config::check(&job.sources);
    let ok = !issues.iter().any(Issue::is_error);
    let mut lines: Vec<String> = issues.iter().map(render_issue).collect();
    if ok {
        lines.push("the settings are fine".to_owned());
    }
    let value = json!({ "ok": ok, "issues": issues });
    job.output.result(lines.join("\n"), &value)?;
    Ok(if ok { ExitStatus::Fine } else { ExitStatus::No })
}

/// Prints the description of the REST interface.
pub(crate) fn openapi(output: Output) -> Result<ExitStatus, Failure> {
    let text = valueverse::openapi_json();
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
        let remedy = "report this as a bug";
        Failure::new(ExitStatus::No, "openapi", error, remedy)
    })?;
    output.result(text, &value)?;
    Ok(ExitStatus::Fine)
}

/// Prints the table of problem codes.
pub(crate) fn problems(output: Output) -> Result<ExitStatus, Failure> {
    let text = valueverse::problems_markdown();
    output.result(text.trim_end(), &json!({ "markdown": text }))?;
    Ok(ExitStatus::Fine)
}
