//! What lets outsiders check the trail: proofs, tiles, entry bundles and
//! checkpoints of a log.
//!
//! A [`Log`] is the chain of one tenant, that of the system, or the log of
//! logs. Proofs are computed from stored tiles and leaf hashes, and compared
//! with the root in the head of the chain before anybody gets them.

mod model;
mod question;
mod read;
pub(crate) mod sql;
mod tlog;

pub use model::{ConsistencyProof, InclusionProof, LogHead};
pub(crate) use read::to_i64;
pub use tlog::{TlogProof, TlogProofError};
pub(crate) use tlog::{decimal, hash};

use vv_base::{Ctx, TenantId, Timestamp};
use vv_crypto::{Checkpoint, Origin, VerifierKey};
use vv_store::args;

use self::question::{Consistency, Inclusion, Question, RangeAt, RootAt, TheHead};
use self::read::Opened;
use crate::audit::{ANCHOR_CHAIN, Audit, chain_of};
use crate::error::AuditError;
use crate::tree::{CompactRange, Hash, TilePath};
use crate::write::HeadRow;
use crate::write::sql::{FIND_HEAD, LOCK_SEQUENCER};

/// One log of the installation, read with the rights of a context.
#[derive(Clone)]
pub struct Log {
    audit: Audit,
    ctx: Ctx,
    chain: TenantId,
}

impl Audit {
    /// The log of the context's chain.
    pub fn log(&self, ctx: &Ctx) -> Log {
        Log {
            audit: self.clone(),
            ctx: ctx.clone(),
            chain: chain_of(ctx),
        }
    }

    /// The log of logs. It shows which chains there are and how fast they
    /// grow, and nothing of what is in them.
    pub fn anchor_log(&self) -> Log {
        Log {
            audit: self.clone(),
            ctx: self.inner.ctx.clone(),
            chain: ANCHOR_CHAIN,
        }
    }

    /// The proof that the event at `height` is in the context's chain at
    /// `size` events, or at all that there are.
    pub async fn inclusion_proof(
        &self,
        ctx: &Ctx,
        height: u64,
        size: Option<u64>,
    ) -> Result<InclusionProof, AuditError> {
        self.log(ctx).inclusion(height, size).await
    }

    /// The proof that the context's chain at `to` events continues what it was
    /// at `from` events.
    pub async fn consistency_proof(
        &self,
        ctx: &Ctx,
        from: u64,
        to: u64,
    ) -> Result<ConsistencyProof, AuditError> {
        self.log(ctx).consistency(from, to).await
    }

    /// A signed checkpoint of the context's chain as it is now.
    pub async fn checkpoint(&self, ctx: &Ctx) -> Result<String, AuditError> {
        self.log(ctx).checkpoint().await
    }

    /// What verifies the checkpoints of the context's chain.
    pub fn verifier_keys(&self, ctx: &Ctx) -> Result<Vec<VerifierKey>, AuditError> {
        self.log(ctx).verifier_keys()
    }
}

impl Log {
    /// The chain's id.
    pub fn chain(&self) -> TenantId {
        self.chain
    }

    /// The origin line of its checkpoints and the name of its keys.
    pub fn origin(&self) -> String {
        self.audit.inner.anchors.origin_of(self.chain)
    }

    /// What verifies its checkpoints: two keys per generation, newest first.
    pub fn verifier_keys(&self) -> Result<Vec<VerifierKey>, AuditError> {
        let signer = self.audit.inner.anchors.signer_of(self.chain)?;
        Ok(signer.verifier_keys()?)
    }

    /// Size and root now, with everything that was recorded before this call.
    pub async fn head(&self) -> Result<LogHead, AuditError> {
        self.catch_up().await?;
        self.read(&TheHead).await
    }

    /// The root that the log had at a size.
    pub async fn root_at(&self, size: u64) -> Result<Hash, AuditError> {
        self.read_at(&RootAt(size)).await
    }

    /// The state of the tree when the log had a size, to go on from.
    pub async fn range_at(&self, size: u64) -> Result<CompactRange, AuditError> {
        if size == 0 {
            return Ok(CompactRange::new());
        }
        self.read_at(&RangeAt(size)).await
    }

    /// The proof that the leaf at `height` (from 1) is in the tree of `size`
    /// leaves, or of all that there are.
    pub async fn inclusion(
        &self,
        height: u64,
        size: Option<u64>,
    ) -> Result<InclusionProof, AuditError> {
        let index = height.checked_sub(1).ok_or(AuditError::OutOfRange)?;
        if size.is_some_and(|size| height > size) {
            return Err(AuditError::OutOfRange);
        }
        self.read_at(&Inclusion { index, size }).await
    }

