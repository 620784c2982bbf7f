//! Collects settings from the file, the environment and the command line,
//! the later ones winning, and remembers where each came from.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::environment::{EnvVars, path};
use super::issue::{Issue, Origin, echo};

/// Largest settings file or secret file, in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// Name of the settings file that is looked for in the data folder.
pub(crate) const FILE_NAME: &str = "valueverse.toml";

/// Everything that settings are read from.
pub(crate) struct Sources<'a> {
    /// The data folder; its `valueverse.toml` is read if there is one.
    pub(crate) data_dir: &'a Path,
    /// `--config`: read instead of the file in the data folder.
    pub(crate) file: Option<&'a Path>,
    /// The environment.
    pub(crate) env: &'a EnvVars,
    /// `--listen`.
    pub(crate) listen: Option<&'a str>,
}

/// A value as it was found.
#[derive(Clone)]
pub(crate) enum Raw {
    /// From a file, with a type.
    Typed(Value),
    /// From the environment or the command line: always text.
    Text(String),
}

/// A value and where it was found.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) value: Raw,
    pub(crate) origin: Origin,
}

/// All values found, by section and key. The top level is the section "".
#[derive(Default)]
pub(crate) struct Layers(BTreeMap<(String, String), Entry>);

impl Layers {
    /// Reads every source. Sections not in `sections` are issues.
    pub(crate) fn collect(
        sources: &Sources<'_>,
        sections: &[&str],
        issues: &mut Vec<Issue>,
    ) -> Self {
        let mut layers = Self::default();
        if let Some(file) = settings_file(sources) {
            layers.add_file(&file, sections, issues);
        }
        for setting in sources.env.settings(issues) {
            let origin = Origin::Env(echo(&setting.variable));
            if setting.section.is_empty() || sections.contains(&setting.section.as_str()) {
                let entry = Entry {
                    value: Raw::Text(setting.value),
                    origin,
                };
                layers.0.insert((setting.section, setting.key), entry);
            } else {
                issues.push(Issue::error(
                    path(&setting.section, &setting.key),
                    origin,
                    format!("there is no section `{}`", echo(&setting.section)),
                    format!("use one of {}", sections.join(", ")),
                ));
            }
        }
        if let Some(listen) = sources.listen {
            let entry = Entry {
                value: Raw::Text(listen.to_owned()),
                origin: Origin::Flag("--listen"),
            };
            layers
                .0
                .insert(("server".to_owned(), "listen".to_owned()), entry);
        }
        layers
    }

    fn add_file(&mut self, file: &Path, sections: &[&str], issues: &mut Vec<Issue>) {
        let origin = Origin::File(file.to_owned());
        let table = match read_capped(file)
            .map_err(|fault| (fault, "fix the path or the rights of the file"))
        {
            Ok(text) => parse(&text).map_err(|fault| {
                (
                    fault,
                    "correct the file; every value looks like `key = \"text\"`",
                )
            }),
            Err(fault) => Err(fault),
        };
        let table = match table {
            Ok(table) => table,
            Err((fault, remedy)) => {
                issues.push(Issue::error("settings", origin, fault, remedy));
                return;
            }
        };
        for (name, value) in table {
            match value {
                Value::Table(keys) if sections.contains(&name.as_str()) => {
                    for (key, value) in keys {
                        let entry = Entry {
                            value: Raw::Typed(value),
                            origin: origin.clone(),
                        };
                        self.0.insert((name.clone(), key), entry);
                    }
                }
                Value::Table(_) => issues.push(Issue::error(
                    echo(&name),
                    origin.clone(),
                    "there is no such section",
                    format!("use one of {}", sections.join(", ")),
                )),
                value => {
                    let entry = Entry {
                        value: Raw::Typed(value),
                        origin: origin.clone(),
                    };
                    self.0.insert((String::new(), name), entry);
                }
            }
        }
    }

    /// Replaces `<key>_file` settings by the contents of the files they name.
    pub(crate) fn read_secret_files(
        &mut self,
        section: &str,
        secrets: &[&str],
        issues: &mut Vec<Issue>,
    ) {
        for key in secrets {
            let place = (section.to_owned(), format!("{key}_file"));
            let Some(entry) = self.0.remove(&place) else {
                continue;
            };
            let setting = path(section, &place.1);
            let direct = (section.to_owned(), (*key).to_owned());
            if let Some(other) = self.0.get(&direct) {
                issues.push(Issue::error(
                    setting,
                    entry.origin,
                    format!("{section}.{key} is set too ({})", other.origin),
                    "keep either the value or the file",
                ));
                continue;
            }
            match secret_from_file(entry) {
                Ok(entry) => {
                    self.0.insert(direct, entry);
                }
                Err((origin, problem)) => issues.push(Issue::error(
                    setting,
                    origin,
                    problem,
                    "name a readable text file that holds the secret and nothing else",
                )),
            }
        }
    }

    /// The entries of one section.
    pub(crate) fn section<'a>(
        &'a self,
        section: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        self.0
            .iter()
            .filter(move |((name, _), _)| name == section)
            .map(|((_, key), entry)| (key.as_str(), entry))
    }

    /// Where a setting came from.
    pub(crate) fn origin(&self, section: &str, key: &str) -> Origin {
        let place = (section.to_owned(), key.to_owned());
        self.0
            .get(&place)
            .map_or(Origin::Default, |entry| entry.origin.clone())
    }
}

fn settings_file(sources: &Sources<'_>) -> Option<PathBuf> {
    if let Some(file) = sources.file {
        return Some(file.to_owned());
    }
    let file = sources.data_dir.join(FILE_NAME);
    file.exists().then_some(file)
}

fn secret_from_file(entry: Entry) -> Result<Entry, (Origin, String)> {
    let (Raw::Typed(Value::String(file)) | Raw::Text(file)) = entry.value else {
        return Err((entry.origin, "is not a path".to_owned()));
    };
    let file = PathBuf::from(file);
    let text = match read_capped(&file) {
        Ok(text) => text,
        Err(problem) => {
            return Err((
                entry.origin,
                format!("{}: {problem}", echo(&file.to_string_lossy())),
            ));
        }
    };
    // Editors and `echo` end files with a line break that is not part of the secret.
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err((entry.origin, format!("{} is empty", file.display())));
    }
    Ok(Entry {
        value: Raw::Text(secret.to_owned()),
        origin: Origin::Content {
            path: file,
            via: Box::new(entry.origin),
        },
    })
}

/// Reads a small text file; the error says what is wrong with it.
fn read_capped(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    let opened = File::open(file).map_err(|error| format!("cannot be read ({})", error.kind()))?;
    let is_file = opened.metadata().is_ok_and(|data| data.is_file());
    // A pipe such as /dev/stdin or a process substitution is a fair way to hand over a secret.
    let is_dir = opened.metadata().is_ok_and(|data| data.is_dir());
    if is_dir && !is_file {
        return Err("is a folder".to_owned());
    }
    opened
        .take(MAX_FILE + 1)
        .read_to_string(&mut text)
        .map_err(|error| format!("cannot be read ({})", error.kind()))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_FILE {
        return Err(format!("is larger than {} KiB", MAX_FILE / 1024));
    }
    Ok(text)
}

/// Parses TOML. The error names line and column but never quotes the file, which may hold secrets.
fn parse(text: &str) -> Result<Table, String> {
    text.parse::<Table>().map_err(|error: toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start);
        let before = text.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        format!("line {line}, column {column} is not TOML")
    })
}
