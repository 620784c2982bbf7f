//! Exports of any length, written while they are read.

use futures_util::stream::{Stream, try_unfold};
use vv_base::{Ctx, TenantId};

use super::event::{StoredEvent, says};
use super::filter::{Checked, EventFilter, Order};
use super::walk::Walk;
use crate::audit::{Audit, chain_of};
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::Event;
use crate::export::{
    CheckpointRef, ExportError, ExportFormat, ExportHeader, ExportRecord, ExportTrailer, Exporter,
    Selection,
};
use crate::leaf::LeafError;
use crate::proof::LogHead;
use crate::tree::CompactRange;

/// Events of the first step.
const FIRST_STEP: usize = 64;
/// Events of a step at most.
const LARGEST_STEP: usize = 500;
/// Bytes that a step should come to.
const STEP_BYTES: usize = 512 * 1024;

/// What is to be exported.
#[derive(Debug, Clone)]
pub struct ExportRequest {
    /// Which events; without any condition but times and heights the export
    /// holds every event of a range, and whoever gets it can follow the chain.
    /// The order is always that of the chain.
    pub filter: EventFilter,
    /// In which form.
    pub format: ExportFormat,
    /// With personal fields in clear; otherwise they stay sealed.
    pub opened: bool,
}

/// An export that has begun.
struct Export {
    audit: Audit,
    ctx: Ctx,
    exporter: Exporter,
    walk: Walk,
    personal: Option<(String, String)>,
    opened: bool,
    asked: String,
    /// The chain as it was when the export began.
    head: LogHead,
    from: u64,
    to: u64,
    /// The tree up to what was written, if every event is.
    tree: Option<CompactRange>,
    count: u64,
    last_hash: Option<[u8; 32]>,
    stage: Stage,
    step: usize,
}

#[derive(Clone, Copy)]
enum Stage {
    Header,
    Events,
    Trailer,
    Done,
}

impl Audit {
    /// Exports the context's chain as it is now. The export is on record
    /// before its first byte; without a record there is none.
    ///
    /// Nothing is held while the consumer is slow: each piece is a short read
    /// of its own and a few hundred events long. A consumer that stops reading
    /// ends the export.
    pub async fn export(
        &self,
        ctx: &Ctx,
        request: &ExportRequest,
    ) -> Result<impl Stream<Item = Result<Vec<u8>, AuditError>> + Send + use<>, AuditError> {
        let mut checked = request.filter.checked()?;
        checked.order = Order::Oldest;
        let log = self.log(ctx);
        let head = log.head().await?;
        let end = i64::try_from(head.size.saturating_add(1)).unwrap_or(i64::MAX);
        checked.heights.1 = checked.heights.1.min(end);
        let walk = self.plan_export(ctx, &checked).await?;
        let range = walk.range();
        let from = height(range.low).min(head.size.saturating_add(1));
        let to = height(range.high)
            .saturating_sub(1)
            .max(from.saturating_sub(1));
        let tree = if request.filter.is_contiguous() {
            Some(log.range_at(from.saturating_sub(1)).await?)
        } else {
            None
        };
        self.note_export(ctx, request, (from, to)).await?;
        let export = Export {
            audit: self.clone(),
            ctx: ctx.clone(),
            exporter: Exporter::new(request.format, env!("CARGO_PKG_VERSION")),
            walk,
            personal: checked.personal,
            opened: request.opened,
            asked: request.filter.describe(),
            head,
            from,
            to,
            tree,
            count: 0,
            last_hash: None,
            stage: Stage::Header,
            step: FIRST_STEP,
        };
        Ok(try_unfold(export, Export::next))
    }

    async fn plan_export(&self, ctx: &Ctx, filter: &Checked) -> Result<Walk, AuditError> {
        self.store()
            .read(ctx, "audit.plan_export", async |tx| {
                self.plan(tx, ctx, filter, None).await
            })
            .await
    }

    async fn note_export(
        &self,
        ctx: &Ctx,
        request: &ExportRequest,
        range: (u64, u64),
    ) -> Result<(), AuditError> {
        let number = |height: u64| i64::try_from(height).unwrap_or(i64::MAX);
        let event = Event::new(Kind::EventsExported)
            .target("audit_chain", chain_of(ctx))
            .detail("format", request.format.as_str())
            .detail("from", number(range.0))
            .detail("to", number(range.1))
            .detail("opened", request.opened)
            .detail("filter", request.filter.describe());
        self.append(ctx, event).await.map(drop)
    }
}

impl Export {
    /// The next piece, and the export behind it.
    async fn next(mut self) -> Result<Option<(Vec<u8>, Self)>, AuditError> {
        let mut out = Vec::new();
        while out.is_empty() {
            match self.stage {
                Stage::Header => {
                    self.header(&mut out)?;
                    self.stage = Stage::Events;
                }
                Stage::Events if self.walk.is_done() => self.stage = Stage::Trailer,
                Stage::Events => self.events(&mut out).await?,
                Stage::Trailer => {
                    self.trailer(&mut out).await?;
                    self.stage = Stage::Done;
                }
                Stage::Done => return Ok(None),
            }
        }
        Ok(Some((out, self)))
    }

