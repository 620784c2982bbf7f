use std::sync::Arc;

use tokio_util::task::TaskTracker;
use vv_audit::{Audit, AuditError, Event};
use vv_base::{Actor, Ctx, ErrorCode, Span};
use vv_crypto::Keyring;
use vv_shared::{Shared, Subject, Window};
use vv_store::{Store, StoreError};

use crate::password::{Assessment, HashError, HashSettings, Hasher, PasswordContext};
use crate::session::{LiveSessions, SessionPolicy};
use crate::token::{self, TokenSettings, Tokens};

/// Refusals recorded for one session within a minute.
const DENIALS: u32 = 20;

/// What the identity slices are built from.
#[derive(Clone)]
pub struct Parts {
    /// The main database.
    pub store: Store,
    /// State shared between nodes.
    pub shared: Shared,
    /// The audit trail.
    pub audit: Audit,
    /// The purpose keys.
    pub keyring: Arc<Keyring>,
}

/// How the identity slices behave.
#[derive(Debug)]
pub struct AuthSettings {
    /// Access tokens.
    pub tokens: TokenSettings,
    /// Session lengths.
    pub sessions: SessionPolicy,
    /// Cost of password hashing.
    pub hashing: HashSettings,
}

/// Why keys could not be loaded or used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A stored key was sealed under another root key.
    #[error("a stored signing key does not open with the configured root key")]
    Sealed,
    /// The table of keys has none that is active.
    #[error("there is no active signing key")]
    NoActiveKey,
    /// A key could not be made or used.
    #[error("a token could not be signed")]
    Sign,
    /// The password hash settings are not valid.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The event could not be recorded.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The database could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl KeysError {
    /// The stable code for problem documents.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Sealed | Self::NoActiveKey | Self::Sign => ErrorCode::new("keys.unusable"),
            Self::Hash(error) => error.code(),
            Self::Audit(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}

/// The identity slices of one node. Cheap to clone.
#[derive(Clone)]
pub struct Auth {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    tokens: Tokens,
    hasher: Hasher,
    sessions: SessionPolicy,
    live: LiveSessions,
    tasks: TaskTracker,
}

impl Auth {
    /// Loads the signing keys and gets ready to answer.
    pub async fn start(ctx: &Ctx, parts: Parts, settings: AuthSettings) -> Result<Self, KeysError> {
        let hasher = Hasher::new(&settings.hashing, ctx.rng())?;
        let tokens = token::load(ctx, &parts, settings.tokens).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                parts,
                tokens,
                hasher,
                sessions: settings.sessions,
                live: LiveSessions::default(),
                tasks: TaskTracker::new(),
            }),
        })
    }

    /// The main database.
    pub fn store(&self) -> &Store {
        &self.inner.parts.store
    }

    /// State shared between nodes.
    pub fn shared(&self) -> &Shared {
        &self.inner.parts.shared
    }

    /// The audit trail.
    pub fn audit(&self) -> &Audit {
        &self.inner.parts.audit
    }

    /// The purpose keys.
    pub fn keyring(&self) -> &Keyring {
        &self.inner.parts.keyring
    }

    /// The public keys that verify our access tokens, RFC 7517.
    pub fn jwks(&self) -> serde_json::Value {
        self.inner.tokens.jwks()
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.inner.tokens
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.inner.hasher
    }

    pub(crate) fn session_policy(&self) -> &SessionPolicy {
        &self.inner.sessions
    }

    pub(crate) fn live(&self) -> &LiveSessions {
        &self.inner.live
    }

    /// Judges a new password.
    pub async fn assess_password(
        &self,
        password: &str,
        context: &PasswordContext<'_>,
    ) -> Result<Assessment, HashError> {
        self.hasher().judge(password, context).await
    }

    /// Runs work to its end even when the caller goes away: somebody who hangs
    /// up must not undo the trace of what they tried.
    pub(crate) async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.inner.tasks.spawn(work).await.ok()
    }

    /// Waits for work that outlived its caller.
    pub async fn wind_down(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// Records that somebody was refused for lack of a permission, also when
    /// they hang up. A few events per session and minute show it; one per try
    /// would let anybody fill the disk.
    pub async fn record_denial(&self, ctx: &Ctx, event: Event) -> Result<(), AuditError> {
        metrics::counter!("valueverse_denials_total").increment(1);
        let subject = match ctx.actor {
            Actor::User { session, .. } => Subject::from(session),
            Actor::Anonymous | Actor::System | Actor::Operator => Subject::GLOBAL,
        };
        let window = Window::new("denials", subject, DENIALS, Span::minutes(1));
        if !self.shared().hit(&window, 1).await.allowed {
            return Ok(());
        }
        let (auth, ctx) = (self.clone(), ctx.clone());
        let work = async move { auth.record(&ctx, event).await };
        self.finish(work).await.unwrap_or(Ok(()))
    }

    /// Records an event that goes with no other change, as durably as its kind
    /// asks for.
    pub async fn record(&self, ctx: &Ctx, event: Event) -> Result<(), AuditError> {
        self.audit().emit(ctx, event).await?;
        Ok(())
    }
}
