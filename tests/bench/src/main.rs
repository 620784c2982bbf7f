//! Measures the product against the ceilings of the machine it runs on.
//!
//! Absolute figures say little about another machine, so every row of ours
//! stands beside a bare one of the same run: contenders of one group take
//! turns, round after round, and the median of the rounds counts.
//!
//! Run it through `cargo xtask bench`, which starts `PostgreSQL`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what this tool is for"
)]

mod audit;
mod callers;
mod hashing;
mod http_route;
mod measure;
mod postgres;
mod report;
mod sqlite;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::measure::{Group, Outcome, Plan};
use crate::report::Report;

#[derive(Parser)]
#[command(name = "bench")]
struct Cli {
    /// Shorter rounds; the whole run ends within three minutes.
    #[arg(long)]
    quick: bool,
    /// Only groups whose name contains this text: http, hashing, sqlite, postgres, audit.
    #[arg(long)]
    only: Option<String>,
    /// Where to write the figures as JSON.
    #[arg(long)]
    json: PathBuf,
    /// A folder on the disk to measure; created, emptied afterwards.
    #[arg(long)]
    folder: PathBuf,
    /// Superuser URL of a private `PostgreSQL`; without it those rows are left out.
    #[arg(long, env = "VALUEVERSE_TEST_PG_URL", hide_env_values = true)]
    pg_url: Option<String>,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("error: {text}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Outcome<()> {
    let plan = if cli.quick { Plan::QUICK } else { Plan::FULL };
    let mut report = Report::new(cli.quick);
    for (name, prepare) in GROUPS {
        if cli
            .only
            .as_ref()
            .is_some_and(|only| !name.contains(only.as_str()))
        {
            continue;
        }
        let Some(group) = prepare(cli)? else {
            eprintln!("{name}: left out, it needs PostgreSQL (VALUEVERSE_TEST_PG_URL)");
            continue;
        };
        eprintln!("{name}: {} contenders, {} rounds", group.len(), plan.rounds);
        report.add(group.run(&plan)?);
    }
    let _ = std::fs::remove_dir_all(&cli.folder);
    println!("{report}");
    report.write(&cli.json)?;
    println!("figures: {}", cli.json.display());
    Ok(())
}

type Prepare = fn(&Cli) -> Outcome<Option<Group>>;

const GROUPS: &[(&str, Prepare)] = &[
    ("http", |_| http_route::group().map(Some)),
    ("hashing", |_| hashing::group().map(Some)),
    ("sqlite", |cli| sqlite::group(&cli.folder).map(Some)),
    ("audit-sqlite", |cli| {
        audit::lite_group(&cli.folder.join("audit")).map(Some)
    }),
    ("audit-sqlite-alone", |cli| {
        audit::lite_lonely(&cli.folder.join("audit-alone")).map(Some)
    }),
    ("audit-proof-sqlite", |cli| {
        audit::lite_proof(&cli.folder.join("audit-proof")).map(Some)
    }),
    ("audit-proof-postgres", |cli| {
        cli.pg_url.as_deref().map(audit::pg_proof).transpose()
    }),
    ("audit-postgres", |cli| {
        cli.pg_url.as_deref().map(audit::pg_group).transpose()
    }),
    ("audit-postgres-alone", |cli| {
        cli.pg_url.as_deref().map(audit::pg_lonely).transpose()
    }),
    ("postgres", |cli| {
        cli.pg_url.as_deref().map(postgres::group).transpose()
    }),
];
