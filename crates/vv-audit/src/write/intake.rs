//! Events of committed transactions that wait for their place.

use std::collections::BTreeMap;

use serde_json::json;
use vv_base::{Ctx, EventId, Id, TenantId, Timestamp};
use vv_store::{Tx, args, row};

use super::batch::Batch;
use super::prepared::Prepared;
use super::queue::MAX_BATCH;
use super::sequence::hex_ids;
use super::sql;
use crate::audit::Audit;
use crate::blind;
use crate::error::AuditError;
use crate::event::Event;

/// Separates the check value of an intake row from other uses of the key.
const INTAKE_PURPOSE: &str = "audit.intake";

row! {
    struct IntakeRow {
        id: i64,
        tenant_id: TenantId,
        event_id: EventId,
        node: String,
        boot: Id<()>,
        body: String,
        blind: Vec<u8>,
        mac: [u8; 32],
    }
}

/// How many events of each start of each node.
pub(super) type Origins = BTreeMap<(String, Id<()>), i64>;

/// An event of the intake.
pub(super) struct Waiting {
    id: i64,
    origin: (String, Id<()>),
    pub(super) event: Prepared,
}

/// What one batch took from the intake.
#[derive(Default)]
pub(super) struct Intake {
    /// How many rows were read.
    pub(super) rows: usize,
    pub(super) events: Vec<Waiting>,
    /// Rows that are no events of ours.
    pub(super) refused: Vec<i64>,
    gone: Vec<i64>,
}

impl Intake {
    /// Gives the events their places; those of broken chains go on waiting.
    pub(super) fn append_to(
        &mut self,
        batch: &mut Batch,
        broken: &[TenantId],
        now: Timestamp,
    ) -> Origins {
        let mut origins = Origins::new();
        for waiting in std::mem::take(&mut self.events) {
            if broken.contains(&waiting.event.chain) {
                continue;
            }
            // What no leaf can hold must not hold up everything behind it.
            if batch.append(&waiting.event, now).is_ok() {
                self.gone.push(waiting.id);
                *origins.entry(waiting.origin).or_default() += 1;
            } else {
                self.refused.push(waiting.id);
            }
        }
        origins
    }

    /// Takes out what has its place and sets aside what was refused.
    pub(super) async fn clear(&self, tx: &mut Tx, now: Timestamp) -> Result<(), AuditError> {
        if !self.refused.is_empty() {
            let ids = json!(self.refused).to_string();
            tx.exec(&sql::REFUSE_INTAKE, args![ids, now]).await?;
        }
        if !self.gone.is_empty() {
            let ids = json!(self.gone).to_string();
            tx.exec(&sql::DELETE_INTAKE, args![ids]).await?;
        }
        Ok(())
    }
}

impl Audit {
    /// The oldest rows that wait, as many as a batch has room for.
    pub(super) async fn take_intake(
        &self,
        tx: &mut Tx,
        beside: usize,
    ) -> Result<Intake, AuditError> {
        let skip = json!(hex_ids(self.inner.sequencer.broken().iter())).to_string();
        let room = i64::try_from(MAX_BATCH.saturating_sub(beside).max(1)).unwrap_or(1);
        let rows: Vec<IntakeRow> = tx.all(&sql::TAKE_INTAKE, args![skip, room]).await?;
        let mut intake = Intake {
            rows: rows.len(),
            ..Intake::default()
        };
        for row in rows {
            let (id, origin) = (row.id, (row.node.clone(), row.boot));
            match self.read_intake(row) {
                Some(event) => intake.events.push(Waiting { id, origin, event }),
                None => intake.refused.push(id),
            }
        }
        Ok(intake)
    }

    /// Records an event of the context's chain in the caller's transaction:
    /// either both the change and its event happen or neither. It gets its
    /// place in the chain right after the commit; [`Audit::catch_up`] waits
    /// for that.
    pub async fn record(
        &self,
        ctx: &Ctx,
        tx: &mut Tx,
        event: Event,
    ) -> Result<EventId, AuditError> {
        let prepared = self.prepare(ctx, &event)?;
        let event_id = prepared.event_id;
        self.park(tx, prepared).await?;
        let audit = self.clone();
        tx.on_commit(move || {
            audit.inner.counters.note_emitted();
            audit.kick_soon();
        });
        Ok(event_id)
    }

    /// Puts an event into the intake.
    pub(super) async fn park(&self, tx: &mut Tx, prepared: Prepared) -> Result<(), AuditError> {
        let blind = blind::encode(&prepared.blind);
        let mac = self.intake_mac(&prepared, &blind);
        let (node, boot) = (self.inner.node.as_str(), self.inner.boot);
        let Prepared {
            chain,
            event_id,
            body,
            ..
        } = prepared;
        tx.exec_one(
            &sql::INSERT_INTAKE,
            args![chain, event_id, node, boot, body, blind, mac],
        )
        .await?;
        Ok(())
    }

    fn intake_mac(&self, prepared: &Prepared, blind: &[u8]) -> [u8; 32] {
        let fields: [&[u8]; 4] = [
            prepared.chain.as_bytes(),
            prepared.event_id.as_bytes(),
            prepared.body.as_bytes(),
            blind,
        ];
        self.keyring().audit_seal().mac(INTAKE_PURPOSE, &fields)
    }

    /// The event of a row; `None` when somebody without the key wrote it.
    fn read_intake(&self, row: IntakeRow) -> Option<Prepared> {
        let fields: [&[u8]; 4] = [
            row.tenant_id.as_bytes(),
            row.event_id.as_bytes(),
            row.body.as_bytes(),
            &row.blind,
        ];
        let key = self.keyring().audit_seal();
        if !key.matches(INTAKE_PURPOSE, &fields, &row.mac) {
            return None;
        }
        let entries = blind::decode(&row.blind)?;
        let prepared = Prepared::from_body(row.tenant_id, row.body, entries)?;
        (prepared.event_id == row.event_id).then_some(prepared)
    }
}
