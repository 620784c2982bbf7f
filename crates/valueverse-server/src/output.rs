//! What the program says: results on standard output, everything else on standard error.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::json;

use crate::config::{Issue, Severity};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Done, or the answer is yes.
    Fine,
    /// The answer is no, or the work failed.
    No,
    /// Wrong usage or a wrong setting.
    Usage,
    /// Something the program depends on cannot be reached.
    Unreachable,
}

impl ExitStatus {
    /// The number the shell sees.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.number())
    }
}

/// Why a command did not succeed: the cause, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause} — {remedy}")]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) status: ExitStatus,
    /// Stable name for programs, such as `listen.in_use`.
    pub(crate) code: &'static str,
    /// What is wrong, in one line, without secrets.
    pub(crate) cause: String,
    /// What to do, in one line.
    pub(crate) remedy: String,
    /// The single problems, when the settings are at fault.
    pub(crate) issues: Vec<Issue>,
}

impl Failure {
    pub(crate) fn new(
        status: ExitStatus,
        code: &'static str,
        cause: impl Display,
        remedy: impl Display,
    ) -> Self {
        Self {
            status,
            code,
            cause: single_line(&cause),
            remedy: single_line(&remedy),
            issues: Vec::new(),
        }
    }

    /// Wrong usage or a wrong setting.
    pub(crate) fn usage(code: &'static str, cause: impl Display, remedy: impl Display) -> Self {
        Self::new(ExitStatus::Usage, code, cause, remedy)
    }

    /// A dependency does not answer.
    pub(crate) fn unreachable(
        code: &'static str,
        cause: impl Display,
        remedy: impl Display,
    ) -> Self {
        Self::new(ExitStatus::Unreachable, code, cause, remedy)
    }

    /// The settings cannot be used.
    pub(crate) fn settings(issues: Vec<Issue>) -> Self {
        let errors = issues.iter().filter(|issue| issue.is_error()).count();
        Self {
            issues,
            ..Self::usage(
                "config.invalid",
                format!("{errors} of the settings cannot be used"),
                "correct them; `valueverse config check` looks again",
            )
        }
    }

    fn render(&self, json: bool) -> String {
        if json {
            let issues = (!self.issues.is_empty()).then_some(&self.issues);
            return json!({
                "error": { "code": self.code, "cause": self.cause, "remedy": self.remedy, "issues": issues }
            })
            .to_string();
        }
        if self.issues.is_empty() {
            return format!("error: {self}");
        }
        let lines: Vec<String> = self.issues.iter().map(render_issue).collect();
        lines.join("\n")
    }
}

/// One line about a problem of the settings.
pub(crate) fn render_issue(issue: &Issue) -> String {
    match issue.severity {
        Severity::Error => format!("error: {issue}"),
        Severity::Warning => format!("warning: {issue}"),
    }
}

/// Errors of libraries like to span lines; a report does not.
fn single_line(text: &impl Display) -> String {
    let text = text.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Speaks to a person, or with `--json` to a program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether programs read the output.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Prints a result: `human` for people, `value` as one line of JSON for programs.
    pub(crate) fn result(self, human: impl Display, value: &impl Serialize) -> Result<(), Failure> {
        let text = if self.json {
            serde_json::to_string(value).map_err(|error| {
                Failure::new(ExitStatus::No, "output.json", error, "report this as a bug")
            })?
        } else {
            human.to_string()
        };
        match print(io::stdout().lock(), &text) {
            // The reader has seen enough, as in `valueverse config schema | head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            printed => printed.map_err(|error| {
                let remedy = "check where standard output goes";
                Failure::new(ExitStatus::No, "output.stdout", error, remedy)
            }),
        }
    }

    /// Prints what a running server has to say, such as its address. Unlike [`Self::result`] it
    /// cannot fail: a closed pipe must not stop a server.
    pub(crate) fn announce(self, human: impl Display, value: &serde_json::Value) {
        let text = if self.json {
            value.to_string()
        } else {
            human.to_string()
        };
        let _ = print(io::stdout().lock(), &text);
    }

    /// Tells about things that do not stop the program.
    pub(crate) fn warnings(self, issues: &[Issue]) {
        for issue in issues {
            let text = if self.json {
                json!({ "warning": issue }).to_string()
            } else {
                render_issue(issue)
            };
            // Nothing is left to report to when standard error is closed.
            let _ = print(io::stderr().lock(), &text);
        }
    }

    /// Tells about something that does not stop the program.
    pub(crate) fn warn(self, text: &str) {
        let text = if self.json {
            json!({ "warning": text }).to_string()
        } else {
            format!("warning: {text}")
        };
        // As above.
        let _ = print(io::stderr().lock(), &text);
    }

    /// Tells why the program ends and how.
    pub(crate) fn fail(self, failure: &Failure) -> ExitCode {
        // As above; the exit code still tells.
        let _ = print(io::stderr().lock(), &failure.render(self.json));
        failure.status.into()
    }
}

fn print(mut to: impl Write, text: &str) -> io::Result<()> {
    writeln!(to, "{}", text.trim_end_matches('\n'))?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;

    #[test]
    fn a_failure_is_one_line() {
        let failure = Failure::usage("x.y", "first\n  second", "do\tthis");
        assert_eq!(failure.render(false), "error: first second — do this");
        let json: serde_json::Value = serde_json::from_str(&failure.render(true)).unwrap();
        assert_eq!(json["error"]["code"], "x.y");
        assert_eq!(json["error"]["remedy"], "do this");
        assert!(json["error"]["issues"].is_null());
    }

    #[test]
    fn every_problem_of_the_settings_is_a_line() {
        let failure = Failure::settings(vec![
            Issue::error("a.b", Origin::Env("A".to_owned()), "is wrong", "fix it"),
            Issue::warning("c", Origin::Default, "is odd", "look"),
        ]);
        let text = failure.render(false);
        assert_eq!(
            text,
            "error: a.b (env A): is wrong — fix it\nwarning: c: is odd — look"
        );
        let json: serde_json::Value = serde_json::from_str(&failure.render(true)).unwrap();
        assert_eq!(json["error"]["issues"][0]["setting"], "a.b");
        assert_eq!(json["error"]["issues"][1]["severity"], "warning");
        assert_eq!(failure.status.number(), 2);
    }

    #[test]
    fn the_exit_numbers_are_the_published_ones() {
        use ExitStatus::{Fine, No, Unreachable, Usage};
        assert_eq!(
            [Fine, No, Usage, Unreachable].map(ExitStatus::number),
            [0, 1, 2, 3]
        );
    }
}
