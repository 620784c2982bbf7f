use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

/// Longest value or parser message repeated in an issue, in characters.
const MAX_ECHO: usize = 160;

/// Where a setting got its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Built into the program.
    Default,
    /// A settings file.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// An option of the command line.
    Flag(&'static str),
    /// The content of a file that another setting named.
    Content {
        /// The file.
        path: PathBuf,
        /// Where the path was given.
        via: Box<Origin>,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Env(name) => write!(f, "env {name}"),
            Self::Flag(name) => f.write_str(name),
            Self::Content { path, via } => {
                write!(f, "content of {}, named by {via}", path.display())
            }
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whether an issue stops the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// The program does not start with it.
    Error,
    /// Works, but somebody should know.
    Warning,
}

/// One thing that is wrong with the settings. Never holds a secret value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Issue {
    /// Whether it stops the program.
    pub(crate) severity: Severity,
    /// The setting, such as `server.listen`.
    pub(crate) setting: String,
    /// Where the value came from.
    pub(crate) origin: Origin,
    /// What is wrong.
    pub(crate) problem: String,
    /// What to do.
    pub(crate) remedy: String,
}

impl Issue {
    pub(crate) fn error(
        setting: impl Into<String>,
        origin: Origin,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            setting: setting.into(),
            origin,
            problem: one_line(&problem.into()),
            remedy: one_line(&remedy.into()),
        }
    }

    pub(crate) fn warning(
        setting: impl Into<String>,
        origin: Origin,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(setting, origin, problem, remedy)
        }
    }

    pub(crate) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `server.listen (env VALUEVERSE__SERVER__LISTEN): what is wrong — what to do`.
impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            setting,
            origin,
            problem,
            remedy,
            ..
        } = self;
        match origin {
            Origin::Default => write!(f, "{setting}: {problem} — {remedy}"),
            origin => write!(f, "{setting} ({origin}): {problem} — {remedy}"),
        }
    }
}

/// Text from a file or the environment made fit for one line of a terminal.
pub(crate) fn one_line(text: &str) -> String {
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_ECHO * 4)
        .collect();
    if line.len() < text.len() {
        line.push('…');
    }
    line
}

/// A name or value as somebody wrote it, cut short.
pub(crate) fn echo(text: &str) -> String {
    let mut cut: String = text.chars().take(MAX_ECHO).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}
