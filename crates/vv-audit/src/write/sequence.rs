//! Moves events into their chains.

use std::collections::BTreeSet;

use vv_base::{Span, TenantId, Timestamp};
use vv_store::{StoreError, Tx, args, row};

use super::batch::Batch;
use super::intake::Origins;
use super::prepared::Prepared;
use super::{HeadRow, Recorded, sql};
use crate::audit::{Audit, SYSTEM_CHAIN};
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::{Event, Outcome};
use crate::spool::SpoolPosition;

/// How long a node that appended spares the others the attempt.
const LEASE: Span = Span::seconds(5);
/// Attempts of one batch that another process got in the way of.
const ATTEMPTS: u32 = 8;

row! {
    pub(crate) struct SequencerRow {
        pub(crate) holder: String,
        pub(crate) epoch: i64,
        pub(crate) lease_until: Timestamp,
        pub(crate) gseq: i64,
    }
}

/// What one batch did.
#[derive(Default)]
pub(super) struct Done {
    pub(super) from_intake: usize,
    pub(super) recorded: Vec<Result<Recorded, AuditError>>,
    months: Vec<u32>,
    broken: Vec<TenantId>,
}

enum Attempt {
    Done(Done),
    /// Another process moved a head; nothing was written.
    Raced,
}

impl Audit {
    pub(super) async fn append_batch(
        &self,
        events: &[Prepared],
        cursor: Option<SpoolPosition>,
    ) -> Result<Done, AuditError> {
        // Readers ask all the time; an empty batch must cost no commit.
        if events.is_empty() && cursor.is_none() && !self.something_waits().await? {
            return Ok(Done::default());
        }
        for _ in 0..ATTEMPTS {
            let done = match self.attempt(events, cursor).await {
                Ok(Attempt::Done(done)) => done,
                Ok(Attempt::Raced) | Err(AuditError::Store(StoreError::Serialization(_))) => {
                    metrics::counter!("valueverse_audit_head_races_total").increment(1);
                    continue;
                }
                Err(AuditError::Store(StoreError::Conflict(_))) => {
                    // A row lies beyond some head. Find out which, set it aside, go on.
                    self.set_aside_overrun(events).await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.inner.sequencer.note_months(&done.months);
            self.report_broken(&done.broken).await;
            return Ok(done);
        }
        Err(AuditError::Store(StoreError::Overloaded))
    }

    async fn something_waits(&self) -> Result<bool, AuditError> {
        let skip = hex_ids(self.inner.sequencer.broken().iter());
        let skip = serde_json::json!(skip).to_string();
        let found: Option<(i64,)> = self
            .store()
            .read(&self.inner.ctx, "audit.any_intake", async |tx| {
                tx.opt(&sql::ANY_INTAKE, args![skip]).await
            })
            .await?;
        Ok(found.is_some())
    }

    async fn attempt(
        &self,
        events: &[Prepared],
        cursor: Option<SpoolPosition>,
    ) -> Result<Attempt, AuditError> {
        let inner = &self.inner;
        let result = inner
            .store
            .tx(&inner.ctx, "audit.sequence", async |tx| {
                self.sequence(tx, events, cursor).await
            })
            .await;
        match result {
            Ok(done) => Ok(Attempt::Done(done)),
            Err(Undone::Raced) => Ok(Attempt::Raced),
            Err(Undone::Failed(error)) => Err(error),
        }
    }

    async fn sequence(
        &self,
        tx: &mut Tx,
        events: &[Prepared],
        cursor: Option<SpoolPosition>,
    ) -> Result<Done, Undone> {
        let now = self.inner.ctx.now();
        let state: SequencerRow = tx.one(&sql::LOCK_SEQUENCER, args![]).await?;
        let mut intake = self.take_intake(tx, events.len()).await?;
        let from_intake = intake.rows;
        if from_intake == 0 && events.is_empty() && cursor.is_none() {
            return Ok(Done::default());
        }
        let chains: BTreeSet<TenantId> = intake
            .events
            .iter()
            .map(|waiting| waiting.event.chain)
            .chain(events.iter().map(|event| event.chain))
            // The system chain hears of forged rows.
            .chain((!intake.refused.is_empty()).then_some(SYSTEM_CHAIN))
            .collect();
        let (mut batch, broken) = self.open_heads(tx, &chains, state.gseq).await?;
        let origins = intake.append_to(&mut batch, &broken, now);
        let mut recorded = Vec::with_capacity(events.len());
        for event in events {
            if broken.contains(&event.chain) {
                // It waits where events of transactions wait.
                self.park(tx, event.clone()).await?;
                recorded.push(Err(AuditError::HeadTampered));
                continue;
            }
            recorded.push(batch.append(event, now));
        }
        let own = recorded.iter().filter(|result| result.is_ok()).count();
        self.note_refused(&mut batch, &intake.refused, now)?;
        intake.clear(tx, now).await?;
        let months = batch.months();
        let (gseq, count) = (batch.gseq(), batch.len());
        if !batch.write(self, tx).await? {
            return Err(Undone::Raced);
        }
        self.count_origins(tx, origins, own, cursor, now).await?;
        self.advance(tx, &state, gseq, now).await?;
        let audit = self.clone();
        tx.on_commit(move || audit.note_batch(count, gseq));
        Ok(Done {
            from_intake,
            recorded,
            months,
            broken,
        })
    }

    fn note_batch(&self, events: usize, gseq: i64) {
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        self.inner.counters.note_sequenced(events.into());
        metrics::histogram!("valueverse_audit_batch_size").record(f64::from(events));
        self.announce(gseq);
    }

    /// The heads of these chains, and the chains whose head is not genuine.
    async fn open_heads(
        &self,
        tx: &mut Tx,
        chains: &BTreeSet<TenantId>,
        gseq: i64,
    ) -> Result<(Batch, Vec<TenantId>), Undone> {
        let mut batch = Batch::new(gseq);
        let mut broken = self.inner.sequencer.broken();
        let wanted: Vec<_> = chains.iter().filter(|c| !broken.contains(c)).collect();
        let list = serde_json::json!(hex_ids(wanted.iter().copied())).to_string();
        let rows: Vec<HeadRow> = tx.all(&sql::FIND_HEADS, args![list]).await?;
        let mut found = BTreeSet::new();
        for row in &rows {
            found.insert(row.tenant_id);
            match self.open_head(tx, row).await {
                Ok(head) => batch.open(head),
                Err(AuditError::HeadTampered) => broken.push(row.tenant_id),
                Err(error) => return Err(error.into()),
            }
        }
        for chain in wanted.into_iter().filter(|chain| !found.contains(chain)) {
            match self.first_head(tx, *chain).await {
                Ok(head) => batch.open(head),
                Err(AuditError::HeadTampered) => broken.push(*chain),
                Err(error) => return Err(error.into()),
            }
        }
        Ok((batch, broken))
    }

    /// Rows of the intake that somebody without the key wrote or changed are
    /// set aside, and the system chain says so.
    fn note_refused(
        &self,
        batch: &mut Batch,
        refused: &[i64],
        now: Timestamp,
    ) -> Result<(), AuditError> {
        if refused.is_empty() {
            return Ok(());
        }
        tracing::error!(
            rows = refused.len(),
            "audit intake rows fail their check value"
        );
        let rows = i64::try_from(refused.len()).unwrap_or(i64::MAX);
        let event = Event::new(Kind::IntakeForged)
            .outcome(Outcome::Denied)
            .detail("rows", rows);
        let prepared = self.prepare(&self.inner.ctx, &event)?;
        // Without a genuine system chain the log line must do.
        if batch.heads.contains_key(&prepared.chain) {
            batch.append(&prepared, now)?;
        }
        Ok(())
    }

    async fn count_origins(
        &self,
        tx: &mut Tx,
        origins: Origins,
        own: usize,
        cursor: Option<SpoolPosition>,
        now: Timestamp,
    ) -> Result<(), AuditError> {
        let inner = &self.inner;
        for ((node, boot), events) in origins {
            tx.exec(&sql::COUNT_NODE, args![node, boot, events, 0_i64, now])
                .await?;
        }
        let own = i64::try_from(own).unwrap_or(i64::MAX);
        let node = inner.node.as_str();
        if let Some(cursor) = cursor {
            tx.exec(&sql::COUNT_NODE, args![node, inner.boot, 0_i64, own, now])
                .await?;
            let segment = i64::try_from(cursor.segment).unwrap_or(i64::MAX);
            let offset = i64::try_from(cursor.offset).unwrap_or(i64::MAX);
            let spool = inner.spool_name.as_str();
            tx.exec(&sql::MOVE_SPOOL_CURSOR, args![spool, segment, offset])
                .await?;
        } else if own > 0 {
            tx.exec(&sql::COUNT_NODE, args![node, inner.boot, own, 0_i64, now])
                .await?;
        }
        Ok(())
    }

    async fn advance(
        &self,
        tx: &mut Tx,
        state: &SequencerRow,
        gseq: i64,
        now: Timestamp,
    ) -> Result<(), AuditError> {
        let mine = self.lease_name();
        let epoch = state.epoch + i64::from(state.holder != mine);
        tx.exec_one(
            &sql::ADVANCE_SEQUENCER,
            args![mine, epoch, now.plus(LEASE), gseq, state.gseq],
        )
        .await?;
        Ok(())
    }

    fn lease_name(&self) -> String {
        format!("{}/{}", self.inner.node, self.inner.boot)
    }

    /// Whether another node appended lately and will do so again.
    pub(crate) async fn another_node_appends(&self) -> Result<bool, AuditError> {
        let inner = &self.inner;
        let state: SequencerRow = inner
            .store
            .read(&inner.ctx, "audit.see_sequencer", async |tx| {
                tx.one(&sql::SEE_SEQUENCER, args![]).await
            })
            .await?;
        Ok(state.lease_until > inner.ctx.now() && state.holder != self.lease_name())
    }
}

/// Why a batch was undone.
enum Undone {
    Raced,
    Failed(AuditError),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<AuditError> for Undone {
    fn from(error: AuditError) -> Self {
        Self::Failed(error)
    }
}

/// Ids as both engines read them out of a JSON list.
pub(crate) fn hex_ids<'a>(ids: impl Iterator<Item = &'a TenantId>) -> Vec<String> {
    ids.map(|id| hex::encode(id.as_bytes())).collect()
}
