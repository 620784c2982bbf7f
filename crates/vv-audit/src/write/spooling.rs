//! Events on this node's disk while the database is away, and their way back.
//! What lies there is sealed as a whole under the data key.

use serde::{Deserialize, Serialize};
use vv_base::{Ctx, EventId, SubjectId, TenantId};
use vv_crypto::Place;
use vv_store::{Store, args};

use super::emit::Emitted;
use super::prepared::Prepared;
use super::queue::FromSpool;
use super::sql;
use crate::audit::Audit;
use crate::blind::{self, BlindEntry};
use crate::body::Json;
use crate::error::AuditError;
use crate::event::{Event, seal_field};
use crate::leaf::LeafError;
use crate::spool::{SpoolError, SpoolFrame, SpoolPosition};

/// Frames moved per batch.
const FRAMES: usize = 512;
const BYTES: usize = 4 * 1024 * 1024;

/// What a frame holds once opened.
#[derive(Serialize, Deserialize)]
struct Draft {
    chain: TenantId,
    event: EventId,
    body: String,
    blind: Vec<u8>,
    /// Personal fields that could not be sealed yet.
    clear: Vec<(SubjectId, String, String)>,
}

/// Up to where the spool of a node is in the chains.
pub(crate) async fn spool_cursor(
    ctx: &Ctx,
    store: &Store,
    node: &str,
) -> Result<SpoolPosition, AuditError> {
    let found: Option<(i64, i64)> = store
        .read(ctx, "audit.spool_cursor", async |tx| {
            tx.opt(&sql::SPOOL_CURSOR, args![node]).await
        })
        .await?;
    let (segment, offset) = found.unwrap_or_default();
    Ok(SpoolPosition {
        segment: u64::try_from(segment).unwrap_or(0),
        offset: u64::try_from(offset).unwrap_or(0),
    })
}

fn place(row: &EventId) -> Place<'_> {
    Place {
        tenant: None,
        table: "audit_spool",
        row: row.as_bytes(),
        column: "draft",
    }
}

impl Audit {
    /// Keeps an event on this node's disk; returns after the sync.
    pub(super) async fn spool(
        &self,
        prepared: Prepared,
        event: &Event,
    ) -> Result<Emitted, AuditError> {
        let clear = event
            .personal
            .iter()
            .filter(|field| field.sealer.is_deferred())
            .map(|field| {
                let subject = field.sealer.subject();
                (subject, field.field.to_string(), field.text.clone())
            })
            .collect();
        self.spool_draft(prepared, clear).await
    }

    pub(super) async fn spool_prepared(&self, prepared: Prepared) -> Result<Emitted, AuditError> {
        self.spool_draft(prepared, Vec::new()).await
    }

    async fn spool_draft(
        &self,
        prepared: Prepared,
        clear: Vec<(SubjectId, String, String)>,
    ) -> Result<Emitted, AuditError> {
        let inner = &self.inner;
        let spool = inner.spool.as_ref().ok_or(SpoolError::Closed)?;
        let event_id = prepared.event_id;
        let draft = Draft {
            chain: prepared.chain,
            event: event_id,
            blind: blind::encode(&prepared.blind),
            body: prepared.body,
            clear,
        };
        let text = serde_json::to_vec(&draft).map_err(|_| LeafError::Format)?;
        let sealed = inner
            .keyring
            .data()
            .seal(&place(&event_id), &text, inner.ctx.rng())
            .map_err(|_| LeafError::TooLarge)?;
        let mut payload = event_id.as_bytes().to_vec();
        payload.extend_from_slice(sealed.as_bytes());
        spool.append(payload, inner.ctx.now()).await?;
        inner.counters.note_spooled();
        Ok(Emitted::Spooled(event_id))
    }

    /// Moves what the spool holds into the chains. Returns how many events
    /// were moved. The cursor is part of the same transaction, and events that
    /// are in their chain already stay as they are: each arrives exactly once.
    pub async fn drain_spool(&self) -> Result<u64, AuditError> {
        let inner = &self.inner;
        let Some(spool) = &inner.spool else {
            return Ok(0);
        };
        let mut moved = 0_u64;
        loop {
            let after = spool_cursor(&inner.ctx, &inner.store, &inner.spool_name).await?;
            let frames = spool.read_from(after, FRAMES, BYTES).await?;
            let Some(last) = frames.last() else {
                spool.release(after).await?;
                return Ok(moved);
            };
            let cursor = last.position;
            let events = self.unknown(self.open_frames(frames).await?).await?;
            moved += u64::try_from(events.len()).unwrap_or(0);
            self.append_spooled(FromSpool { events, cursor }).await?;
            spool.release(cursor).await?;
        }
    }

    async fn open_frames(&self, frames: Vec<SpoolFrame>) -> Result<Vec<Prepared>, AuditError> {
        let mut events = Vec::with_capacity(frames.len());
        for frame in frames {
            if let Some(draft) = self.open_draft(&frame.payload) {
                events.extend(self.finish_draft(draft).await?);
            } else {
                tracing::error!("a spooled audit event does not open with the configured keys");
                self.inner.counters.note_dropped();
            }
        }
        Ok(events)
    }

    fn open_draft(&self, payload: &[u8]) -> Option<Draft> {
        let (id, sealed) = payload.split_first_chunk::<16>()?;
        let id = EventId::from_bytes(*id);
        let opened = self.keyring().data().open(&place(&id), sealed).ok()?;
        let draft: Draft = serde_json::from_slice(opened.expose()).ok()?;
        (draft.event == id).then_some(draft)
    }

    /// Seals what had to wait. `None` for a body that is not one of ours.
    async fn finish_draft(&self, draft: Draft) -> Result<Option<Prepared>, AuditError> {
        let Some(mut entries) = blind::decode(&draft.blind) else {
            return Ok(None);
        };
        if draft.clear.is_empty() {
            return Ok(Prepared::from_body(draft.chain, draft.body, entries));
        }
        let Some(Json::Object(mut body)) = Json::decode(&draft.body) else {
            return Ok(None);
        };
        let ctx = &self.inner.ctx;
        for (subject, field, text) in draft.clear {
            let sealer = self.subject_sealer(ctx, subject).await?;
            let done = seal_field(&sealer, &field, &text, ctx, draft.chain, draft.event)?;
            let Some(json) = done else { continue };
            if let Some(Json::List(fields)) = body.get_mut("pii") {
                fields.push(json);
            }
            if blind::SEARCHABLE.contains(&field.as_str()) {
                let key = self.keyring().audit_index();
                let index = blind::index_of(key, draft.chain, &field, &text);
                entries.push(BlindEntry { subject, index });
            }
        }
        let text = Json::Object(body).encode();
        Ok(Prepared::from_body(draft.chain, text, entries))
    }

    /// Leaves out events that a batch wrote although its answer was lost.
    async fn unknown(&self, events: Vec<Prepared>) -> Result<Vec<Prepared>, AuditError> {
        let ids: Vec<_> = events
            .iter()
            .map(|event| hex::encode(event.event_id.as_bytes()))
            .collect();
        let list = serde_json::json!(ids).to_string();
        let known: Vec<(EventId,)> = self
            .store()
            .read(&self.inner.ctx, "audit.known_events", async |tx| {
                tx.all(&sql::KNOWN_EVENTS, args![list]).await
            })
            .await?;
        let mut seen: std::collections::HashSet<EventId> =
            known.into_iter().map(|(id,)| id).collect();
        Ok(events
            .into_iter()
            .filter(|event| seen.insert(event.event_id))
            .collect())
    }
}
