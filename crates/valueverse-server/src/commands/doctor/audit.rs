//! What is wrong with the audit trail and the places around it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use valueverse::RootKey;
use vv_audit::{AnchorStatus, Audit, AuditError, AuditHealth, AuditParts, AuditSettings};
use vv_base::{Span, Timestamp};
use vv_crypto::Keyring;

use super::Finding;
use crate::cli::Chain;
use crate::commands::assemble::{self, Place};
use crate::commands::audit_settings;
use crate::commands::reach::Stores;
use crate::config::Config;
use crate::datadir::DataDir;
use crate::output::Failure;

/// How far a place outside may lie behind before it is a fault.
const LEAST_LAG: Span = Span::minutes(10);
/// Files of a spool that are looked at.
const MOST_FILES: usize = 10_000;

/// Places that need no database.
pub(super) fn places(
    config: &Config,
    folder: &DataDir,
    root: &RootKey,
    findings: &mut Vec<Finding>,
) {
    let settings = match audit_settings::of(config, folder, root, &Place::server("doctor")) {
        Ok(settings) => settings,
        Err(failure) => {
            findings.push(Finding::fault("audit settings", &failure));
            return;
        }
    };
    if let Some(spool) = &settings.spool {
        findings.push(spool_finding(spool));
    }
    if let Some(archive) = &settings.retention.archive_dir {
        findings.push(archive_finding(archive));
    }
}

/// What the database says. Nothing is written.
pub(super) async fn trail(
    config: &Config,
    folder: &DataDir,
    root: &RootKey,
    stores: &Stores,
    findings: &mut Vec<Finding>,
) {
    let place = Place::command();
    let Ok(settings) = audit_settings::of(config, folder, root, &place) else {
        // Said already.
        return;
    };
    match look(config, root, stores, settings).await {
        Ok((health, anchors, interval)) => {
            findings.extend(health_findings(&health));
            findings.push(anchor_finding(&anchors, interval, assemble::ctx().now()));
        }
        Err(error) => {
            let remedy = "look into the log of the server";
            let failure = Failure::usage(error.code().as_str(), error, remedy);
            findings.push(Finding::fault("audit trail", &failure));
        }
    }
}

async fn look(
    config: &Config,
    root: &RootKey,
    stores: &Stores,
    settings: AuditSettings,
) -> Result<(AuditHealth, AnchorStatus, Span), AuditError> {
    let interval = settings.anchor.interval;
    let parts = AuditParts {
        store: stores.main.clone(),
        keys: stores.keys.clone(),
        keyring: Arc::new(Keyring::new(root, config.environment.as_str())),
        node: Place::command().node,
    };
    let audit = Audit::open(&assemble::ctx(), parts, settings).await?;
    Ok((
        audit.health().await?,
        audit.anchor_status().await?,
        interval,
    ))
}

fn health_findings(health: &AuditHealth) -> Vec<Finding> {
    let mut findings = Vec::new();
    let waiting: u64 = health.waiting.iter().map(|(_, events)| events).sum();
    if health.broken.is_empty() {
        let says = match waiting {
            0 => "every chain ends where its head says, nothing waits".to_owned(),
            events => format!(
                "every chain ends where its head says; {events} events wait for their place, which a running server gives them within a second"
            ),
        };
        findings.push(Finding::fine("audit chains", says));
    } else {
        let chains: Vec<String> = health
            .broken
            .iter()
            .map(|id| Chain(*id).to_string())
            .collect();
        findings.push(Finding::wrong(
            "audit chains",
            format!(
                "the head of {} was changed outside this program, {waiting} events wait — run `valueverse audit verify`, then `valueverse audit resume`",
                chains.join(", ")
            ),
        ));
    }
    if health.refused > 0 {
        let says = format!(
            "{} rows in audit_intake were forged or changed; they are kept there to be looked at",
            health.refused
        );
        findings.push(Finding::wrong("audit intake", says));
    }
    match health.guarded {
        Some(true) => findings.push(Finding::fine(
            "audit tables",
            "event triggers guard them against their owner",
        )),
        Some(false) => findings.push(Finding::fine(
            "audit tables",
            "their owner could drop them; a superuser can prevent that with deploy/postgres/audit-immutability.sql",
        )),
        None => {}
    }
    findings
}

