//! What the settings mean for the audit trail.

use std::path::Path;

use valueverse::RootKey;
use vv_audit::redact::RedactionPolicy;
use vv_audit::{
    AnchorSettings, AuditSettings, RetentionSettings, SinkKind, SinkSettings, SpoolLimits,
    WitnessSettings, WitnessedLog,
};
use vv_base::Secret;
use vv_crypto::{Keyring, Origin};
use vv_outbound::{Outbound, OutboundSettings, WebhookSecret};

use super::assemble::Place;
use crate::config::{AuditConfig, Config, KeyedPlace};
use crate::datadir::DataDir;
use crate::output::Failure;

/// Largest file with certificates of authorities.
const MAX_PEM: u64 = 1 << 20;
/// The spool within the data folder.
pub(super) const SPOOL: &str = "spool";

/// The trail of this process. Commands get no spool: it belongs to the server alone.
pub(super) fn of(
    config: &Config,
    folder: &DataDir,
    root: &RootKey,
    place: &Place,
) -> Result<AuditSettings, Failure> {
    let audit = &config.audit;
    let within = |name: &str| folder.path().join(name);
    let spool = audit.spool_dir.clone().unwrap_or_else(|| within(SPOOL));
    let archive = audit.archive_dir.clone();
    Ok(AuditSettings {
        origin: origin(audit, root),
        spool: place.spools.then_some(spool),
        spool_limits: SpoolLimits {
            bytes: u64::try_from(audit.spool_max_bytes.bytes()).unwrap_or(u64::MAX),
            age: audit.spool_max_age.span(),
            ..SpoolLimits::default()
        },
        heartbeat: audit.heartbeat.span(),
        idle_heartbeat: audit.idle_heartbeat.span(),
        redaction: RedactionPolicy::default()
            .secret_keys(audit.secret_fields.iter().map(String::as_str))
            .personal_keys(audit.personal_fields.iter().map(String::as_str)),
        anchor: anchors(config, root)?,
        retention: RetentionSettings {
            months: (audit.retention_months > 0).then_some(audit.retention_months),
            archive_dir: Some(archive.unwrap_or_else(|| within("archive"))),
            auto_prune: audit.auto_prune,
        },
        ..AuditSettings::default()
    })
}

/// The origin of the settings, or one that two installations never share.
pub(super) fn origin(audit: &AuditConfig, root: &RootKey) -> String {
    audit
        .origin
        .clone()
        .unwrap_or_else(|| format!("{}.valueverse.local/audit", root.check_value()))
}

fn anchors(config: &Config, root: &RootKey) -> Result<AnchorSettings, Failure> {
    let audit = &config.audit;
    let keyring = Keyring::new(root, config.environment.as_str());
    // What a sink was given is remembered under its name, so another place has another name. An
    // address may hold a token: its digest is keyed.
    let named = |kind: SinkKind, place: &str| {
        let digest = keyring.fingerprint().index("audit.sink", place);
        let short = hex::encode(digest.first_chunk::<4>().copied().unwrap_or_default());
        SinkSettings {
            name: format!("{}-{short}", kind.as_str()),
            kind,
        }
    };
    let mut sinks = Vec::new();
    if let Some(path) = &audit.anchor_file {
        let kind = SinkKind::File { path: path.clone() };
        sinks.push(named(kind, &path.display().to_string()));
    }
    if let (Some(url), Some(secret)) = (&audit.anchor_webhook_url, &audit.anchor_webhook_secret) {
        let secret = WebhookSecret::new(Secret::new(secret.expose().as_bytes().to_vec()));
        let secret = secret.map_err(|error| {
            let remedy = "use the output of `openssl rand -hex 32`";
            Failure::usage("audit.anchor_webhook_secret", error, remedy)
        })?;
        let url = url.expose().to_owned();
        let kind = SinkKind::Webhook {
            url: url.clone(),
            secret,
        };
        sinks.push(named(kind, &url));
    }
    for KeyedPlace { place, keys } in &audit.witnesses {
        let kind = SinkKind::Witness {
            url: place.clone(),
            keys: keys.clone(),
        };
        sinks.push(named(kind, place));
    }
    let calls = sinks
        .iter()
        .any(|sink| !matches!(sink.kind, SinkKind::File { .. }));
    let anchors = AnchorSettings {
        interval: audit.anchor_interval.span(),
        sinks,
        outbound: calls.then(|| outbound(config)).transpose()?,
    };
    anchors.validate().map_err(|error| {
        let remedy = "correct the places for checkpoints in the section [audit]";
        Failure::usage("audit.anchors", error, remedy)
    })?;
    Ok(anchors)
}

/// The client for calls to other machines.
fn outbound(config: &Config) -> Result<Outbound, Failure> {
    let outbound = &config.outbound;
    let settings = OutboundSettings {
        allow_private: outbound.allow_networks.clone(),
        allow_http_loopback: outbound.allow_http_loopback,
        extra_ca_pem: outbound.extra_ca.as_deref().map(read_pem).transpose()?,
        ..OutboundSettings::default()
    };
    Outbound::new(&settings).map_err(|error| {
        let remedy = "correct the section [outbound]";
        Failure::usage("outbound.settings", error, remedy)
    })
}

fn read_pem(path: &Path) -> Result<String, Failure> {
    let unusable = |cause: &dyn std::fmt::Display| {
        let cause = format!("{} cannot be read: {cause}", path.display());
        let remedy = "name a PEM file in outbound.extra_ca";
        Failure::usage("outbound.extra_ca", cause, remedy)
    };
    let length = std::fs::metadata(path).map_err(|error| unusable(&error))?;
    if length.len() > MAX_PEM {
        return Err(unusable(&"it is larger than 1 MiB"));
    }
    std::fs::read_to_string(path).map_err(|error| unusable(&error))
}

/// What the settings say about witnessing other logs.
pub(super) fn witness(audit: &AuditConfig) -> Result<Option<WitnessSettings>, Failure> {
    let Some(name) = &audit.witness_name else {
        return Ok(None);
    };
    let logs = witnessed(&audit.witness_logs)?;
    Ok(Some(WitnessSettings {
        name: name.clone(),
        logs,
    }))
}

/// Logs by their origins.
pub(super) fn witnessed(logs: &[KeyedPlace]) -> Result<Vec<WitnessedLog>, Failure> {
    let logs = logs.iter().map(|log| {
        let origin = Origin::parse(&log.place).map_err(|error| {
            let remedy = "write the origin of the log before its keys";
            Failure::usage("audit.witness_logs", error, remedy)
        })?;
        Ok(WitnessedLog {
            origin,
            keys: log.keys.clone(),
        })
    });
    logs.collect()
}
