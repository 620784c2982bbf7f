//! Witness for other installations (C2SP tlog-witness v1): checks that each
//! checkpoint of a log continues the one before, and cosigns it. A log that is
//! set back or forked gets no cosignature, and the system chain says so.

mod request;
pub(crate) mod sql;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

pub use self::request::MAX_WITNESS_REQUEST;
use self::request::Request;
use vv_base::{Ctx, Span, Timestamp};
use vv_crypto::{NoteError, Origin, VerifierKey, WitnessSigner, verify_note};
use vv_store::{Tx, args, row};

use crate::audit::Audit;
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::{Event, Outcome};
use crate::proof::to_i64;
use crate::tree::{EMPTY_ROOT, Hash, verify_consistency};

/// Most logs of one witness.
const MAX_LOGS: usize = 1_024;
/// Refusals of one log that go on record: the first in this time. Anybody can
/// repeat a request that is refused.
const QUIET: Span = Span::minutes(1);

/// A log that is witnessed.
#[derive(Debug, Clone)]
pub struct WitnessedLog {
    /// Its origin line.
    pub origin: Origin,
    /// Its keys; one signature of any of them is enough.
    pub keys: Vec<VerifierKey>,
}

/// What a witness does and for whom.
#[derive(Debug, Clone)]
pub struct WitnessSettings {
    /// The name of the witness, best its address without the scheme. Its keys
    /// are made for this name.
    pub name: String,
    /// The logs it knows.
    pub logs: Vec<WitnessedLog>,
}

/// Cosigns checkpoints of other logs. The state lies in the database, so any
/// number of nodes may answer.
pub struct Witness {
    audit: Audit,
    ctx: Ctx,
    signer: WitnessSigner,
    logs: HashMap<String, Vec<VerifierKey>>,
    noted: Mutex<HashMap<String, Timestamp>>,
}

/// Why a checkpoint was not cosigned. The status and the body are those of
/// tlog-witness.
#[derive(Debug, thiserror::Error)]
pub enum WitnessRefusal {
    /// 400: the request is not what the specification asks for.
    #[error("the request is malformed: {0}")]
    Malformed(&'static str),
    /// 404: nobody told this witness about the log.
    #[error("the log is not known here")]
    UnknownLog,
    /// 403: no key of the log signed.
    #[error("the checkpoint is not signed by a known key of the log")]
    Signature(NoteError),
    /// 409: the old size is not the one this witness knows, which is given here.
    #[error("the latest cosigned size is {0}")]
    Conflict(u64),
    /// 409 as well: the size is the known one, given here, and the root is not.
    #[error("another root is cosigned for size {0}")]
    Fork(u64),
    /// 422: the proof does not lead from the known tree to the new one.
    #[error("the consistency proof does not verify")]
    Inconsistent,
    /// 503 or 500: the witness itself cannot answer.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl WitnessRefusal {
    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Signature(_) => 403,
            Self::UnknownLog => 404,
            Self::Conflict(_) | Self::Fork(_) => 409,
            Self::Inconsistent => 422,
            Self::Audit(error) if error.is_outage() => 503,
            Self::Audit(_) => 500,
        }
    }

    /// The content type of the body.
    pub const fn content_type(&self) -> &'static str {
        match self {
            Self::Conflict(_) | Self::Fork(_) => "text/x.tlog.size",
            _ => "text/plain; charset=utf-8",
        }
    }

    /// The body: the known size, or one line that says what was wrong.
    pub fn body(&self) -> String {
        match self {
            Self::Conflict(size) | Self::Fork(size) => format!("{size}\n"),
            Self::Audit(_) => "the witness cannot answer now\n".to_owned(),
            other => format!("{other}\n"),
        }
    }
}

row! {
    struct LogRow {
        size: u64,
        root: Hash,
    }
}

/// A checkpoint whose signature was good.
struct Candidate {
    origin: String,
    size: u64,
    root: Hash,
    text: String,
}

impl Witness {
    /// Opens the witness of an installation. What it knows about logs stays;
    /// a log that is no longer in the settings is refused and not forgotten.
    pub async fn open(audit: &Audit, settings: &WitnessSettings) -> Result<Self, AuditError> {
        if settings.logs.len() > MAX_LOGS {
            return Err(AuditError::Setting("a witness can know at most 1024 logs"));
        }
        let mut logs = HashMap::new();
        for log in &settings.logs {
            if log.keys.is_empty() {
                return Err(AuditError::Setting(
                    "a witnessed log needs at least one key",
                ));
            }
            let origin = log.origin.as_str().to_owned();
            if logs.insert(origin, log.keys.clone()).is_some() {
                return Err(AuditError::Setting("a log is witnessed twice"));
            }
        }
        let witness = Self {
            audit: audit.clone(),
            ctx: audit.inner.ctx.clone(),
            signer: audit.keyring().witness_signer(&settings.name)?,
            logs,
            noted: Mutex::default(),
        };
        witness.sync_logs().await?;
        Ok(witness)
    }

    async fn sync_logs(&self) -> Result<(), AuditError> {
        let now = self.ctx.now();
        self.audit
            .store()
            .tx(&self.ctx, "witness.sync", async |tx| {
                for (origin, keys) in &self.logs {
                    let keys: Vec<_> = keys.iter().map(VerifierKey::to_string).collect();
                    let args = args![origin, keys.join("\n"), EMPTY_ROOT, now];
                    tx.exec_one(&sql::KNOW_LOG, args).await?;
                }
                Ok(())
            })
            .await
    }

