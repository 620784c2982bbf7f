use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};
use vv_crypto::KeyName;

use super::Environment;
use super::keyed_place::KeyedPlace;
use super::section::{Checks, Section};
use super::value::{ByteSize, Period, SecretText};
use super::weakness::refuse_weak;

/// Longest origin: the id of a chain is appended, and a cosignature takes 255 bytes.
const MAX_ORIGIN: usize = 200;
/// Names of fields beyond those that are known anyway.
const MAX_FIELDS: usize = 1_000;
const MAX_WITNESSES: usize = 8;
const MAX_LOGS: usize = 1_024;
/// A hundred years.
const MAX_MONTHS: u32 = 1_200;
/// PCI DSS 10.5.1 asks for twelve months.
const LEAST_MONTHS: u32 = 12;
/// A webhook secret, in bytes.
const SECRET_LENGTH: std::ops::RangeInclusive<usize> = 16..=256;

/// The audit trail: how long it is kept, and who else knows what it looked like.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AuditConfig {
    /// Names the logs of this installation in checkpoints, without a scheme, such as
    /// `id.example.com/audit`. Choose it once: the keys that others check with carry it. Default:
    /// not set, then `<check value of the root key>.valueverse.local/audit`.
    pub(crate) origin: Option<String>,
    /// Folder for events that wait on this machine while the database is away; for one server
    /// alone. Default: not set, then `spool` in the data folder.
    pub(crate) spool_dir: Option<PathBuf>,
    /// How much may wait there. From 16 MiB to 2 GiB. Default: `256MiB`.
    pub(crate) spool_max_bytes: ByteSize,
    /// How old the oldest of them may be before further events are refused. From 1 minute to 30
    /// days. Default: `24h`.
    pub(crate) spool_max_age: Period,
    /// How often a busy node records how many events it took in and lost. From 10 seconds to 1
    /// day. Default: `1m`.
    pub(crate) heartbeat: Period,
    /// The same for a node that has nothing to do. From `heartbeat` to 7 days. Default: `1h`.
    pub(crate) idle_heartbeat: Period,
    /// Whole months for which events stay in the database after the month they were recorded in;
    /// at least 12, or 0 for ever. Default: `84`.
    pub(crate) retention_months: u32,
    /// Folder for archive files of months that are over, best on another machine's storage.
    /// Default: not set, then `archive` in the data folder.
    pub(crate) archive_dir: Option<PathBuf>,
    /// Whether archived months are pruned from the database by themselves when their time is over;
    /// otherwise by `audit prune` only. Default: `false`.
    pub(crate) auto_prune: bool,
    /// How often checkpoints go to the places below. From 1 second to 1 day. Default: `1m`.
    pub(crate) anchor_interval: Period,
    /// File that only grows and gets every checkpoint, outside of the data folder; a full path.
    /// Default: not set.
    pub(crate) anchor_file: Option<PathBuf>,
    /// Address that gets every checkpoint by POST, signed with `anchor_webhook_secret`. Kept like
    /// a secret, because such addresses often hold a token. Default: not set.
    pub(crate) anchor_webhook_url: Option<SecretText>,
    /// Secret shared with the receiver, 16 to 256 bytes. Default: not set.
    pub(crate) anchor_webhook_secret: Option<SecretText>,
    /// Witnesses (C2SP tlog-witness) that cosign checkpoints: for each its address and its verifier
    /// keys, with spaces between. Default: none.
    pub(crate) witnesses: Vec<KeyedPlace>,
    /// Name of this server as a witness of other logs, such as `id.example.com/witness`; its keys
    /// are made for the name. Default: not set, then it is none.
    pub(crate) witness_name: Option<String>,
    /// Logs that this server witnesses: for each its origin and its verifier keys, with spaces
    /// between. Default: none.
    pub(crate) witness_logs: Vec<KeyedPlace>,
    /// Names of further fields whose values are taken out of applications' events. Default: none.
    pub(crate) secret_fields: Vec<String>,
    /// Names of further fields that are personal and sealed for the person they are about. Default: none.
    pub(crate) personal_fields: Vec<String>,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self {
            origin: None,
            spool_dir: None,
            spool_max_bytes: ByteSize::kib(256 * 1024),
            spool_max_age: Period::days(1),
            heartbeat: Period::minutes(1),
            idle_heartbeat: Period::hours(1),
            retention_months: 84,
            archive_dir: None,
            auto_prune: false,
            anchor_interval: Period::minutes(1),
            anchor_file: None,
            anchor_webhook_url: None,
            anchor_webhook_secret: None,
            witnesses: Vec::new(),
            witness_name: None,
            witness_logs: Vec::new(),
            secret_fields: Vec::new(),
            personal_fields: Vec::new(),
        }
    }
}

impl AuditConfig {
    fn check_names(&self, checks: &mut Checks<'_>) {
        let names = [
            ("origin", &self.origin),
            ("witness_name", &self.witness_name),
        ];
        for (key, name) in names {
            if name.as_deref().is_some_and(|name| !is_log_name(name)) {
                checks.error(
                    key,
                    "is not a name for a log",
                    "write host and path without a scheme, such as id.example.com/audit, in up to 200 characters",
                );
            }
        }
    }

