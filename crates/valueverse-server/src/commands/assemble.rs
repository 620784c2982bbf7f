//! Puts the system together from the settings: what `serve`, `admin` and
//! `audit` have in common.

use std::sync::Arc;

use valueverse::{
    AuthSettings, BuildError, HashSettings, HttpSettings, MetricsAccess, RootKey, SecuritySystem,
    SessionPolicy, SharedSecret, TokenSettings,
};
use vv_audit::{AuditError, SpoolError, WitnessSettings};
use vv_base::{Ctx, Secret, SystemClock, SystemRng};

use super::audit_settings;
use super::reach::{self, Stores};
use crate::config::Config;
use crate::datadir::DataDir;
use crate::output::{ExitStatus, Failure};

/// Sign-ins that may wait for their turn to hash, for each core.
const QUEUE_PER_CORE: usize = 32;
/// Issuer of access tokens when no setting names one. Not the address this node listens on:
/// every node of an installation must accept the tokens of the others.
const DEFAULT_ISSUER: &str = "valueverse";

/// Where this process stands.
pub(crate) struct Place {
    /// Its name in audit events.
    pub(crate) node: String,
    /// Whether audit events may wait on this machine while the database is away. The folder they
    /// wait in belongs to one process.
    pub(crate) spools: bool,
    /// Whether it cosigns checkpoints of other logs, and for whom.
    pub(crate) witness: Option<WitnessSettings>,
}

impl Place {
    /// A server.
    pub(crate) fn server(node: impl Into<String>) -> Self {
        Self {
            node: node.into(),
            spools: true,
            witness: None,
        }
    }

    /// A command on the machine itself.
    pub(crate) fn command() -> Self {
        Self {
            node: "command".to_owned(),
            spools: false,
            witness: None,
        }
    }
}

/// A context for work before the system exists.
pub(crate) fn ctx() -> Ctx {
    Ctx::system(Arc::new(SystemClock), Arc::new(SystemRng))
}

/// Opens the stores, brings them to this release's schema, and builds.
pub(crate) async fn system(
    config: &Config,
    folder: &DataDir,
    root: &RootKey,
    metrics: MetricsAccess,
    place: &Place,
) -> Result<SecuritySystem, Failure> {
    let audit = audit_settings::of(config, folder, root, place)?;
    if place.spools && config.audit.spool_dir.is_none() {
        folder.private_folder(audit_settings::SPOOL)?;
    }
    let stores = reach::stores(config, folder).await?;
    migrate(&stores).await?;
    let shared = reach::shared(config).await?;
    let mut builder = SecuritySystem::builder(stores.main, stores.keys, shared)
        .environment(config.environment.as_str())
        .node(place.node.as_str())
        .http(http_settings(config))
        .metrics(metrics)
        .audit(audit);
    if let Some(witness) = &place.witness {
        builder = builder.witness(witness.clone());
    }
    let system = builder
        .build(root, auth_settings(config)?)
        .await
        .map_err(|error| build_failure(error, folder))?;
    Ok(system)
}

/// Applies what is missing; refuses a schema this release does not know.
pub(crate) async fn migrate(stores: &Stores) -> Result<Vec<&'static str>, Failure> {
    let ctx = ctx();
    let mut names = Vec::new();
    for store in [&stores.keys, &stores.main] {
        let applied = store
            .migrate(&ctx)
            .await
            .map_err(|error| reach::store_failure(&error))?;
        names.extend(applied.iter().map(|migration| migration.name));
        store
            .guard()
            .await
            .map_err(|error| reach::store_failure(&error))?;
    }
    Ok(names)
}

fn http_settings(config: &Config) -> HttpSettings {
    HttpSettings {
        trusted_proxies: config.server.trusted_proxies.clone(),
        public_origin: config.server.public_origin.clone(),
        body_limit: config.server.body_limit.bytes(),
        timeout: config.server.request_timeout.duration(),
        tls: config.server.tls().is_some(),
        ..HttpSettings::default()
    }
}

fn auth_settings(config: &Config) -> Result<AuthSettings, Failure> {
    let tokens = &config.tokens;
    let shared_secret = tokens
        .jwt_secret_key
        .as_ref()
        .map(|secret| SharedSecret::parse(secret.expose()))
        .transpose()
        .map_err(|error| {
            let remedy = "set JWT_SECRET_KEY to the output of `openssl rand -hex 32`";
            Failure::usage("tokens.jwt_secret_key", error, remedy)
        })?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(AuthSettings {
        tokens: TokenSettings {
            issuer: tokens
                .issuer
                .clone()
                .or_else(|| config.server.public_origin.clone())
                .unwrap_or_else(|| DEFAULT_ISSUER.to_owned()),
            audience: tokens.audience.clone(),
            access_ttl: tokens.access_ttl.span(),
            shared_secret,
        },
        sessions: SessionPolicy {
            idle: tokens.session_idle.span(),
            absolute: tokens.session_absolute.span(),
        },
        hashing: HashSettings {
            memory_kib: config.password.argon2_memory_kib,
            passes: config.password.argon2_iterations,
            lanes: config.password.argon2_parallelism,
            parallel: cores,
            queue: cores * QUEUE_PER_CORE,
        },
    })
}

fn build_failure(error: BuildError, folder: &DataDir) -> Failure {
    match &error {
        BuildError::RootKeyMismatch { .. } => {
            let file = folder.path().join("keys").join("root.key");
            let remedy = format!(
                "copy the root key of the first node to {}, or set PCI_MASTER_KEY to it",
                file.display()
            );
            Failure::usage("keys.mismatch", error, remedy)
        }
        BuildError::EnvironmentMismatch => {
            let remedy = "set VALUEVERSE_ENV to what it was when the database was made";
            Failure::usage("keys.environment", error, remedy)
        }
        BuildError::SubjectKeysMissing => {
            let remedy = "restore keys.db (on PostgreSQL the schema `keys`) from the same backup";
            Failure::new(ExitStatus::No, "keys.subjects_missing", error, remedy)
        }
        BuildError::Store(store) => reach::store_failure(store),
        BuildError::Http(_) => Failure::usage("server.settings", error, "correct the settings"),
        BuildError::Audit(audit) => audit_failure(audit),
        BuildError::Keys(_) => {
            let remedy = "check that the root key is the one the database was made with";
            Failure::new(ExitStatus::No, "keys.unusable", error, remedy)
        }
    }
}

fn audit_failure(error: &AuditError) -> Failure {
    let code = error.code().as_str();
    match error {
        AuditError::Store(store) => reach::store_failure(store),
        AuditError::Spool(SpoolError::Locked) => {
            let remedy = "stop the other server, or give each an audit.spool_dir of its own";
            Failure::usage(code, error, remedy)
        }
        AuditError::Spool(SpoolError::Exposed) => {
            let remedy = "look who had access, then run chmod 700 on the folder";
            Failure::usage(code, error, remedy)
        }
        AuditError::Setting(_) | AuditError::Note(_) => {
            Failure::usage(code, error, "correct the section [audit]")
        }
        _ => Failure::new(ExitStatus::No, code, error, "see `valueverse doctor`"),
    }
}

/// The token a scraper must send, if the settings name one.
pub(crate) fn metrics_token(config: &Config) -> Option<Secret<String>> {
    let token = config.server.metrics_token.as_ref()?;
    Some(Secret::new(token.expose().to_owned()))
}
