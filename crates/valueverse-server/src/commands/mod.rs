//! One file per verb, and what several of them need.

pub(crate) mod admin;
pub(crate) mod audit;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod migrate;
pub(crate) mod serve;

mod assemble;
mod audit_settings;
mod reach;

use crate::cli::{Invocation, Verb};
use crate::config::{EnvVars, Settings, Sources};
use crate::datadir::DataDir;
use crate::output::{ExitStatus, Failure, Output};

/// What every verb starts from.
pub(crate) struct Job<'a> {
    pub(crate) sources: Sources<'a>,
    pub(crate) output: Output,
}

impl Job<'_> {
    /// The settings, with their warnings said.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let settings = crate::config::load(&self.sources).map_err(Failure::settings)?;
        self.output.warnings(&settings.warnings);
        Ok(settings)
    }

    /// The data folder, created if need be.
    pub(crate) fn folder(&self) -> Result<DataDir, Failure> {
        let folder = DataDir::open(self.sources.data_dir)?;
        if let Some(warning) = folder.warning() {
            self.output.warn(&warning);
        }
        Ok(folder)
    }
}

/// Does what the command line asks for.
pub(crate) fn run(invocation: &Invocation, output: Output) -> Result<ExitStatus, Failure> {
    let env = EnvVars::from_process();
    let job = Job {
        sources: Sources {
            data_dir: &invocation.global.data_dir,
            file: invocation.global.config.as_deref(),
            env: &env,
            listen: invocation.listen(),
        },
        output,
    };
    match &invocation.verb {
        Verb::Serve(_) => block_on(serve::run(&job)),
        Verb::Migrate { dry_run } => block_on(migrate::run(&job, *dry_run)),
        Verb::Admin(verb) => block_on(admin::run(&job, verb)),
        Verb::Audit(verb) => block_on(audit::run(&job, verb)),
        Verb::Config(verb) => config::run(&job, *verb),
        Verb::Doctor => block_on(doctor::run(&job)),
        Verb::Openapi => config::openapi(output),
        Verb::Problems => config::problems(output),
    }
}

fn block_on(
    work: impl Future<Output = Result<ExitStatus, Failure>>,
) -> Result<ExitStatus, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(|error| {
        let remedy = "check the limits of the process";
        Failure::new(ExitStatus::No, "runtime", error, remedy)
    })?;
    runtime.block_on(work)
}
