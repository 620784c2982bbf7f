use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use vv_base::{Ctx, Id, Span, TenantId};
use vv_crypto::Keyring;
use vv_store::Store;

use crate::anchor::{AnchorSettings, Anchors};
use crate::error::AuditError;
use crate::redact::RedactionPolicy;
use crate::retention::RetentionSettings;
use crate::spool::{Spool, SpoolError, SpoolLimits, SpoolSetup};
use crate::tail::Announcer;
use crate::write::{Counters, Sequencer};

/// The chain of events that belong to no tenant.
pub const SYSTEM_CHAIN: TenantId = TenantId::nil();

/// The log of logs: what the other chains' sizes and roots were.
pub const ANCHOR_CHAIN: TenantId = TenantId::from_bytes([0xff; 16]);

/// Writes, reads and checks the audit trail. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    /// The context of work that the trail does on its own.
    pub(crate) ctx: Ctx,
    pub(crate) store: Store,
    pub(crate) keys: Store,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) node: String,
    /// Tells this start of the process from others of the same node.
    pub(crate) boot: Id<()>,
    pub(crate) settings: AuditSettings,
    pub(crate) spool: Option<Spool>,
    /// Whose cursor in SQL it is: the folder's, not the process's.
    pub(crate) spool_name: String,
    pub(crate) sequencer: Sequencer,
    pub(crate) counters: Counters,
    pub(crate) anchors: Anchors,
    pub(crate) announcer: Announcer,
}

/// What the trail is built from.
pub struct AuditParts {
    /// The main database.
    pub store: Store,
    /// The store of subject keys.
    pub keys: Store,
    /// The purpose keys.
    pub keyring: Arc<Keyring>,
    /// Names this process in events.
    pub node: String,
}

/// How the trail behaves.
#[derive(Debug, Clone)]
pub struct AuditSettings {
    /// Names this installation's logs to the outside, without a scheme, such
    /// as `security.example.com/audit`.
    pub origin: String,
    /// Folder of the local spool; without one, events that need it fail while
    /// the database is away.
    pub spool: Option<PathBuf>,
    /// Caps of the spool.
    pub spool_limits: SpoolLimits,
    /// How long an event may wait for the database before it is spooled.
    pub patience: Duration,
    /// How often each node records its counters while it is busy.
    pub heartbeat: Span,
    /// The same while nothing happens.
    pub idle_heartbeat: Span,
    /// What is looked for in events of applications.
    pub redaction: RedactionPolicy,
    /// Where checkpoints go besides the database.
    pub anchor: AnchorSettings,
    /// How long events are kept, and where their archive lies.
    pub retention: RetentionSettings,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            origin: "valueverse.local/audit".to_owned(),
            spool: None,
            spool_limits: SpoolLimits::default(),
            patience: Duration::from_secs(2),
            heartbeat: Span::minutes(1),
            idle_heartbeat: Span::hours(1),
            redaction: RedactionPolicy::default(),
            anchor: AnchorSettings::default(),
            retention: RetentionSettings::default(),
        }
    }
}

impl Audit {
    /// Opens the trail; the stores must be migrated. What waits in the intake
    /// or the spool is moved into its chains by [`Audit::catch_up`].
    pub async fn open(
        ctx: &Ctx,
        parts: AuditParts,
        settings: AuditSettings,
    ) -> Result<Self, AuditError> {
        let ctx = ctx.clone().for_system();
        let (spool, spool_name) = match &settings.spool {
            Some(folder) => {
                let (spool, name) = open_spool(&ctx, &parts, folder, settings.spool_limits).await?;
                (Some(spool), name)
            }
            None => (None, String::new()),
        };
        let anchors = Anchors::new(&settings.origin, &parts.keyring, &settings.anchor)?;
        let inner = Inner {
            boot: ctx.new_id(),
            ctx,
            store: parts.store,
            keys: parts.keys,
            keyring: parts.keyring,
            node: parts.node,
            settings,
            spool,
            spool_name,
            sequencer: Sequencer::default(),
            counters: Counters::default(),
            anchors,
            announcer: Announcer::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn keys(&self) -> &Store {
        &self.inner.keys
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.inner.keyring
    }

    /// How the trail behaves.
    pub fn settings(&self) -> &AuditSettings {
        &self.inner.settings
    }

    /// Waits until nothing is left to write and closes the intake.
    pub async fn close(&self) {
        self.inner.anchors.wind_down().await;
        self.inner.announcer.close();
        if let Err(error) = self.catch_up().await {
            tracing::warn!(%error, "audit events wait for the next start");
        }
        self.inner.sequencer.wind_down().await;
    }
}

async fn open_spool(
    ctx: &Ctx,
    parts: &AuditParts,
    folder: &Path,
    limits: SpoolLimits,
) -> Result<(Spool, String), AuditError> {
    let name = spool_name(ctx, folder).await?;
    let floor = match crate::write::spool_cursor(ctx, &parts.store, &name).await {
        Ok(cursor) => Some(cursor),
        Err(error) if error.is_outage() => None,
        Err(error) => return Err(error),
    };
    let setup = SpoolSetup {
        dir: folder.to_path_buf(),
        limits,
        floor,
        now: ctx.now(),
        rng: ctx.shared_rng(),
    };
    Ok((Spool::open(setup).await?, name))
}

/// The name of a spool folder, made when it is first used. It lies beside the
/// folder, which belongs to the spool alone.
async fn spool_name(ctx: &Ctx, folder: &Path) -> Result<String, SpoolError> {
    let file = folder.with_extension("id");
    match tokio::fs::read_to_string(&file).await {
        Ok(text) if text.trim().len() == 32 => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(SpoolError::io("read its name")(error)),
    }
    let name = hex::encode(ctx.random::<16>());
    tokio::fs::write(&file, format!("{name}\n"))
        .await
        .map_err(SpoolError::io("write its name"))?;
    Ok(name)
}

/// The chain that a context writes to and reads from.
pub(crate) const fn chain_of(ctx: &Ctx) -> TenantId {
    match ctx.tenant() {
        Some(tenant) => tenant,
        None => SYSTEM_CHAIN,
    }
}
