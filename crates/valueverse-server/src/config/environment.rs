use std::collections::BTreeMap;
use std::ffi::OsString;

use super::issue::{Issue, Origin, echo};

/// Prefix of the variables that may set any setting.
const PREFIX: &str = "VALUEVERSE__";

/// Names that other software already uses for the same settings: variable, section, key.
const NAMES: &[(&str, &str, &str)] = &[
    ("VALUEVERSE_ENV", "", "environment"),
    ("DATABASE_URL", "storage", "database_url"),
    ("REDIS_URL", "shared", "redis_url"),
    ("JWT_SECRET_KEY", "tokens", "jwt_secret_key"),
    ("PCI_MASTER_KEY", "keys", "root_key"),
    ("SMTP_HOST", "outbound", "smtp_host"),
    ("SMTP_PORT", "outbound", "smtp_port"),
    ("SMTP_USERNAME", "outbound", "smtp_username"),
    ("SMTP_PASSWORD", "outbound", "smtp_password"),
    ("SMTP_FROM_EMAIL", "outbound", "smtp_from_email"),
    ("TWILIO_ACCOUNT_SID", "outbound", "twilio_account_sid"),
    ("TWILIO_AUTH_TOKEN", "outbound", "twilio_auth_token"),
    ("TWILIO_FROM_NUMBER", "outbound", "twilio_from_number"),
    ("DATABASE_URL_FILE", "storage", "database_url_file"),
    ("REDIS_URL_FILE", "shared", "redis_url_file"),
    ("JWT_SECRET_KEY_FILE", "tokens", "jwt_secret_key_file"),
    ("PCI_MASTER_KEY_FILE", "keys", "root_key_file"),
    ("SMTP_PASSWORD_FILE", "outbound", "smtp_password_file"),
    (
        "TWILIO_AUTH_TOKEN_FILE",
        "outbound",
        "twilio_auth_token_file",
    ),
];

/// The environment variables that concern us.
#[derive(Clone, Default)]
pub(crate) struct EnvVars(BTreeMap<String, OsString>);

/// One variable that names a setting.
#[derive(Clone)]
pub(crate) struct EnvSetting {
    /// The variable.
    pub(crate) variable: String,
    /// Section; empty for the top level.
    pub(crate) section: String,
    /// Key within the section.
    pub(crate) key: String,
    /// The text.
    pub(crate) value: String,
}

impl EnvVars {
    /// The process environment; the only place that reads it.
    pub(crate) fn from_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect()
    }

    /// Finds the settings. An empty variable counts as absent, because compose
    /// files pass unset variables on as empty ones.
    pub(crate) fn settings(&self, issues: &mut Vec<Issue>) -> Vec<EnvSetting> {
        let mut found: Vec<EnvSetting> = Vec::new();
        for (variable, value) in &self.0 {
            let Some((section, key)) = target(variable) else {
                continue;
            };
            if value.is_empty() {
                continue;
            }
            let Some(value) = value.to_str() else {
                issues.push(Issue::error(
                    path(&section, &key),
                    Origin::Env(echo(variable)),
                    "is not valid UTF-8",
                    "set it to plain text",
                ));
                continue;
            };
            let twin = found.iter().find(|s| s.section == section && s.key == key);
            match twin {
                Some(twin) if twin.value == value => {}
                Some(twin) => issues.push(Issue::error(
                    path(&section, &key),
                    Origin::Env(echo(variable)),
                    format!("{} sets the same thing to another value", twin.variable),
                    "set only one of the two",
                )),
                None => found.push(EnvSetting {
                    variable: variable.clone(),
                    section,
                    key,
                    value: value.to_owned(),
                }),
            }
        }
        found
    }
}

impl FromIterator<(String, OsString)> for EnvVars {
    fn from_iter<I: IntoIterator<Item = (String, OsString)>>(variables: I) -> Self {
        Self(
            variables
                .into_iter()
                .filter(|(name, _)| target(name).is_some())
                .collect(),
        )
    }
}

/// Which setting a variable means, if any.
fn target(variable: &str) -> Option<(String, String)> {
    if let Some((_, section, key)) = NAMES.iter().find(|(name, _, _)| *name == variable) {
        return Some(((*section).to_owned(), (*key).to_owned()));
    }
    let rest = variable.strip_prefix(PREFIX)?.to_ascii_lowercase();
    Some(match rest.split_once("__") {
        Some((section, key)) => (section.to_owned(), key.to_owned()),
        None => (String::new(), rest),
    })
}

/// `section.key`, or the key alone at the top level.
pub(crate) fn path(section: &str, key: &str) -> String {
    if section.is_empty() {
        echo(key)
    } else {
        echo(&format!("{section}.{key}"))
    }
}
