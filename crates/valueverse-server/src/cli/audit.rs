//! The verbs of `valueverse audit`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use vv_audit::export::ExportFormat;
use vv_audit::{ANCHOR_CHAIN, HoldId, SYSTEM_CHAIN};
use vv_base::{TenantId, Timestamp, UserId};

use super::examples;
use crate::config::KeyedPlace;

/// A chain as people name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chain(pub(crate) TenantId);

impl Chain {
    pub(crate) const SYSTEM: Self = Self(SYSTEM_CHAIN);
    pub(crate) const ANCHOR: Self = Self(ANCHOR_CHAIN);
}

impl FromStr for Chain {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "system" => Ok(Self::SYSTEM),
            "anchor" => Ok(Self::ANCHOR),
            id => id
                .parse()
                .map(Self)
                .map_err(|_| "expected the id of a tenant, `system` or `anchor`"),
        }
    }
}

impl std::fmt::Display for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            id if id == SYSTEM_CHAIN => f.write_str("system"),
            id if id == ANCHOR_CHAIN => f.write_str("anchor"),
            tenant => write!(f, "tenant {tenant}"),
        }
    }
}

/// What to do with the audit trail.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum AuditVerb {
    /// Check the chains, or an export or archive file; exit code 1 if anything was changed.
    #[command(after_help = examples(&[
        "valueverse audit verify --json",
        "valueverse audit verify --chain system --incremental",
        "valueverse audit verify --file events.jsonl --keys keys.txt",
    ]))]
    Verify(VerifyArgs),
    /// Write the events of a chain to a file; the export is itself recorded.
    #[command(after_help = examples(&[
        "valueverse audit export --format jsonl --chain system --out events.jsonl",
    ]))]
    Export(ExportArgs),
    /// Print a signed checkpoint: what the log looks like now.
    #[command(after_help = examples(&["valueverse audit checkpoint --out checkpoint.txt"]))]
    Checkpoint(CheckpointArgs),
    /// Print the keys that signatures of this installation are checked with.
    #[command(after_help = examples(&["valueverse audit keys --chain system > keys.txt"]))]
    Keys {
        /// The chain: a tenant's id, `system`, or `anchor` for the log of logs.
        #[arg(long, value_name = "CHAIN", default_value = "anchor")]
        chain: Chain,
    },
    /// Print a proof: that an event is in the log, or that the log only grew.
    #[command(after_help = examples(&[
        "valueverse audit prove --chain system --height 17",
        "valueverse audit prove --chain system --from 10 --to 17",
    ]))]
    Prove(ProveArgs),
    /// Run a witness for the logs of other installations, and nothing else.
    #[command(after_help = examples(&[
        "valueverse audit witness --data-dir ./witness --name witness.example.org --log \"$KEY\"",
    ]))]
    Witness(WitnessArgs),
    /// List the months that are closed, and close or archive those that are due.
    #[command(after_help = examples(&["valueverse audit segments --close --archive"]))]
    Segments(SegmentsArgs),
    /// Remove archived months from the database when their time is over.
    #[command(after_help = examples(&["valueverse audit prune --dry-run"]))]
    Prune(PruneArgs),
    /// Keep events from being pruned.
    #[command(subcommand, arg_required_else_help = true)]
    Hold(HoldVerb),
    /// Let a chain take events again whose end does not fit its head.
    #[command(after_help = examples(&["valueverse audit resume --chain system --yes"]))]
    Resume {
        /// The chain: a tenant's id or `system`.
        #[arg(long, value_name = "CHAIN")]
        chain: Chain,
        /// Do it, after you looked into what happened.
        #[arg(long)]
        yes: bool,
    },
    /// Destroy the key of a person: nothing about them in the trail can be read any more.
    #[command(after_help = examples(&[
        "valueverse audit forget --user 01a203f3-fc0c-7093-a582-cc8bf44cd6ce --yes",
    ]))]
    Forget {
        /// The id of the person's account.
        #[arg(long, value_name = "ID")]
        user: UserId,
        /// The chain that tells of it: a tenant's id or `system`.
        #[arg(long, value_name = "CHAIN", default_value = "system")]
        chain: Chain,
        /// Do it; there is no way back.
        #[arg(long)]
        yes: bool,
    },
}

/// Options of `audit verify`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct VerifyArgs {
    /// Only this chain: a tenant's id or `system` [default: all of them].
    #[arg(long, value_name = "CHAIN", conflicts_with = "file")]
    pub(crate) chain: Option<Chain>,
    /// Read only what came after the last verification without a finding.
    #[arg(long, conflicts_with_all = ["resume", "file"])]
    pub(crate) incremental: bool,
    /// Go on where a verification was interrupted in the last 24 hours.
    #[arg(long, conflicts_with = "file")]
    pub(crate) resume: bool,
    /// A signed checkpoint kept elsewhere that the trail must continue; may be repeated.
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub(crate) checkpoint: Vec<PathBuf>,
    /// Check this export (JSONL) or archive (.vva) instead; no database is needed.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// A verifier key that you trust, for `--file`; may be repeated.
    #[arg(long, value_name = "KEY", requires = "file")]
    pub(crate) key: Vec<String>,
    /// File with such keys, one a line, as `audit keys` prints them.
    #[arg(long, value_name = "FILE", requires = "file")]
    pub(crate) keys: Option<PathBuf>,
}

/// Forms of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object a line with all evidence; can be verified.
    Jsonl,
    /// For spreadsheets.
    Csv,
    /// Common Event Format.
    Cef,
    /// Open Cybersecurity Schema Framework, one JSON object a line.
    Ocsf,
}

