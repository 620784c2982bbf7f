//! `cargo xtask test`.

use std::io::{BufRead, BufReader, PipeReader, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use rustix::process::Signal;

use crate::child::{self, Running, cargo};
use crate::failure::{Context, Failure, Result};
use crate::interrupt::Interrupt;
use crate::services::{Need, Services};

/// Runs the tests with everything they need and ends with one line of sums.
pub(crate) fn run(args: &[String], interrupt: &Interrupt) -> Result<()> {
    let binary = build_binary(interrupt)?;
    let services = Services::start(Need::ALL, interrupt)?;
    let mut command = cargo();
    command.arg("test").args(default_selection(args)).args(args);
    command.env("VALUEVERSE_TEST_BIN", &binary);
    command.envs(services.env());
    // One pipe for both streams keeps their lines in order.
    let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone().context("cannot make a pipe")?)
        .stderr(writer);
    let started = Instant::now();
    let mut running = Running::start(&mut command, Signal::TERM)?;
    // The command keeps a copy of the pipe's writing end.
    drop(command);
    let counter = std::thread::spawn(move || pass_through(reader));
    let status = running.wait(interrupt)?;
    drop(running);
    let totals = counter
        .join()
        .map_err(|_| Failure::new("the reader of the test output failed"))??;
    drop(services);
    eprintln!("tests took {} s", started.elapsed().as_secs());
    println!("{totals}");
    child::succeeded(status)
}

/// Without a choice of packages, all of them.
fn default_selection(args: &[String]) -> Vec<&'static str> {
    let own = args.iter().take_while(|arg| *arg != "--");
    let chosen = own.into_iter().any(|arg| {
        arg.starts_with("-p") || arg.starts_with("--package") || arg.starts_with("--manifest-path")
    });
    let mut selection = vec!["--no-fail-fast"];
    if !chosen {
        selection.push("--workspace");
    }
    selection
}

/// Builds the product and says where cargo put it.
pub(crate) fn build_binary(interrupt: &Interrupt) -> Result<PathBuf> {
    let messages = child::capture(
        cargo().args([
            "build",
            "--package=valueverse-server",
            "--message-format=json-render-diagnostics",
        ]),
        interrupt,
    )?;
    executable(&messages).ok_or_else(|| Failure::new("cargo built no program named valueverse"))
}

fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| {
            message
                .pointer("/target/name")
                .and_then(|name| name.as_str())
                == Some("valueverse")
        })
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
}

/// Sums over all test programs of a run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Totals {
    /// Adds a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, line: &str) {
        let Some(counts) = line.trim_start().strip_prefix("test result: ") else {
            return;
        };
        self.passed += count_before(counts, " passed");
        self.failed += count_before(counts, " failed");
        self.skipped += count_before(counts, " ignored");
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

fn count_before(text: &str, word: &str) -> u64 {
    text.split_once(word)
        .and_then(|(before, _)| before.rsplit(' ').next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

fn pass_through(reader: PipeReader) -> Result<Totals> {
    let mut totals = Totals::default();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    let mut out = std::io::stdout();
    while reader
        .read_until(b'\n', &mut line)
        .context("cannot read the test output")?
        > 0
    {
        totals.add(&String::from_utf8_lossy(&line));
        out.write_all(&line).context("cannot print")?;
        line.clear();
    }
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_summed() {
        let mut totals = Totals::default();
        totals.add("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s\n");
        totals.add("test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 9.01s");
        totals.add("test speaks::of_5 passed ... ok");
        assert_eq!(totals.to_string(), "16 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn chosen_packages_replace_the_whole_workspace() {
        let args = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            default_selection(&args(&["--", "-p"])),
            ["--no-fail-fast", "--workspace"]
        );
        assert_eq!(
            default_selection(&args(&["-p", "vv-base"])),
            ["--no-fail-fast"]
        );
    }

    #[test]
    fn the_program_is_found_in_cargo_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"vv_base"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"valueverse"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"valueverse"},"executable":"/x/valueverse"}"#,
            "\nnot json\n",
        );
        assert_eq!(executable(messages), Some(PathBuf::from("/x/valueverse")));
    }
}