    /// The proof that the tree of `to` leaves continues the one of `from`
    /// leaves, which must not be empty.
    pub async fn consistency(&self, from: u64, to: u64) -> Result<ConsistencyProof, AuditError> {
        if from == 0 || from > to {
            return Err(AuditError::OutOfRange);
        }
        self.read_at(&Consistency { from, to }).await
    }

    /// A tile or an entry bundle, byte for byte as tlog-tiles serves it.
    /// `None` for what the log does not have, `Pruned` for what it no longer has.
    pub async fn tile(&self, path: TilePath) -> Result<Option<Vec<u8>>, AuditError> {
        self.read(&path).await
    }

    /// A signed checkpoint of the log as it is now (C2SP tlog-checkpoint),
    /// with everything that was recorded before this call.
    pub async fn checkpoint(&self) -> Result<String, AuditError> {
        let head = self.head().await?;
        self.checkpoint_at(&head).await
    }

    /// The event's proof under the log's own checkpoint, as a `.tlog-proof`.
    pub async fn tlog_proof(&self, height: u64) -> Result<TlogProof, AuditError> {
        let head = self.head().await?;
        let proof = self.inclusion(height, Some(head.size)).await?;
        Ok(TlogProof {
            extra: None,
            index: proof.leaf_index,
            path: proof.path,
            checkpoint: self.checkpoint_at(&head).await?,
        })
    }

    /// The checkpoint of a head that was read before.
    pub(crate) async fn checkpoint_at(&self, head: &LogHead) -> Result<String, AuditError> {
        if self.chain == ANCHOR_CHAIN
            && let Some(note) = self.audit.stored_checkpoint(head).await?
        {
            return Ok(note);
        }
        self.audit
            .inner
            .anchors
            .sign(self.chain, head, self.ctx.now())
    }

    async fn catch_up(&self) -> Result<(), AuditError> {
        if self.chain == ANCHOR_CHAIN {
            return Ok(());
        }
        self.audit.catch_up().await
    }

    /// Reads; waits for events on their way when the log is too small.
    async fn read_at<Q: Question>(&self, question: &Q) -> Result<Q::Answer, AuditError> {
        match self.read(question).await {
            Err(AuditError::OutOfRange) => {
                self.catch_up().await?;
                self.read(question).await
            }
            other => other,
        }
    }

    async fn read<Q: Question>(&self, question: &Q) -> Result<Q::Answer, AuditError> {
        if let Some(done) = self.try_read(question).await? {
            return Ok(done);
        }
        self.build_tree().await?;
        let again = self.try_read(question).await?;
        again.ok_or(AuditError::Overloaded)
    }

    /// `None` when the chain has no tree yet.
    async fn try_read<Q: Question>(&self, question: &Q) -> Result<Option<Q::Answer>, AuditError> {
        self.audit
            .store()
            .read(&self.ctx, "audit.read_log", async |tx| {
                match self.audit.read_head(tx, self.chain).await? {
                    Opened::Ready(head) if question.size_needed() > head.height => {
                        Err(AuditError::OutOfRange)
                    }
                    Opened::Ready(head) => {
                        let answer = question.answer(&self.audit, tx, &head).await?;
                        Ok(Some(answer))
                    }
                    Opened::WithoutTree => Ok(None),
                }
            })
            .await
    }

    /// Gives the chain of a first release its tree.
    async fn build_tree(&self) -> Result<(), AuditError> {
        let system = &self.audit.inner.ctx;
        self.audit
            .store()
            .tx(system, "audit.settle_head", async |tx| {
                let _: (String, i64, Timestamp, i64) = tx.one(&LOCK_SEQUENCER, args![]).await?;
                let row: Option<HeadRow> = tx.opt(&FIND_HEAD, args![self.chain]).await?;
                if let Some(row) = row {
                    self.audit.settle_head(tx, &row).await?;
                }
                Ok(())
            })
            .await
    }
}

/// The head as a checkpoint under an origin.
pub(crate) fn checkpoint_of(origin: &str, head: &LogHead) -> Result<Checkpoint, AuditError> {
    Ok(Checkpoint {
        origin: Origin::parse(origin)?,
        size: head.size,
        root: head.root,
    })
}

#[cfg(test)]
mod tests;