    fn check_spans(&self, checks: &mut Checks<'_>) {
        let day = Period::days(1);
        let spans = [
            (
                "spool_max_age",
                self.spool_max_age,
                Period::minutes(1),
                Period::days(30),
            ),
            ("heartbeat", self.heartbeat, Period::seconds(10), day),
            (
                "idle_heartbeat",
                self.idle_heartbeat,
                self.heartbeat.min(day),
                Period::days(7),
            ),
            (
                "anchor_interval",
                self.anchor_interval,
                Period::seconds(1),
                day,
            ),
        ];
        for (key, value, least, most) in spans {
            checks.range(key, &value, &least, &most);
        }
        let sizes = (ByteSize::kib(16 * 1024), ByteSize::kib(2 * 1024 * 1024));
        checks.range("spool_max_bytes", &self.spool_max_bytes, &sizes.0, &sizes.1);
        let months = self.retention_months;
        if months != 0 && !(LEAST_MONTHS..=MAX_MONTHS).contains(&months) {
            checks.error(
                "retention_months",
                format!("{months} is out of range"),
                format!(
                    "choose between {LEAST_MONTHS} and {MAX_MONTHS}, or 0 to keep events for ever"
                ),
            );
        }
    }

    fn check_anchors(&self, environment: Environment, checks: &mut Checks<'_>) {
        if self
            .anchor_file
            .as_ref()
            .is_some_and(|file| !file.is_absolute())
        {
            checks.error("anchor_file", "is not a full path", "begin it with /");
        }
        match (&self.anchor_webhook_url, &self.anchor_webhook_secret) {
            (Some(_), None) => checks.error(
                "anchor_webhook_secret",
                "is missing while anchor_webhook_url is set",
                "set both or neither",
            ),
            (None, Some(_)) => checks.error(
                "anchor_webhook_url",
                "is missing while anchor_webhook_secret is set",
                "set both or neither",
            ),
            _ => {}
        }
        let url = self.anchor_webhook_url.as_ref().map(SecretText::expose);
        if url.is_some_and(|url| !is_callable(url)) {
            checks.error(
                "anchor_webhook_url",
                "is not an address to call",
                "write https://host/path",
            );
        }
        let secret = self.anchor_webhook_secret.as_ref();
        if secret.is_some_and(|secret| !SECRET_LENGTH.contains(&secret.expose().len())) {
            let remedy = "use the output of `openssl rand -hex 32`";
            checks.error(
                "anchor_webhook_secret",
                "does not have 16 to 256 bytes",
                remedy,
            );
        } else if environment.is_production() {
            refuse_weak("anchor_webhook_secret", secret, checks);
        }
    }

    fn check_witnesses(&self, checks: &mut Checks<'_>) {
        if self.witnesses.len() > MAX_WITNESSES {
            checks.error("witnesses", "has more than 8 entries", "name fewer");
        }
        if let Some(bad) = self
            .witnesses
            .iter()
            .find(|witness| !is_callable(&witness.place))
        {
            let problem = format!("`{}` is not an address to call", bad.place);
            checks.error(
                "witnesses",
                problem,
                "write https://host/path before the keys",
            );
        }
        if !self.witness_logs.is_empty() && self.witness_name.is_none() {
            checks.error(
                "witness_name",
                "is missing while witness_logs is set",
                "set both or neither",
            );
        }
        if self.witness_logs.len() > MAX_LOGS {
            checks.error("witness_logs", "has more than 1024 entries", "name fewer");
        }
        for (key, list) in [
            ("witnesses", &self.witnesses),
            ("witness_logs", &self.witness_logs),
        ] {
            if let Some(twice) = repeated(list) {
                checks.error(
                    key,
                    format!("names {twice} twice"),
                    "name it once, with all its keys",
                );
            }
        }
    }

    fn check_fields(&self, checks: &mut Checks<'_>) {
        let lists = [
            ("secret_fields", &self.secret_fields),
            ("personal_fields", &self.personal_fields),
        ];
        for (key, names) in lists {
            let usable = |name: &String| (1..=64).contains(&name.trim().len());
            if names.len() > MAX_FIELDS || !names.iter().all(usable) {
                checks.error(
                    key,
                    "holds a name that no field can have, or more than 1000",
                    "list names of 1 to 64 characters",
                );
            }
        }
    }
}

impl Section for AuditConfig {
    const NAME: &'static str = "audit";
    const SECRETS: &'static [&'static str] = &["anchor_webhook_url", "anchor_webhook_secret"];

    fn check(&self, environment: Environment, checks: &mut Checks<'_>) {
        self.check_names(checks);
        self.check_spans(checks);
        self.check_anchors(environment, checks);
        self.check_witnesses(checks);
        self.check_fields(checks);
    }
}

/// Host and path without a scheme, fit for a key name.
fn is_log_name(name: &str) -> bool {
    let edges = |c: char| c == '/' || c == '.';
    name.len() <= MAX_ORIGIN
        && !name.contains("://")
        && !name.chars().any(char::is_control)
        && !name.starts_with(edges)
        && !name.ends_with(edges)
        && KeyName::parse(name).is_ok()
}

/// A typing mistake is caught here; the client has the last word, also about plain HTTP.
fn is_callable(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && local)
}

fn repeated(list: &[KeyedPlace]) -> Option<&str> {
    let mut rest = list;
    while let Some((first, others)) = rest.split_first() {
        if others.iter().any(|other| other.place == first.place) {
            return Some(&first.place);
        }
        rest = others;
    }
    None
}