    /// What verifies the cosignatures: two keys per generation, newest first.
    pub fn verifier_keys(&self) -> Result<Vec<VerifierKey>, AuditError> {
        Ok(self.signer.verifier_keys()?)
    }

    /// The sizes cosigned so far, by origin.
    pub async fn logs(&self) -> Result<Vec<(String, u64, Timestamp)>, AuditError> {
        let rows = self
            .audit
            .store()
            .read(&self.ctx, "witness.logs", async |tx| {
                tx.all(&sql::LOGS, args![]).await
            })
            .await?;
        Ok(rows)
    }

    /// `add-checkpoint`: the body of the request, and the cosignature lines to
    /// answer with.
    pub async fn add_checkpoint(&self, body: &[u8]) -> Result<String, WitnessRefusal> {
        let done = self.consider(body).await;
        let outcome = match &done {
            Ok(_) => "cosigned",
            Err(WitnessRefusal::Audit(_)) => "failed",
            Err(WitnessRefusal::Conflict(_)) => "conflict",
            Err(_) => "refused",
        };
        metrics::counter!("valueverse_witness_total", "outcome" => outcome).increment(1);
        done
    }

    async fn consider(&self, body: &[u8]) -> Result<String, WitnessRefusal> {
        let request = Request::parse(body)?;
        let candidate = self.checked(&request)?;
        if request.old > candidate.size {
            return Err(WitnessRefusal::Malformed(
                "the old size is larger than the new one",
            ));
        }
        let stored = self
            .audit
            .store()
            .tx(&self.ctx, "witness.add_checkpoint", async |tx| {
                self.advance(tx, &request, &candidate).await
            })
            .await;
        if let Err(refusal @ (WitnessRefusal::Fork(_) | WitnessRefusal::Inconsistent)) = &stored {
            self.note(&candidate, refusal).await;
        }
        stored?;
        // Persisted first: whoever has a cosignature can rely on our memory.
        let lines = self
            .signer
            .cosign(&candidate.text, self.ctx.now())
            .map_err(AuditError::from)?;
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        Ok(lines.join("\n") + "\n")
    }

    /// The checkpoint, once a key of its log signed it.
    fn checked(&self, request: &Request<'_>) -> Result<Candidate, WitnessRefusal> {
        let origin = request.checkpoint.origin.as_str();
        let keys = self.logs.get(origin).ok_or(WitnessRefusal::UnknownLog)?;
        let note = verify_note(request.note, keys).map_err(WitnessRefusal::Signature)?;
        Ok(Candidate {
            origin: origin.to_owned(),
            size: note.checkpoint.size,
            root: note.checkpoint.root,
            text: note.text,
        })
    }

    /// Compares with what is known and moves on, in one transaction.
    async fn advance(
        &self,
        tx: &mut Tx,
        request: &Request<'_>,
        candidate: &Candidate,
    ) -> Result<(), WitnessRefusal> {
        let origin = candidate.origin.as_str();
        let known: Option<LogRow> = tx
            .opt(&sql::LOCK_LOG, args![origin])
            .await
            .map_err(AuditError::from)?;
        let known = known.ok_or(WitnessRefusal::UnknownLog)?;
        if request.old != known.size {
            return Err(WitnessRefusal::Conflict(known.size));
        }
        continues(&known, candidate, &request.proof)?;
        let now = self.ctx.now();
        let moved = args![
            to_i64(candidate.size),
            candidate.root,
            now,
            origin,
            to_i64(known.size)
        ];
        tx.exec_one(&sql::MOVE_LOG, moved)
            .await
            .map_err(AuditError::from)?;
        Ok(())
    }

    /// A log that contradicts itself goes on record, once in a while.
    async fn note(&self, candidate: &Candidate, refusal: &WitnessRefusal) {
        let (origin, size) = (candidate.origin.as_str(), candidate.size);
        tracing::error!(origin, size, %refusal, "a witnessed log contradicts what it showed before");
        let now = self.ctx.now();
        let quiet = {
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            let before = noted.insert(origin.to_owned(), now);
            before.is_some_and(|at| now >= at && now < at.plus(QUIET))
        };
        if quiet {
            return;
        }
        let event = Event::new(Kind::WitnessRefused)
            .outcome(Outcome::Denied)
            .detail("origin", origin)
            .detail("size", to_i64(size))
            .detail("root", hex::encode(candidate.root))
            .detail("status", i64::from(refusal.status()));
        if let Err(error) = self.audit.append(&self.ctx, event).await {
            tracing::error!(%error, "the refusal of a checkpoint is not on record");
        }
    }
}

/// Whether the candidate continues the known tree.
fn continues(known: &LogRow, candidate: &Candidate, proof: &[Hash]) -> Result<(), WitnessRefusal> {
    if known.size == candidate.size && known.root != candidate.root {
        // The empty tree has one root only: another one proves a broken log.
        return Err(if known.size == 0 {
            WitnessRefusal::Inconsistent
        } else {
            WitnessRefusal::Fork(known.size)
        });
    }
    if known.size == 0 || known.size == candidate.size {
        return if proof.is_empty() {
            Ok(())
        } else {
            Err(WitnessRefusal::Inconsistent)
        };
    }
    verify_consistency(
        known.size,
        candidate.size,
        &known.root,
        &candidate.root,
        proof,
    )
    .map_err(|_| WitnessRefusal::Inconsistent)
}

impl From<vv_store::StoreError> for WitnessRefusal {
    fn from(error: vv_store::StoreError) -> Self {
        Self::Audit(error.into())
    }
}