fn anchor_finding(status: &AnchorStatus, interval: Span, now: Timestamp) -> Finding {
    const WHAT: &str = "audit anchors";
    let Some((size, at)) = status.newest else {
        return Finding::fine(
            WHAT,
            "no checkpoint yet; the running server signs the first one",
        );
    };
    if status.sinks.is_empty() {
        let says = format!(
            "newest checkpoint of {at}; it is kept nowhere else: whoever holds database and root key can rewrite history unseen — set audit.anchor_file, audit.anchor_webhook_url or audit.witnesses"
        );
        return Finding::fine(WHAT, says);
    }
    let patience = Span::seconds(interval.as_seconds().saturating_mul(10)).max(LEAST_LAG);
    let mut late = Vec::new();
    for sink in &status.sinks {
        // A place that has the newest one is up to date, however old that is.
        let (known, since) = sink.newest.unwrap_or((0, at));
        if known < size && now >= since.plus(patience) {
            late.push(format!("{} knows {known} of {size} anchors", sink.name));
        }
    }
    if late.is_empty() {
        let names: Vec<&str> = status.sinks.iter().map(|sink| sink.name.as_str()).collect();
        Finding::fine(
            WHAT,
            format!("newest checkpoint of {at}, left with {}", names.join(", ")),
        )
    } else {
        let says = format!(
            "{} — look into the log of the server for the reason",
            late.join(", ")
        );
        Finding::wrong(WHAT, says)
    }
}

fn spool_finding(folder: &Path) -> Finding {
    const WHAT: &str = "audit spool";
    let shown = folder.display();
    match spool_files(folder) {
        Ok((_, _, damaged)) if damaged > 0 => {
            let says = format!(
                "{shown} holds {damaged} damaged files; the trail names what was lost in audit.spool_damaged — move them away when that was looked into"
            );
            Finding::wrong(WHAT, says)
        }
        Ok((0, _, _)) => Finding::fine(WHAT, format!("{shown} is empty")),
        Ok((files, bytes, _)) => Finding::fine(
            WHAT,
            format!(
                "{shown} holds {files} files with {bytes} bytes; a running server moves what waits into the chains"
            ),
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Finding::fine(
            WHAT,
            format!("{shown} does not exist yet; the server makes it"),
        ),
        Err(error) => Finding::wrong(
            WHAT,
            format!("{shown} cannot be read: {error} — give it to this user with mode 700"),
        ),
    }
}

/// Segments, their bytes, and files that were set aside.
fn spool_files(folder: &Path) -> io::Result<(usize, u64, usize)> {
    let (mut files, mut bytes, mut damaged) = (0, 0, 0);
    for entry in fs::read_dir(folder)?.take(MOST_FILES) {
        let entry = entry?;
        match Path::new(&entry.file_name())
            .extension()
            .and_then(OsStr::to_str)
        {
            Some("seg") => {
                files += 1;
                bytes += entry.metadata()?.len();
            }
            Some("damaged") => damaged += 1,
            _ => {}
        }
    }
    Ok((files, bytes, damaged))
}

fn archive_finding(folder: &Path) -> Finding {
    const WHAT: &str = "audit archive";
    let shown = folder.display();
    let probe = folder.join(format!(".probe-{}", std::process::id()));
    let tried = fs::File::create_new(&probe).and_then(|_| fs::remove_file(&probe));
    match tried {
        Ok(()) => Finding::fine(WHAT, format!("{shown} can be written")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Finding::fine(
            WHAT,
            format!("{shown} does not exist yet; it is made when the first month is archived"),
        ),
        Err(error) => Finding::wrong(
            WHAT,
            format!(
                "{shown} cannot be written: {error} — give this user the right to, or set audit.archive_dir"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use vv_audit::SinkStatus;

    use super::*;

    fn status(sink: Option<(u64, Timestamp)>) -> AnchorStatus {
        AnchorStatus {
            newest: Some((9, Timestamp::from_unix_micros(0))),
            sinks: vec![SinkStatus {
                name: "file-1".to_owned(),
                kind: "file",
                newest: sink,
                failing: false,
            }],
        }
    }

    fn is_fine(sink: Option<(u64, Timestamp)>, minutes: i64) -> bool {
        let now = Timestamp::from_unix_micros(0).plus(Span::minutes(minutes));
        anchor_finding(&status(sink), Span::minutes(1), now).ok
    }

    #[test]
    fn a_place_outside_may_lie_behind_for_a_while() {
        let start = Timestamp::from_unix_micros(0);
        assert!(is_fine(None, 9));
        assert!(!is_fine(None, 10));
        assert!(is_fine(Some((9, start)), 1_000), "it has the newest one");
        assert!(!is_fine(Some((8, start)), 10));
    }

    #[test]
    fn damage_in_the_spool_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("spool");
        assert!(spool_finding(&spool).says.ends_with("the server makes it"));
        fs::create_dir(&spool).unwrap();
        assert!(spool_finding(&spool).says.ends_with("is empty"));
        fs::write(spool.join("00000000000000000001.seg"), "12345").unwrap();
        assert!(spool_finding(&spool).says.contains("1 files with 5 bytes"));
        fs::write(spool.join("00000000000000000001.damaged"), "x").unwrap();
        assert!(!spool_finding(&spool).ok);
    }

    #[test]
    fn the_archive_must_be_a_folder_to_write_to() {
        let folder = tempfile::tempdir().unwrap();
        assert!(archive_finding(folder.path()).ok);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(archive_finding(&folder.path().join("later")).ok);
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(!archive_finding(&file).ok);
    }
}
