//! Taking checkpoints outside. Each sink has a task and a pace of its own, so
//! that one that hangs holds up neither the others nor whoever writes events.

mod file;
mod status;
mod webhook;
mod witness;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use vv_base::{Span, Timestamp};
use vv_crypto::NoteError;
use vv_outbound::OutboundError;
use vv_store::args;

pub use self::status::{AnchorStatus, SinkStatus};
use super::state::locked;
use super::{SinkKind, SinkSettings, sql};
use crate::audit::Audit;
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::{Event, Outcome};
use crate::proof::to_i64;

/// How long one delivery may take at most.
const LIMIT: Duration = Duration::from_secs(30);
const DAY: Span = Span::days(1);

/// One sink of this process.
pub(super) struct Sink {
    settings: SinkSettings,
    outage: Mutex<Outage>,
    file: Arc<Mutex<file::Known>>,
}

/// Whether a sink works, and what the trail was told about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Outage {
    down: bool,
    told: Option<Kind>,
}

/// A signed checkpoint on its way out.
struct Outgoing {
    size: u64,
    note: String,
    at: Timestamp,
}

/// Why a sink has not got the newest checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum SinkFailure {
    /// The file cannot be read or written.
    #[error("the file cannot be used: {0}")]
    File(std::io::ErrorKind),
    /// The file is shorter than it was, or gone.
    #[error("the file lost checkpoints that were written to it")]
    FileCut,
    /// The file holds no checkpoint that can be read.
    #[error("the file holds something else than our checkpoints")]
    FileForeign,
    /// The sink holds a checkpoint that is larger than ours: the database was
    /// set back.
    #[error("the sink knows {0} anchors, the database fewer")]
    Ahead(u64),
    /// The sink holds a checkpoint that ours does not continue: one of the two
    /// histories is not true.
    #[error("the sink holds another history up to size {0}")]
    Contradiction(u64),
    /// The call failed.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The receiver refused.
    #[error("the receiver answered with status {0}")]
    Status(u16),
    /// The receiver's answer is not what it should be.
    #[error("the answer is not valid: {0}")]
    Answer(&'static str),
    /// The cosignature is not from a configured key.
    #[error("the cosignature is not accepted: {0}")]
    Cosignature(NoteError),
    /// It took too long.
    #[error("the sink did not answer in time")]
    Timeout,
    /// The trail itself could not be read; not the sink's fault.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl SinkFailure {
    /// A stable word for events and metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::FileCut => "file_cut",
            Self::FileForeign => "file_foreign",
            Self::Ahead(_) => "ahead",
            Self::Contradiction(_) => "contradiction",
            Self::Outbound(error) => error.code().as_str(),
            Self::Status(_) => "status",
            Self::Answer(_) => "answer",
            Self::Cosignature(_) => "cosignature",
            Self::Timeout => "timeout",
            Self::Audit(_) => "audit",
        }
    }

    /// The kind of the event that tells of it.
    const fn kind(&self, sink: &SinkKind) -> Kind {
        match (self, sink) {
            (Self::Ahead(_) | Self::Contradiction(_), SinkKind::Witness { .. }) => {
                Kind::WitnessRefused
            }
            _ => Kind::AnchorFailed,
        }
    }
}

impl Sink {
    pub(super) fn new(settings: &SinkSettings) -> Arc<Self> {
        Arc::new(Self {
            settings: settings.clone(),
            outage: Mutex::default(),
            file: Arc::default(),
        })
    }
}

impl Audit {
    /// Starts one task per sink. They end with [`Audit::close`].
    pub fn start_anchoring(&self) {
        let anchors = &self.inner.anchors;
        let interval = self.inner.settings.anchor.interval.to_duration();
        for sink in &anchors.sinks {
            let (audit, sink, stop) = (self.clone(), Arc::clone(sink), anchors.stop.clone());
            anchors.tasks.spawn(async move {
                while !stop.is_cancelled() {
                    let round = audit.serve(&sink);
                    if stop.run_until_cancelled(round).await.is_none() {
                        return;
                    }
                    // An error means that the pause is over.
                    let _ = tokio::time::timeout(interval, stop.cancelled()).await;
                }
            });
        }
    }

    /// Gives every sink the newest checkpoint now, all at the same time, as
    /// the tasks do at their own pace. The answer has one line per sink: the
    /// size that it knows now, `None` when there was nothing to give.
    pub async fn offer_checkpoints(&self) -> Vec<(String, Result<Option<u64>, SinkFailure>)> {
        let mut offers = tokio::task::JoinSet::new();
        for (place, sink) in self.inner.anchors.sinks.iter().enumerate() {
            let (audit, sink) = (self.clone(), Arc::clone(sink));
            offers.spawn(async move {
                let done = audit.serve(&sink).await;
                (place, sink.settings.name.clone(), done)
            });
        }
        let mut done = offers.join_all().await;
        done.sort_by_key(|(place, _, _)| *place);
        done.into_iter()
            .map(|(_, name, result)| (name, result))
            .collect()
    }

