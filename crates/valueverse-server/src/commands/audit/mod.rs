//! `valueverse audit …`

mod erasure;
mod export;
mod file;
mod prove;
mod retention;
mod verify;
mod witness;

use valueverse::{Actor, Audit, MetricsAccess, SecuritySystem};
use vv_audit::{ANCHOR_CHAIN, AuditError, Log, RetentionError, SYSTEM_CHAIN, WitnessSettings};
use vv_base::{Ctx, ErrorCode, SystemRng, TenantId};

use super::assemble::{self, Place};
use super::{Job, audit_settings, reach};
use crate::cli::{AuditVerb, Chain};
use crate::output::{ExitStatus, Failure};

pub(crate) async fn run(job: &Job<'_>, verb: &AuditVerb) -> Result<ExitStatus, Failure> {
    match verb {
        AuditVerb::Verify(args) => match &args.file {
            Some(file) => verify::file(job, args, file),
            None => with_trail(job, async |trail| verify::run(job, args, trail).await).await,
        },
        AuditVerb::Export(args) => export::run(job, args).await,
        AuditVerb::Checkpoint(args) => {
            with_trail(job, async |trail| prove::checkpoint(job, args, trail).await).await
        }
        AuditVerb::Keys { chain } => {
            let witness = audit_settings::witness(&job.settings()?.config.audit)?;
            with_witness(job, witness, async |trail| {
                prove::keys(job, *chain, trail).await
            })
            .await
        }
        AuditVerb::Prove(args) => {
            with_trail(job, async |trail| prove::run(job, args, trail).await).await
        }
        AuditVerb::Witness(args) => witness::run(job, args).await,
        AuditVerb::Segments(args) => {
            with_trail(job, async |trail| {
                retention::segments(job, args, trail).await
            })
            .await
        }
        AuditVerb::Prune(args) => {
            with_trail(job, async |trail| retention::prune(job, args, trail).await).await
        }
        AuditVerb::Hold(verb) => {
            with_trail(job, async |trail| retention::hold(job, verb, trail).await).await
        }
        AuditVerb::Resume { chain, yes } => {
            with_trail(job, async |trail| {
                erasure::resume(job, *chain, *yes, trail).await
            })
            .await
        }
        AuditVerb::Forget { user, chain, yes } => {
            with_trail(job, async |trail| {
                erasure::forget(job, *user, *chain, *yes, trail).await
            })
            .await
        }
    }
}

/// The trail of an installation, opened beside a server that may be running.
struct Trail {
    system: SecuritySystem,
    ctx: Ctx,
}

async fn with_trail(
    job: &Job<'_>,
    work: impl AsyncFnOnce(&Trail) -> Result<ExitStatus, Failure>,
) -> Result<ExitStatus, Failure> {
    with_witness(job, None, work).await
}

async fn with_witness(
    job: &Job<'_>,
    witness: Option<WitnessSettings>,
    work: impl AsyncFnOnce(&Trail) -> Result<ExitStatus, Failure>,
) -> Result<ExitStatus, Failure> {
    let settings = job.settings()?;
    let config = &settings.config;
    let folder = job.folder()?;
    let (root, _) = folder.root_key(&config.keys, &SystemRng)?;
    let access = MetricsAccess::default();
    let place = Place {
        witness,
        ..Place::command()
    };
    let system = assemble::system(config, &folder, &root, access, &place).await?;
    drop(root);
    let ctx = system.ctx().with_actor(Actor::Operator);
    let trail = Trail { system, ctx };
    let done = work(&trail).await;
    trail.system.close().await;
    done
}

impl Trail {
    fn audit(&self) -> &Audit {
        self.system.auth().audit()
    }

    async fn chains(&self) -> Result<Vec<TenantId>, Failure> {
        self.audit().chains(&self.ctx).await.map_err(failed)
    }

    /// The context of a chain of events that exists.
    async fn of(&self, chain: Chain) -> Result<Ctx, Failure> {
        if chain == Chain::ANCHOR {
            let remedy = "name a tenant's id or `system`; `audit verify` checks the log of logs along with every chain";
            let cause = "the log of logs holds no events";
            return Err(Failure::usage("audit.no_events", cause, remedy));
        }
        if chain.0 != SYSTEM_CHAIN && !self.chains().await?.contains(&chain.0) {
            let cause = format!("there is no chain of {chain}");
            let remedy = "`valueverse audit segments` and `audit verify` name the chains there are";
            return Err(Failure::usage("audit.no_chain", cause, remedy));
        }
        Ok(in_chain(&self.ctx, chain.0))
    }

    async fn log(&self, chain: Chain) -> Result<Log, Failure> {
        if chain.0 == ANCHOR_CHAIN {
            // What is not in the log yet would be missing in what is said about it.
            self.audit().anchor_round().await.map_err(failed)?;
            return Ok(self.audit().anchor_log());
        }
        Ok(self.audit().log(&self.of(chain).await?))
    }
}

/// The context of a chain of events.
fn in_chain(ctx: &Ctx, chain: TenantId) -> Ctx {
    if chain == SYSTEM_CHAIN {
        ctx.clone().for_system()
    } else {
        ctx.clone().for_tenant(chain)
    }
}

/// What a person should read about an error of the trail.
fn failed(error: AuditError) -> Failure {
    match error {
        AuditError::Store(error) => reach::store_failure(&error),
        AuditError::Filter(error) => Failure::usage("audit.filter", error, "correct the condition"),
        error => no(error.code(), &error),
    }
}

fn failed_retention(error: RetentionError) -> Failure {
    match error {
        RetentionError::Audit(error) => failed(error),
        RetentionError::Reason | RetentionError::NoHold => {
            let remedy = "correct the option; nothing was changed";
            Failure::usage(error.code().as_str(), &error, remedy)
        }
        error => no(error.code(), &error),
    }
}

fn no(code: ErrorCode, error: &dyn std::fmt::Display) -> Failure {
    let remedy = "`valueverse doctor` and `valueverse audit verify` say more";
    Failure::new(ExitStatus::No, code.as_str(), error, remedy)
}

/// Refuses something that cannot be undone until it is confirmed.
fn confirmed(yes: bool, what: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let remedy = "repeat the command with --yes to do it";
    Err(Failure::usage("audit.unconfirmed", what, remedy))
}
