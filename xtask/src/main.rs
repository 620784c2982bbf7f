//! The project's own chores: `cargo xtask test | bench | tidy | openapi | services`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what this tool is for"
)]

mod bench;
mod child;
mod failure;
mod interrupt;
mod openapi;
mod services;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::interrupt::Interrupt;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Chores of the ValueVerse Security workspace"
)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Start the services, build the binary, run every test, stop the services.
    ///
    /// Example: cargo xtask test -p vv-store -- commit
    Test {
        /// Handed on to `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Measure against the machine's own ceilings; prints a table, writes target/bench.json.
    ///
    /// Example: cargo xtask bench --quick --only argon2
    Bench {
        /// Handed on to the bench program (`--quick`, `--only <text>`).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Check the rules of the house that the compiler does not know.
    Tidy,
    /// Write docs/openapi.json, docs/problems.md and docs/audit-events.md from the code.
    Openapi {
        /// Compare only, and fail when the file is not what the binary says.
        #[arg(long)]
        check: bool,
    },
    /// Start `PostgreSQL`, Redis and `SoftHSM` for tests and keep them until Ctrl-C.
    ///
    /// Prints the `export` lines that tests need. Ends by itself when the
    /// process that started it ends.
    Services,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = Interrupt::listen().and_then(|interrupt| match cli.chore {
        Chore::Test { args } => test::run(&args, &interrupt),
        Chore::Bench { args } => bench::run(&args, &interrupt),
        Chore::Tidy => tidy::run(&interrupt),
        Chore::Openapi { check } => openapi::run(check, &interrupt),
        Chore::Services => services::run(&interrupt),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Failure::Message(text) = &failure {
                eprintln!("error: {text}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}