    /// One delivery, and what the trail has to know about it.
    async fn serve(&self, sink: &Sink) -> Result<Option<u64>, SinkFailure> {
        let done = tokio::time::timeout(LIMIT, self.deliver(sink))
            .await
            .unwrap_or(Err(SinkFailure::Timeout));
        let outcome = match &done {
            Ok(_) => "success",
            Err(failure) => failure.reason(),
        };
        let name = sink.settings.name.clone();
        metrics::counter!("valueverse_audit_sink_total", "sink" => name, "outcome" => outcome)
            .increment(1);
        let noted = match &done {
            Ok(_) => self.note_recovery(sink).await,
            Err(SinkFailure::Audit(error)) => {
                let sink = &sink.settings.name;
                tracing::warn!(sink, %error, "no checkpoint for an anchor sink");
                Ok(())
            }
            Err(failure) => self.note_failure(sink, failure).await,
        };
        if let Err(error) = noted {
            // Told again with the next delivery.
            tracing::warn!(%error, "the state of an anchor sink is not on record yet");
        }
        done
    }

    async fn deliver(&self, sink: &Sink) -> Result<Option<u64>, SinkFailure> {
        let Some(outgoing) = self.outgoing().await? else {
            return Ok(None);
        };
        let known = self.newest_receipt(&sink.settings.name).await?;
        let receipt = match &sink.settings.kind {
            SinkKind::File { path } => {
                let file = Arc::clone(&sink.file);
                self.offer_to_file(path, file, known, &outgoing).await?
            }
            _ if known == outgoing.size => None,
            _ if known > outgoing.size => return Err(SinkFailure::Ahead(known)),
            SinkKind::Webhook { url, secret } => {
                Some(self.offer_to_webhook(url, secret, &outgoing).await?)
            }
            SinkKind::Witness { url, keys } => {
                Some(self.offer_to_witness(url, keys, known, &outgoing).await?)
            }
        };
        if let Some(receipt) = receipt {
            self.save_receipt(&sink.settings.name, &outgoing, receipt)
                .await?;
        }
        Ok(Some(outgoing.size))
    }

    /// The newest checkpoint of the anchor log, once it has leaves.
    async fn outgoing(&self) -> Result<Option<Outgoing>, AuditError> {
        let log = self.anchor_log();
        let head = log.head().await?;
        if head.size == 0 {
            return Ok(None);
        }
        Ok(Some(Outgoing {
            size: head.size,
            note: log.checkpoint_at(&head).await?,
            at: self.inner.ctx.now(),
        }))
    }

    /// The largest size that a sink acknowledged, 0 if none.
    async fn newest_receipt(&self, sink: &str) -> Result<u64, AuditError> {
        let found: Vec<(u64, Timestamp)> = self
            .store()
            .read(&self.inner.ctx, "audit.newest_receipt", async |tx| {
                tx.all(&sql::NEWEST_RECEIPTS, args![sink]).await
            })
            .await?;
        Ok(found.first().map_or(0, |(size, _)| *size))
    }

    /// Keeps what the sink acknowledged: the newest, and of older ones the
    /// first of each day.
    async fn save_receipt(
        &self,
        sink: &str,
        outgoing: &Outgoing,
        receipt: String,
    ) -> Result<(), AuditError> {
        self.store()
            .tx(&self.inner.ctx, "audit.save_receipt", async |tx| {
                let newest: Vec<(i64, Timestamp)> =
                    tx.all(&sql::NEWEST_RECEIPTS, args![sink]).await?;
                let size = to_i64(outgoing.size);
                tx.exec(&sql::SAVE_RECEIPT, args![sink, size, outgoing.at, receipt])
                    .await?;
                if let [(last, at), (_, before)] = newest.as_slice()
                    && *last < size
                    && at.floor_to(DAY) == before.floor_to(DAY)
                {
                    tx.exec(&sql::DROP_RECEIPT, args![sink, *last]).await?;
                }
                Ok(())
            })
            .await
    }

    /// Once per outage, and again when it turns into something worse.
    async fn note_failure(&self, sink: &Sink, failure: &SinkFailure) -> Result<(), AuditError> {
        let settings = &sink.settings;
        let kind = failure.kind(&settings.kind);
        let before = *locked(&sink.outage);
        if !before.down {
            let sink = &settings.name;
            tracing::error!(sink, %failure, "a checkpoint could not be left with an anchor sink");
        }
        locked(&sink.outage).down = true;
        if before.told == Some(kind) {
            return Ok(());
        }
        let event = Event::new(kind)
            .outcome(Outcome::Failure)
            .detail("sink", settings.name.as_str())
            .detail("sink_kind", settings.kind.as_str())
            .detail("reason", failure.reason());
        self.append(&self.inner.ctx, event).await?;
        locked(&sink.outage).told = Some(kind);
        Ok(())
    }

    async fn note_recovery(&self, sink: &Sink) -> Result<(), AuditError> {
        let before = *locked(&sink.outage);
        if !before.down {
            return Ok(());
        }
        if before.told.is_some() {
            let event = Event::new(Kind::AnchorRecovered)
                .detail("sink", sink.settings.name.as_str())
                .detail("sink_kind", sink.settings.kind.as_str());
            self.append(&self.inner.ctx, event).await?;
        }
        tracing::info!(sink = sink.settings.name, "an anchor sink works again");
        *locked(&sink.outage) = Outage::default();
        Ok(())
    }
}