impl Format {
    pub(crate) const fn form(self) -> ExportFormat {
        match self {
            Self::Jsonl => ExportFormat::Jsonl,
            Self::Csv => ExportFormat::Csv,
            Self::Cef => ExportFormat::Cef,
            Self::Ocsf => ExportFormat::Ocsf,
        }
    }
}

/// Options of `audit export`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExportArgs {
    /// The form.
    #[arg(long, value_enum)]
    pub(crate) format: Format,
    /// The chain: a tenant's id or `system`.
    #[arg(long, value_name = "CHAIN", default_value = "system")]
    pub(crate) chain: Chain,
    /// From this time on, such as 2026-11-01T00:00:00Z or 2026-11-01.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) from: Option<Timestamp>,
    /// Before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) to: Option<Timestamp>,
    /// Only this kind, or a category as `authentication.*`; the rest of the chain is then missing
    /// from the file.
    #[arg(long = "type", value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// File to write; must not exist yet. `-` is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) out: PathBuf,
    /// With personal fields in clear; otherwise they stay sealed.
    #[arg(long)]
    pub(crate) opened: bool,
}

/// Options of `audit checkpoint`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CheckpointArgs {
    /// The chain: a tenant's id, `system`, or `anchor` for the log of logs.
    #[arg(long, value_name = "CHAIN", default_value = "anchor")]
    pub(crate) chain: Chain,
    /// File to write; must not exist yet [default: standard output].
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Options of `audit prove`.
#[derive(Debug, Clone, Args)]
#[group(id = "question", required = true, multiple = true)]
pub(crate) struct ProveArgs {
    /// The chain: a tenant's id, `system`, or `anchor` for the log of logs.
    #[arg(long, value_name = "CHAIN", default_value = "system")]
    pub(crate) chain: Chain,
    /// Prove that the event at this height is in the log.
    #[arg(long, value_name = "N", group = "question", conflicts_with_all = ["from", "to"])]
    pub(crate) height: Option<u64>,
    /// The size of the log to prove it for [default: all events].
    #[arg(long, value_name = "N", requires = "height")]
    pub(crate) size: Option<u64>,
    /// With the way on to a signed checkpoint of the log of logs.
    #[arg(long, requires = "height", conflicts_with = "size")]
    pub(crate) receipt: bool,
    /// Prove that the log continues what it was at this size.
    #[arg(long, value_name = "N", group = "question", requires = "to")]
    pub(crate) from: Option<u64>,
    /// The later size.
    #[arg(long, value_name = "N", requires = "from")]
    pub(crate) to: Option<u64>,
}

/// Options of `audit witness`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct WitnessArgs {
    /// Its name; the keys are made for it [default: the setting `audit.witness_name`].
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// A log that it knows, beside those of `audit.witness_logs`: `ORIGIN=KEY`, or the keys alone
    /// when their name is the origin; may be repeated.
    #[arg(long, value_name = "LOG")]
    pub(crate) log: Vec<KeyedPlace>,
    /// Address and port to listen on [default: the setting `server.listen`].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
}

/// Options of `audit segments`.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SegmentsArgs {
    /// Only this chain: a tenant's id or `system` [default: all of them].
    #[arg(long, value_name = "CHAIN")]
    pub(crate) chain: Option<Chain>,
    /// Close every month that is over, in all chains.
    #[arg(long)]
    pub(crate) close: bool,
    /// Write every closed month to the archive folder.
    #[arg(long)]
    pub(crate) archive: bool,
}

/// Options of `audit prune`.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct PruneArgs {
    /// Only say what would be removed.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Remove it.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What to do with legal holds.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum HoldVerb {
    /// Place a legal hold: from now on nothing of the chain is pruned.
    #[command(after_help = examples(&["valueverse audit hold place --reason 'case 2026-17'"]))]
    Place {
        /// The chain: a tenant's id or `system`.
        #[arg(long, value_name = "CHAIN", default_value = "system")]
        chain: Chain,
        /// Why; no personal data, because it stays in the trail for good.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Release a legal hold.
    #[command(after_help = examples(&[
        "valueverse audit hold release --id 01a203f3-fc0c-7093-a582-cc8bf44cd6ce",
    ]))]
    Release {
        /// The chain: a tenant's id or `system`.
        #[arg(long, value_name = "CHAIN", default_value = "system")]
        chain: Chain,
        /// The id of the hold.
        #[arg(long, value_name = "ID")]
        id: HoldId,
    },
    /// List the legal holds of a chain, released ones too.
    #[command(after_help = examples(&["valueverse audit hold list --chain system"]))]
    List {
        /// The chain: a tenant's id or `system`.
        #[arg(long, value_name = "CHAIN", default_value = "system")]
        chain: Chain,
    },
}

/// A moment, or the beginning of a day in UTC.
fn time(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse_rfc3339(text)
        .or_else(|| Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")))
        .ok_or("expected a time such as 2026-11-01T00:00:00Z, or a day such as 2026-11-01")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_have_names() {
        assert_eq!("system".parse(), Ok(Chain::SYSTEM));
        assert_eq!("anchor".parse(), Ok(Chain::ANCHOR));
        let id = "01a203f3-fc0c-7093-a582-cc8bf44cd6ce";
        let chain: Chain = id.parse().unwrap();
        assert_eq!(chain.to_string(), format!("tenant {id}"));
        assert!("sistem".parse::<Chain>().is_err());
    }

    #[test]
    fn a_day_begins_at_midnight() {
        assert_eq!(time("2026-11-01"), time("2026-11-01T00:00:00Z"));
        for text in ["", "2026-13-01", "yesterday", "2026-11-01T25:00:00Z"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
