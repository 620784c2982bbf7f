//! How far a verification got, kept so that one that was interrupted goes on
//! and a later one need not start from the beginning.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use vv_base::{Ctx, Span, TenantId, Timestamp};
use vv_store::{Sql, args, row};

use super::capture::Beats;
use super::found::{Report, Verdict};
use super::walk::Walk;
use crate::audit::Audit;
use crate::error::AuditError;
use crate::tree::CompactRange;

/// Separates check values of saved states from other uses of the key.
const PURPOSE: &str = "audit.verify/1";
/// An older state is not gone on from: the answer would be one of long ago.
const RESUMABLE: Span = Span::hours(24);

pub(super) static SAVE: Sql = Sql::same(
    "audit.save_progress",
    "insert into audit_verify_progress (tenant_id, purpose, height, state, mac, updated_at) \
     values ($1, $2, $3, $4, $5, $6) on conflict (tenant_id, purpose) do update set \
     height = excluded.height, state = excluded.state, mac = excluded.mac, \
     updated_at = excluded.updated_at",
);
pub(super) static LOAD: Sql = Sql::same(
    "audit.load_progress",
    "select height, state, mac, updated_at from audit_verify_progress \
     where tenant_id = $1 and purpose = $2",
);
pub(super) static DROP: Sql = Sql::same(
    "audit.drop_progress",
    "delete from audit_verify_progress where tenant_id = $1 and purpose = $2",
);

/// What a saved state is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saved {
    /// A verification that has not ended yet.
    Running,
    /// The end of one that found nothing wrong.
    Verified,
}

impl Saved {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Verified => "verified",
        }
    }
}

row! {
    struct ProgressRow {
        height: i64,
        state: Vec<u8>,
        mac: [u8; 32],
        updated_at: Timestamp,
    }
}

/// A [`Walk`] at rest.
#[derive(Serialize, Deserialize)]
pub(super) struct State {
    pub(super) after: i64,
    height: i64,
    prev: String,
    last_ts: i64,
    last_gseq: i64,
    tree: Option<String>,
    counts: HashMap<String, i64>,
    checked: u64,
    report: Report,
    beats: Beats,
}

impl State {
    fn of(walk: &Walk) -> Self {
        Self {
            after: walk.after,
            height: walk.height,
            prev: hex::encode(walk.prev),
            last_ts: walk.last_ts,
            last_gseq: walk.last_gseq,
            tree: walk.range.as_ref().map(|range| hex::encode(range.encode())),
            counts: walk.counts.clone(),
            checked: walk.checked,
            report: walk.report.clone(),
            beats: walk.beats.clone(),
        }
    }

    fn into_walk(self, chain: TenantId) -> Option<Walk> {
        let mut walk = Walk::new(chain);
        let size = u64::try_from(self.height).ok()?;
        walk.range = match self.tree {
            Some(tree) => Some(CompactRange::decode(size, &hex::decode(tree).ok()?).ok()?),
            None => None,
        };
        walk.after = self.after;
        walk.height = self.height;
        walk.prev = hex::decode(self.prev).ok()?.try_into().ok()?;
        walk.last_ts = self.last_ts;
        walk.last_gseq = self.last_gseq;
        walk.counts = self.counts;
        walk.checked = self.checked;
        walk.report = self.report;
        walk.beats = self.beats;
        Some(walk)
    }
}

impl Audit {
    pub(super) async fn save_walk(
        &self,
        ctx: &Ctx,
        walk: &Walk,
        purpose: Saved,
    ) -> Result<(), AuditError> {
        let state = serde_json::to_vec(&State::of(walk)).map_err(|_| AuditError::TreeDamaged)?;
        self.save_state(ctx, walk.chain, purpose, walk.height, state)
            .await
    }

    /// The walk at a state saved before; `None` when there is none, when it is
    /// too old, or when somebody without the key wrote it.
    pub(super) async fn load_walk(
        &self,
        ctx: &Ctx,
        chain: TenantId,
        purpose: Saved,
    ) -> Result<Option<Walk>, AuditError> {
        let Some((state, at)) = self.load_state(ctx, chain, purpose).await? else {
            return Ok(None);
        };
        if purpose == Saved::Running && at.plus(RESUMABLE) < ctx.now() {
            return Ok(None);
        }
        let state = serde_json::from_slice::<State>(&state).ok();
        let Some(mut walk) = state.and_then(|state| state.into_walk(chain)) else {
            return Ok(None);
        };
        if purpose == Saved::Verified {
            walk.after = walk.height;
            walk.checked = 0;
            walk.report = Report::default();
        }
        Ok(Some(walk))
    }

