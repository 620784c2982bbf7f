use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vv_base::{TenantId, Timestamp};
use vv_crypto::{CheckpointSigner, Keyring, Note};
use vv_store::args;

use super::sink::Sink;
use super::{AnchorSettings, SinkKind, sql};
use crate::audit::{ANCHOR_CHAIN, Audit};
use crate::error::AuditError;
use crate::proof::{LogHead, checkpoint_of, to_i64};

/// Signed heads that are kept, so that asking again costs nothing.
const MAX_SIGNED: usize = 1_024;

/// What this process knows about its checkpoints.
pub(crate) struct Anchors {
    origin: String,
    signer: CheckpointSigner,
    signed: Mutex<HashMap<TenantId, (LogHead, String)>>,
    pub(super) seen: Mutex<Seen>,
    /// Chains that lost events, as far as this process has said so.
    pub(super) shrunk: Mutex<BTreeSet<TenantId>>,
    /// Whoever holds it writes anchors.
    pub(super) turn: tokio::sync::Mutex<()>,
    pub(super) sinks: Vec<Arc<Sink>>,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
}

/// Up to where the chains were compared with their anchors.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// Global sequence number; `None` before the first comparison.
    pub(super) gseq: Option<i64>,
    pub(super) at: Option<Timestamp>,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Anchors {
    pub(crate) fn new(
        origin: &str,
        keyring: &Keyring,
        settings: &AnchorSettings,
    ) -> Result<Self, AuditError> {
        settings.validate()?;
        Ok(Self {
            origin: origin.to_owned(),
            signer: keyring.checkpoint_signer(&format!("{origin}/{ANCHOR_CHAIN}"))?,
            signed: Mutex::default(),
            seen: Mutex::default(),
            shrunk: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            sinks: settings.sinks.iter().map(Sink::new).collect(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }

    /// The origin line of a chain.
    pub(crate) fn origin_of(&self, chain: TenantId) -> String {
        format!("{}/{chain}", self.origin)
    }

    pub(crate) fn signer_of(&self, chain: TenantId) -> Result<CheckpointSigner, AuditError> {
        Ok(self.signer.named(&self.origin_of(chain))?)
    }

    /// The signed checkpoint of a head, made once.
    pub(crate) fn sign(
        &self,
        chain: TenantId,
        head: &LogHead,
        now: Timestamp,
    ) -> Result<String, AuditError> {
        if let Some((signed, note)) = locked(&self.signed).get(&chain)
            && signed == head
        {
            return Ok(note.clone());
        }
        let checkpoint = checkpoint_of(&self.origin_of(chain), head)?;
        let note = self.signer_of(chain)?.sign(&checkpoint, now)?;
        let mut signed = locked(&self.signed);
        if signed.len() >= MAX_SIGNED {
            signed.clear();
        }
        signed.insert(chain, (*head, note.clone()));
        Ok(note)
    }

    /// Ends the tasks of the sinks.
    pub(crate) async fn wind_down(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Audit {
    /// The stored checkpoint of the anchor log at its head, with the
    /// cosignatures of witnesses that answered by now. A row that somebody
    /// else wrote is passed over.
    pub(crate) async fn stored_checkpoint(
        &self,
        head: &LogHead,
    ) -> Result<Option<String>, AuditError> {
        let size = to_i64(head.size);
        let (note, receipts) = self
            .store()
            .read(&self.inner.ctx, "audit.checkpoint", async |tx| {
                let note: Option<(String,)> = tx.opt(&sql::CHECKPOINT_OF, args![size]).await?;
                let receipts: Vec<(String, String)> =
                    tx.all(&sql::RECEIPTS_OF, args![size]).await?;
                Ok::<_, AuditError>((note, receipts))
            })
            .await?;
        let Some((note,)) = note else {
            return Ok(None);
        };
        let text = checkpoint_of(&self.inner.anchors.origin_of(ANCHOR_CHAIN), head)?.to_string();
        let genuine = |note: &Note| note.text() == text;
        let Some(mut cosigned) = Note::parse(&note).ok().filter(genuine) else {
            return Ok(None);
        };
        for (sink, receipt) in receipts {
            let Some(keys) = self.witness_keys(&sink) else {
                continue;
            };
            let Some(receipt) = Note::parse(&receipt).ok().filter(genuine) else {
                continue;
            };
            let theirs = receipt.signatures().iter().filter(|line| {
                keys.iter()
                    .any(|key| key.name() == line.name() && key.key_id() == line.key_id())
            });
            cosigned = cosigned.with_signatures(theirs.cloned())?;
        }
        Ok(Some(cosigned.to_string()))
    }

    /// The keys of a sink that is a witness.
    pub(super) fn witness_keys(&self, sink: &str) -> Option<&[vv_crypto::VerifierKey]> {
        let sinks = &self.inner.settings.anchor.sinks;
        let sink = sinks.iter().find(|known| known.name == sink)?;
        match &sink.kind {
            SinkKind::Witness { keys, .. } => Some(keys),
            SinkKind::File { .. } | SinkKind::Webhook { .. } => None,
        }
    }
}
