//! `cargo xtask bench`: the measuring itself is the crate `bench` in tests/bench.

use crate::child::{self, cargo};
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::services::{Need, Services};

pub(crate) fn run(args: &[String], interrupt: &Interrupt) -> Result<()> {
    // Built before the services start, so that an idle PostgreSQL does not wait for rustc.
    child::run_ok(
        cargo().args(["build", "--release", "--package=bench"]),
        interrupt,
    )?;
    let services = Services::start(&[Need::Postgres], interrupt)?;
    let target = crate::tidy::target_folder(interrupt)?;
    let mut command = cargo();
    command
        .args(["run", "--quiet", "--release", "--package=bench", "--"])
        .arg("--json")
        .arg(target.join("bench.json"))
        .arg("--folder")
        .arg(target.join("bench-data"))
        .args(args)
        .envs(services.env());
    child::run_ok(&mut command, interrupt)
}
