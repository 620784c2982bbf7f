//! The program: settings, command line, listeners. Everything else lives in the libraries.

mod cli;
mod commands;
mod config;
mod datadir;
mod lifecycle;
mod listen;
mod output;
mod telemetry;

use std::process::ExitCode;

use cli::Cli;
use output::Output;

fn main() -> ExitCode {
    let invocation = match Cli::read() {
        Ok(invocation) => invocation,
        Err(code) => return code,
    };
    let output = Output::new(invocation.global.json);
    match commands::run(&invocation, output) {
        Ok(status) => status.into(),
        Err(failure) => output.fail(&failure),
    }
}
