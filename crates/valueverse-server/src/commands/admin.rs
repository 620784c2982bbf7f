//! `valueverse admin create`

use std::io::Read as _;

use serde_json::json;
use valueverse::{Actor, FirstAdmin, MetricsAccess, SetupError};
use vv_base::{Ctx, Secret, SystemRng};

use super::assemble::{self, Place};
use super::{Job, reach};
use crate::cli::{AdminCreateArgs, AdminVerb};
use crate::output::{ExitStatus, Failure};

/// Longest standard input looked at.
const MAX_INPUT: u64 = 4096;
/// Tenant of an administrator when no other is named.
const DEFAULT_TENANT: &str = "Default";
/// Letters of generated passwords: no two that look alike.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789-";

pub(crate) async fn run(job: &Job<'_>, verb: &AdminVerb) -> Result<ExitStatus, Failure> {
    let AdminVerb::Create(args) = verb;
    let settings = job.settings()?;
    let folder = job.folder()?;
    let (root, _) = folder.root_key(&settings.config.keys, &SystemRng)?;
    let config = &settings.config;
    let access = MetricsAccess::default();
    let system = assemble::system(config, &folder, &root, access, &Place::command()).await?;
    let ctx = system.ctx().with_actor(Actor::Operator);
    let (password, generated) = if args.password_stdin {
        (password_from_stdin()?, false)
    } else {
        (generate(&ctx), true)
    };
    let admin = first_admin(args, password.clone());
    let created = system.auth().add_admin(&ctx, &admin).await;
    system.close().await;
    let user = created.map_err(failure)?;
    let mut text = format!(
        "created administrator {} in tenant {}",
        admin.email, admin.tenant
    );
    let mut value = json!({ "user_id": user, "email": admin.email, "tenant": admin.tenant });
    if generated {
        text = format!("{text}\npassword (shown once): {}", password.expose());
        if let Some(object) = value.as_object_mut() {
            object.insert("password".to_owned(), json!(password.expose()));
        }
    }
    job.output.result(text, &value)?;
    Ok(ExitStatus::Fine)
}

fn first_admin(args: &AdminCreateArgs, password: Secret<String>) -> FirstAdmin {
    let name = args
        .name
        .clone()
        .unwrap_or_else(|| args.email.split('@').next().unwrap_or_default().to_owned());
    FirstAdmin {
        tenant: args
            .tenant
            .clone()
            .unwrap_or_else(|| DEFAULT_TENANT.to_owned()),
        email: args.email.clone(),
        name,
        password,
    }
}

fn password_from_stdin() -> Result<Secret<String>, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .take(MAX_INPUT)
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage("admin.stdin", error, "send the password as UTF-8 text"))?;
    let line = text.lines().next().unwrap_or_default().to_owned();
    if line.is_empty() {
        let remedy = "pipe the password in: printf '%s' \"$PASSWORD\" | valueverse admin create …";
        return Err(Failure::usage(
            "admin.stdin",
            "standard input is empty",
            remedy,
        ));
    }
    Ok(Secret::new(line))
}

/// Twenty letters of 32 kinds: 100 bits.
fn generate(ctx: &Ctx) -> Secret<String> {
    let text = ctx
        .random::<20>()
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte % 32)))
        .map(|letter| char::from(*letter))
        .collect();
    Secret::new(text)
}

fn failure(error: SetupError) -> Failure {
    let code = error.code().as_str();
    match &error {
        SetupError::Password(faults) => {
            let reasons: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
            let cause = format!("{error}: {}", reasons.join(" "));
            Failure::usage(code, cause, "choose another password")
        }
        SetupError::TenantName | SetupError::PersonName | SetupError::Email => {
            Failure::usage(code, error, "correct the option; nothing was created")
        }
        SetupError::Account(_) => Failure::usage(
            code,
            error,
            "use another address, or sign in with the account that exists",
        ),
        SetupError::Store(store) => reach::store_failure(store),
        _ => Failure::new(ExitStatus::No, code, error, "see `valueverse doctor`"),
    }
}