    /// The anchor log at its last sound check, and when all of it was checked
    /// last, if that is young enough.
    pub(super) async fn load_anchor_state(
        &self,
        ctx: &Ctx,
        young: Option<Span>,
    ) -> Result<Option<(CompactRange, Timestamp)>, AuditError> {
        let chain = crate::audit::ANCHOR_CHAIN;
        let Some((state, _)) = self.load_state(ctx, chain, Saved::Verified).await? else {
            return Ok(None);
        };
        let Ok((size, tree, at)) = serde_json::from_slice::<(u64, String, i64)>(&state) else {
            return Ok(None);
        };
        let at = Timestamp::from_unix_micros(at);
        if young.is_some_and(|young| at.plus(young) < ctx.now()) {
            return Ok(None);
        }
        let tree = hex::decode(tree).unwrap_or_default();
        Ok(CompactRange::decode(size, &tree)
            .ok()
            .map(|range| (range, at)))
    }

    pub(super) async fn save_anchor_state(
        &self,
        ctx: &Ctx,
        range: &CompactRange,
        whole_at: Timestamp,
    ) -> Result<(), AuditError> {
        let at = whole_at.unix_micros();
        let state = serde_json::json!([range.size(), hex::encode(range.encode()), at]);
        let height = i64::try_from(range.size()).unwrap_or(i64::MAX);
        let chain = crate::audit::ANCHOR_CHAIN;
        self.save_state(
            ctx,
            chain,
            Saved::Verified,
            height,
            state.to_string().into_bytes(),
        )
        .await
    }

    async fn save_state(
        &self,
        ctx: &Ctx,
        chain: TenantId,
        purpose: Saved,
        height: i64,
        state: Vec<u8>,
    ) -> Result<(), AuditError> {
        let now = ctx.now();
        let mac = with_fields(chain, purpose, now, height, &state, |fields| {
            self.keyring().audit_seal().mac(PURPOSE, fields)
        });
        self.store()
            .tx(ctx, "audit.save_progress", async |tx| {
                tx.exec_one(
                    &SAVE,
                    args![chain, purpose.as_str(), height, state, mac, now],
                )
                .await
            })
            .await?;
        Ok(())
    }

    async fn load_state(
        &self,
        ctx: &Ctx,
        chain: TenantId,
        purpose: Saved,
    ) -> Result<Option<(Vec<u8>, Timestamp)>, AuditError> {
        let row: Option<ProgressRow> = self
            .store()
            .read(ctx, "audit.load_progress", async |tx| {
                tx.opt(&LOAD, args![chain, purpose.as_str()]).await
            })
            .await?;
        let Some(row) = row else { return Ok(None) };
        let at = row.updated_at;
        let genuine = with_fields(chain, purpose, at, row.height, &row.state, |fields| {
            self.keyring()
                .audit_seal()
                .matches(PURPOSE, fields, &row.mac)
        });
        if !genuine {
            tracing::error!(%chain, "a saved verification fails its check value and is not used");
            return Ok(None);
        }
        Ok(Some((row.state, at)))
    }

    /// The end of a verification: what ran is over, and what was found sound
    /// is remembered.
    pub(super) async fn end_walk(&self, ctx: &Ctx, walk: &Walk) -> Result<(), AuditError> {
        let chain = walk.chain;
        if !walk.report.failed() && walk.report.verdicts.integrity == Verdict::Ok {
            self.save_walk(ctx, walk, Saved::Verified).await?;
        }
        self.store()
            .tx(ctx, "audit.drop_progress", async |tx| {
                tx.exec(&DROP, args![chain, Saved::Running.as_str()]).await
            })
            .await?;
        Ok(())
    }
}

fn with_fields<T>(
    chain: TenantId,
    purpose: Saved,
    at: Timestamp,
    height: i64,
    state: &[u8],
    work: impl FnOnce(&[&[u8]]) -> T,
) -> T {
    work(&[
        chain.as_bytes(),
        purpose.as_str().as_bytes(),
        &at.unix_micros().to_be_bytes(),
        &height.to_be_bytes(),
        state,
    ])
}