    fn chain(&self) -> TenantId {
        chain_of(&self.ctx)
    }

    fn header(&self, out: &mut Vec<u8>) -> Result<(), AuditError> {
        let audit = &self.audit;
        let (note, keys) = if self.head.size == 0 {
            (None, Vec::new())
        } else {
            let anchors = &audit.inner.anchors;
            let note = anchors.sign(self.chain(), &self.head, self.ctx.now())?;
            let keys = audit.verifier_keys(&self.ctx)?;
            (Some(note), keys.iter().map(ToString::to_string).collect())
        };
        let selection = match self.tree {
            Some(_) => Selection::Everything,
            None => Selection::Found(&self.asked),
        };
        let header = ExportHeader {
            chain: self.chain(),
            from: self.from,
            to: self.to,
            selection,
            exported_at: self.ctx.now(),
            start: self.tree.as_ref().map_or(&[], CompactRange::hashes),
            checkpoint: note.as_deref(),
            anchor: None,
            verifier_keys: &keys,
        };
        self.exporter.open(out, &header);
        Ok(())
    }

    async fn events(&mut self, out: &mut Vec<u8>) -> Result<(), AuditError> {
        let (walk, step) = (&mut self.walk, self.step);
        let rows: Vec<StoredEvent> = self
            .audit
            .store()
            .read(&self.ctx, "audit.export", async |tx| {
                walk.step(tx, step).await
            })
            .await?;
        if rows.is_empty() {
            return Ok(());
        }
        let keys = if self.opened || self.personal.is_some() {
            Some(self.audit.keys_for(&self.ctx, &rows).await?)
        } else {
            None
        };
        for row in &rows {
            let fields = keys.as_ref().map(|keys| keys.open(row));
            let wanted = match (&self.personal, &fields) {
                (Some(wanted), Some(fields)) => says(fields, wanted),
                _ => true,
            };
            if wanted {
                let fields = fields.as_deref().filter(|_| self.opened);
                self.line(out, row, fields)?;
            }
        }
        self.step = match STEP_BYTES.checked_div(out.len() / rows.len()) {
            Some(fitting) => fitting.clamp(1, LARGEST_STEP),
            None => LARGEST_STEP,
        };
        Ok(())
    }

    fn line(
        &mut self,
        out: &mut Vec<u8>,
        row: &StoredEvent,
        fields: Option<&[crate::export::OpenedField]>,
    ) -> Result<(), AuditError> {
        let unreadable = |error: ExportError| {
            tracing::error!(height = row.height, %error, "an event cannot be exported");
            match error {
                ExportError::Leaf(error) => AuditError::Leaf(error),
                ExportError::Body => AuditError::Leaf(LeafError::Format),
            }
        };
        let mut record = ExportRecord::read(&row.leaf).map_err(unreadable)?;
        if let Some(tree) = &mut self.tree {
            // Every height in its place, or the reader could not follow.
            if record.height() != tree.size().saturating_add(1) {
                return Err(AuditError::TreeDamaged);
            }
            tree.push(record.leaf_hash())
                .map_err(|_| AuditError::TreeDamaged)?;
        }
        record = record.under(Some(CheckpointRef {
            size: self.head.size,
            root: self.head.root,
        }));
        if let Some(fields) = fields {
            record = record.opened(fields);
        }
        self.exporter.line(out, &record);
        self.count += 1;
        self.last_hash = Some(record.leaf_hash());
        Ok(())
    }

    async fn trailer(&mut self, out: &mut Vec<u8>) -> Result<(), AuditError> {
        let mut consistency = Vec::new();
        let root = self.tree.as_ref().map(CompactRange::root);
        if let Some(tree) = &self.tree {
            if tree.size() != self.to {
                return Err(AuditError::TreeDamaged);
            }
            let expected = if self.to == 0 || self.to >= self.head.size {
                (self.to >= self.head.size).then_some(self.head.root)
            } else {
                let log = self.audit.log(&self.ctx);
                let proof = log.consistency(self.to, self.head.size).await?;
                consistency = proof.path;
                Some(proof.from_root)
            };
            // What was written must be what the checkpoint stands for.
            if expected.is_some_and(|expected| Some(expected) != root) {
                return Err(AuditError::TreeDamaged);
            }
        }
        let trailer = ExportTrailer {
            count: self.count,
            last_hash: self.last_hash,
            root,
            consistency: &consistency,
        };
        self.exporter.close(out, &trailer);
        Ok(())
    }
}

fn height(height: i64) -> u64 {
    u64::try_from(height).unwrap_or(1).max(1)
}
