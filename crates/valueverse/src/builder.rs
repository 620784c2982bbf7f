use std::sync::Arc;

use vv_audit::{Audit, AuditError, AuditParts, AuditSettings, Witness, WitnessSettings};
use vv_auth::{Auth, AuthSettings, KeysError, Parts};
use vv_base::{Clock, Ctx, Rng, SystemClock, SystemRng};
use vv_console::ConsoleState;
use vv_crypto::{Keyring, RootKey};
use vv_http::layer::SettingsFault;
use vv_http::{AppState, Edge, HttpSettings, MetricsAccess};
use vv_shared::Shared;
use vv_store::{Store, StoreError};

use crate::root_check;
use crate::system::SecuritySystem;

/// Why the system could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The database was made with another root key.
    #[error(
        "this database was made with the root key of check value {database}, \
         but the configured key has {configured}"
    )]
    RootKeyMismatch {
        /// Check value the database remembers.
        database: String,
        /// Check value of the configured key.
        configured: String,
    },
    /// The database was made under another environment name.
    #[error("this database was made with the same root key in another environment")]
    EnvironmentMismatch,
    /// There are people, but none of their subject keys.
    #[error("the store of subject keys is empty, but the database has people in it")]
    SubjectKeysMissing,
    /// Signing keys could not be loaded.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The audit trail could not be opened.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The HTTP settings contradict each other.
    #[error("{0}")]
    Http(SettingsFault),
    /// The database could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Collects what a [`SecuritySystem`] is made of.
pub struct Builder {
    pub(crate) store: Store,
    pub(crate) keys: Store,
    pub(crate) shared: Shared,
    environment: String,
    node: String,
    http: HttpSettings,
    metrics: MetricsAccess,
    audit: AuditSettings,
    witness: Option<WitnessSettings>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl Builder {
    pub(crate) fn new(store: Store, keys: Store, shared: Shared) -> Self {
        Self {
            store,
            keys,
            shared,
            environment: "development".to_owned(),
            node: "node".to_owned(),
            http: HttpSettings::default(),
            metrics: MetricsAccess::default(),
            audit: AuditSettings::default(),
            witness: None,
            clock: Arc::new(SystemClock),
            rng: Arc::new(SystemRng),
        }
    }

    /// Names the environment; keys of one do not work in another.
    #[must_use]
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.environment = name.into();
        self
    }

    /// Names this process in audit events.
    #[must_use]
    pub fn node(mut self, name: impl Into<String>) -> Self {
        self.node = name.into();
        self
    }

    /// How requests are treated before they reach a handler.
    #[must_use]
    pub fn http(mut self, settings: HttpSettings) -> Self {
        self.http = settings;
        self
    }

    /// Who may read the metrics.
    #[must_use]
    pub fn metrics(mut self, access: MetricsAccess) -> Self {
        self.metrics = access;
        self
    }

    /// How the audit trail behaves.
    #[must_use]
    pub fn audit(mut self, settings: AuditSettings) -> Self {
        self.audit = settings;
        self
    }

    /// Cosigns checkpoints of other installations as well.
    #[must_use]
    pub fn witness(mut self, settings: WitnessSettings) -> Self {
        self.witness = Some(settings);
        self
    }

    /// Another clock and randomness than the machine's, for tests.
    #[must_use]
    pub fn clock_and_rng(mut self, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        self.clock = clock;
        self.rng = rng;
        self
    }

    /// Checks the root key against the database, loads the signing keys and
    /// gets ready. The stores must be migrated.
    pub async fn build(
        self,
        root: &RootKey,
        settings: AuthSettings,
    ) -> Result<SecuritySystem, BuildError> {
        let ctx = Ctx::system(Arc::clone(&self.clock), Arc::clone(&self.rng));
        let keyring = Arc::new(Keyring::new(root, &self.environment));
        root_check::check(&ctx, &self.store, root, &keyring).await?;
        root_check::check_subject_keys(&ctx, &self.store, &self.keys).await?;
        let audit_parts = AuditParts {
            store: self.store.clone(),
            keys: self.keys.clone(),
            keyring: Arc::clone(&keyring),
            node: self.node,
        };
        let audit = Audit::open(&ctx, audit_parts, self.audit).await?;
        audit.announce_through(&self.shared);
        let parts = Parts {
            store: self.store,
            shared: self.shared,
            audit,
            keyring,
        };
        let auth = Auth::start(&ctx, parts, settings).await?;
        let http = HttpSettings {
            credential_cookies: vv_console::CREDENTIAL_COOKIES
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            ..self.http
        };
        let edge = Edge::new(http, Arc::clone(&self.clock), Arc::clone(&self.rng))
            .map_err(BuildError::Http)?
            .with_error_page(vv_console::error_page());
        let witness = match &self.witness {
            Some(settings) => Some(Witness::open(auth.audit(), settings).await?),
            None => None,
        };
        let mut state = AppState::new(auth, self.clock, self.rng, self.metrics);
        if let Some(witness) = witness {
            state = state.with_witness(witness);
        }
        let console = ConsoleState::new(state.clone());
        Ok(SecuritySystem::new(state, console, edge, self.keys))
    }
}
