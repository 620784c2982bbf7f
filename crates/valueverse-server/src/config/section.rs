use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::Environment;
use super::environment::path;
use super::issue::{Issue, Origin, echo};
use super::layers::{Entry, Layers, Raw};

/// One section of the settings.
pub(crate) trait Section: Default + Serialize + DeserializeOwned + JsonSchema {
    /// Name in files and in environment variables.
    const NAME: &'static str;
    /// Keys that hold secrets. Each may be given as `<key>_file` instead, and is never shown.
    const SECRETS: &'static [&'static str] = &[];

    /// Finds contradictions and, in production, weaknesses.
    fn check(&self, environment: Environment, checks: &mut Checks<'_>);
}

/// Takes one section out of the layers. Each key is tried on its own, so that one
/// bad value does not hide the next.
pub(crate) fn extract<S: Section>(layers: &Layers, issues: &mut Vec<Issue>) -> S {
    let known = keys::<S>();
    let mut good = Table::new();
    for (key, entry) in layers.section(S::NAME) {
        let setting = path(S::NAME, key);
        if !known.iter().any(|k| k == key) {
            issues.push(Issue::error(
                setting,
                entry.origin.clone(),
                "there is no such setting",
                advice(S::NAME, &known),
            ));
            continue;
        }
        match try_value::<S>(key, entry) {
            Ok(value) => {
                good.insert(key.to_owned(), value);
            }
            Err(problem) => issues.push(Issue::error(
                setting,
                entry.origin.clone(),
                problem,
                format!(
                    "correct it or remove it (default: {})",
                    default_of::<S>(key)
                ),
            )),
        }
    }
    match S::deserialize(Value::Table(good)) {
        Ok(section) => section,
        Err(error) => {
            issues.push(Issue::error(
                S::NAME,
                Origin::Default,
                error.message(),
                "correct the section",
            ));
            S::default()
        }
    }
}

/// The names of a section's settings, in alphabetical order.
pub(crate) fn keys<S: Section>() -> Vec<String> {
    match serde_json::to_value(S::default()) {
        Ok(serde_json::Value::Object(map)) => map.into_iter().map(|(key, _)| key).collect(),
        _ => Vec::new(),
    }
}

fn advice(section: &str, known: &[String]) -> String {
    let known = known.join(", ");
    if section.is_empty() {
        format!("use {known} or a section such as [server], or remove it")
    } else {
        format!("use one of {known}, or remove it")
    }
}

fn default_of<S: Section>(key: &str) -> String {
    let value = serde_json::to_value(S::default())
        .ok()
        .and_then(|section| section.get(key).cloned());
    match value {
        None | Some(serde_json::Value::Null) => "not set".to_owned(),
        Some(serde_json::Value::String(text)) => text,
        Some(value) => value.to_string(),
    }
}

fn try_value<S: Section>(key: &str, entry: &Entry) -> Result<Value, String> {
    let mut faults = Vec::new();
    for value in readings(&entry.value) {
        let alone = Table::from_iter([(key.to_owned(), value.clone())]);
        match S::deserialize(Value::Table(alone)) {
            Ok(_) => return Ok(value),
            Err(error) => faults.push(error.message().to_owned()),
        }
    }
    if S::SECRETS.contains(&key) {
        // The parser's own words could quote the value.
        return Err("is not text".to_owned());
    }
    // A reading of the right kind has something to say about the value itself.
    let telling = faults
        .iter()
        .rev()
        .find(|fault| !fault.starts_with("invalid type"));
    let fault = telling.or(faults.first());
    Err(fault.map_or_else(|| "cannot be read".to_owned(), |fault| plain(fault)))
}

/// The words of the deserializer without the names of Rust's types.
fn plain(fault: &str) -> String {
    let fault = echo(fault);
    match fault.rsplit_once(", expected ") {
        Some((found, "u16" | "u32")) => format!("{found}, expected a whole number in range"),
        _ => fault,
    }
}

/// What a text from the environment may mean, the plainest first: `0123` is a password
/// before it is a number.
fn readings(raw: &Raw) -> Vec<Value> {
    let text = match raw {
        Raw::Typed(value) => return vec![value.clone()],
        Raw::Text(text) => text,
    };
    let mut readings = vec![Value::String(text.clone())];
    if let Ok(number) = text.trim().parse() {
        readings.push(Value::Integer(number));
    }
    if let Ok(flag) = text.trim().parse() {
        readings.push(Value::Boolean(flag));
    }
    let items = text
        .split(',')
        .map(|item| Value::String(item.trim().to_owned()));
    readings.push(Value::Array(items.collect()));
    readings
}

/// Collects what a section finds wrong with itself.
pub(crate) struct Checks<'a> {
    pub(crate) section: &'static str,
    pub(crate) layers: &'a Layers,
    pub(crate) issues: &'a mut Vec<Issue>,
}

impl Checks<'_> {
    /// Something the program must not start with.
    pub(crate) fn error(
        &mut self,
        key: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (setting, origin) = self.place(key);
        self.push(Issue::error(setting, origin, problem, remedy));
    }

    /// Something worth knowing.
    pub(crate) fn warn(
        &mut self,
        key: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (setting, origin) = self.place(key);
        self.push(Issue::warning(setting, origin, problem, remedy));
    }

    /// Refuses a value outside a range.
    pub(crate) fn range<T: PartialOrd + std::fmt::Display>(
        &mut self,
        key: &str,
        value: &T,
        least: &T,
        most: &T,
    ) {
        if value < least || value > most {
            self.error(
                key,
                format!("{value} is out of range"),
                format!("choose between {least} and {most}"),
            );
        }
    }

    fn place(&self, key: &str) -> (String, Origin) {
        (
            path(self.section, key),
            self.layers.origin(self.section, key),
        )
    }

    /// A setting that could not be read at all has its default here; what follows from
    /// that would only confuse.
    fn push(&mut self, issue: Issue) {
        let twin = format!("{}_file", issue.setting);
        let known = self
            .issues
            .iter()
            .any(|i| i.is_error() && (i.setting == issue.setting || i.setting == twin));
        if !known {
            self.issues.push(issue);
        }
    }
}
