//! Settings: one struct per section, defaults in code, then file, environment and
//! command line. Unknown keys are refused and all problems are reported at once.

mod audit;
mod connection_url;
mod environment;
mod issue;
mod keyed_place;
mod keys;
mod layers;
mod outbound;
mod password;
mod report;
mod section;
mod server;
mod shared;
mod storage;
mod telemetry;
mod tokens;
mod value;
mod weakness;

#[cfg(test)]
mod readme_tests;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use audit::AuditConfig;
pub(crate) use environment::EnvVars;
pub(crate) use issue::{Issue, Origin, Severity};
pub(crate) use keyed_place::KeyedPlace;
pub(crate) use keys::KeysConfig;
pub(crate) use layers::Sources;
pub(crate) use outbound::OutboundConfig;
pub(crate) use password::PasswordConfig;
pub(crate) use server::ServerConfig;
pub(crate) use shared::SharedConfig;
pub(crate) use storage::{Database, StorageConfig};
pub(crate) use telemetry::{LogFormat, TelemetryConfig};
pub(crate) use tokens::TokensConfig;

use layers::Layers;
use section::{Checks, Section, extract};

/// How much the program insists on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Environment {
    /// Starts with nothing but defaults; missing keys are generated into the data folder.
    #[default]
    Development,
    /// Refuses missing, short, default or known secrets and unprotected connections.
    Production,
}

impl Environment {
    pub(crate) fn is_production(self) -> bool {
        self == Self::Production
    }

    /// The name, as key derivation and settings spell it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

/// All settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// `development` or `production`; also `VALUEVERSE_ENV`. Default: `development`.
    pub(crate) environment: Environment,
    /// Where and how the server listens.
    pub(crate) server: ServerConfig,
    /// Where data is kept.
    pub(crate) storage: StorageConfig,
    /// State that several nodes share.
    pub(crate) shared: SharedConfig,
    /// Where the root key comes from.
    pub(crate) keys: KeysConfig,
    /// Access tokens and sessions.
    pub(crate) tokens: TokensConfig,
    /// Password policy and hashing.
    pub(crate) password: PasswordConfig,
    /// Logs.
    pub(crate) telemetry: TelemetryConfig,
    /// Calls to other machines: mail, SMS, webhooks.
    pub(crate) outbound: OutboundConfig,
    /// The audit trail.
    pub(crate) audit: AuditConfig,
}

/// Applies a macro to every section: field and type.
macro_rules! each_section {
    ($apply:ident) => {
        $apply! {
            server: ServerConfig,
            storage: StorageConfig,
            shared: SharedConfig,
            keys: KeysConfig,
            tokens: TokensConfig,
            password: PasswordConfig,
            telemetry: TelemetryConfig,
            outbound: OutboundConfig,
            audit: AuditConfig,
        }
    };
}

/// The top level as a section of its own.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct TopLevel {
    environment: Environment,
}

impl Section for TopLevel {
    const NAME: &'static str = "";

    fn check(&self, _: Environment, _: &mut Checks<'_>) {}
}

/// Settings that are fit to start with.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The settings.
    pub(crate) config: Config,
    /// What is worth knowing about them.
    pub(crate) warnings: Vec<Issue>,
    /// Where each setting that is not a default came from.
    pub(crate) origins: BTreeMap<String, Origin>,
}

/// Reads all sources. On failure the list holds everything that is wrong, warnings included.
pub(crate) fn load(sources: &Sources<'_>) -> Result<Settings, Vec<Issue>> {
    let mut issues = Vec::new();
    let settings = read(sources, &mut issues);
    if issues.iter().any(Issue::is_error) {
        issues.sort_by_key(|issue| issue.severity);
        return Err(issues);
    }
    Ok(Settings {
        warnings: issues,
        ..settings
    })
}

/// Everything that is wrong with the settings; nothing if they are fine.
pub(crate) fn check(sources: &Sources<'_>) -> Vec<Issue> {
    match load(sources) {
        Ok(settings) => settings.warnings,
        Err(issues) => issues,
    }
}

/// The JSON Schema (2020-12) of the settings file.
pub(crate) fn schema() -> serde_json::Value {
    report::schema()
}

fn read(sources: &Sources<'_>, issues: &mut Vec<Issue>) -> Settings {
    let names = section_names();
    let mut layers = Layers::collect(sources, &names, issues);
    let environment = extract::<TopLevel>(&layers, issues).environment;
    let mut config = Config {
        environment,
        ..Config::default()
    };
    macro_rules! extract_each {
        ($($field:ident: $section:ty,)*) => {$(
            layers.read_secret_files(<$section>::NAME, <$section>::SECRETS, issues);
            config.$field = extract::<$section>(&layers, issues);
        )*};
    }
    each_section!(extract_each);
    macro_rules! check_each {
        ($($field:ident: $section:ty,)*) => {$(
            config.$field.check(environment, &mut Checks {
                section: <$section>::NAME,
                layers: &layers,
                issues,
            });
        )*};
    }
    each_section!(check_each);
    let mut origins = BTreeMap::new();
    for section in std::iter::once("").chain(names) {
        for (key, entry) in layers.section(section) {
            origins.insert(environment::path(section, key), entry.origin.clone());
        }
    }
    Settings {
        config,
        warnings: Vec::new(),
        origins,
    }
}

fn section_names() -> Vec<&'static str> {
    macro_rules! names {
        ($($field:ident: $section:ty,)*) => { vec![$(<$section>::NAME),*] };
    }
    each_section!(names)
}

/// Sections with their secret keys.
fn secrets() -> Vec<(&'static str, &'static [&'static str])> {
    macro_rules! secrets {
        ($($field:ident: $section:ty,)*) => { vec![$((<$section>::NAME, <$section>::SECRETS)),*] };
    }
    each_section!(secrets)
}
