//! Walks a chain from its first event and says what is wrong, if anything.

use std::collections::HashSet;

use serde::Serialize;
use vv_base::{Ctx, EventId, RequestId, Scope, SubjectId, TenantId, Timestamp, UserId};
use vv_store::{Store, args, row};

use crate::body::Json;
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::{Event, Outcome, Projection};
use crate::leaf::{Leaf, leaf_hash};
use crate::record::{Audit, HeadRow, SYSTEM_CHAIN};
use crate::sql;

/// Events read per step.
const STEP: i64 = 1_000;

/// One answer of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Checked and fine.
    Ok,
    /// Checked and wrong.
    Failed,
    /// There is nothing to check it against.
    NotConfigured,
}

/// The answers, never folded into one green tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// Every leaf has its hash and holds the hash of the leaf before.
    pub integrity: Verdict,
    /// Heights run from 1 without gaps up to a genuine head.
    pub completeness: Verdict,
    /// Search columns say what the leaves say.
    pub projection: Verdict,
    /// The chain agrees with copies of its head kept outside the database.
    pub anchor: Verdict,
    /// Every sealed field has its subject key, live or recorded as destroyed.
    pub erasure: Verdict,
}

/// What a verification found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// No verdict failed.
    pub verified: bool,
    /// How many events were read.
    pub checked: u64,
    /// The single answers.
    pub verdicts: Verdicts,
    /// The first event that is wrong or missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_bad_height: Option<u64>,
}

row! {
    /// The latest stored result for a chain.
    #[derive(Debug, Clone)]
    pub struct LastVerification {
        pub verified_at: Timestamp,
        pub height: i64,
        pub verified: bool,
        pub first_bad_height: Option<i64>,
    }
}

row! {
    pub(crate) struct EventRow {
        pub height: i64,
        pub event_id: EventId,
        pub seq_ts: Timestamp,
        pub kind: String,
        pub severity: String,
        pub outcome: String,
        pub actor_kind: String,
        pub actor_ref: Option<UserId>,
        pub target_kind: Option<String>,
        pub target_ref: Option<String>,
        pub request_id: RequestId,
        pub leaf: Vec<u8>,
        pub leaf_hash: [u8; 32],
    }
}

impl EventRow {
    fn projection(&self) -> Projection {
        Projection {
            event_id: self.event_id,
            kind: self.kind.clone(),
            severity: self.severity.clone(),
            outcome: self.outcome.clone(),
            actor_kind: self.actor_kind.clone(),
            actor_ref: self.actor_ref,
            target_kind: self.target_kind.clone(),
            target_ref: self.target_ref.clone(),
            request_id: self.request_id,
        }
    }
}

/// The state of the walk.
struct Walk {
    chain: TenantId,
    height: i64,
    prev: [u8; 32],
    last_ts: Timestamp,
    verdicts: Verdicts,
    first_bad: Option<i64>,
    subjects: HashSet<SubjectId>,
}

impl Walk {
    fn new(chain: TenantId) -> Self {
        Self {
            chain,
            height: 0,
            prev: [0; 32],
            last_ts: Timestamp::from_unix_micros(0),
            verdicts: Verdicts {
                integrity: Verdict::Ok,
                completeness: Verdict::Ok,
                projection: Verdict::Ok,
                anchor: Verdict::NotConfigured,
                erasure: Verdict::Ok,
            },
            first_bad: None,
            subjects: HashSet::new(),
        }
    }

    fn bad(&mut self, height: i64) -> &mut Verdicts {
        self.first_bad = Some(self.first_bad.map_or(height, |first| first.min(height)));
        &mut self.verdicts
    }

    fn step(&mut self, row: &EventRow) {
        let expected = self.height + 1;
        if row.height != expected {
            self.bad(expected).completeness = Verdict::Failed;
        }
        self.height = row.height;
        let hash = leaf_hash(&row.leaf);
        match Leaf::decode(&row.leaf) {
            Ok(leaf) if hash == row.leaf_hash => self.check_leaf(row, &leaf),
            _ => self.bad(row.height).integrity = Verdict::Failed,
        }
        self.prev = hash;
    }

    fn check_leaf(&mut self, row: &EventRow, leaf: &Leaf<'_>) {
        let header = &leaf.header;
        let in_place = header.prev == self.prev
            && header.chain == self.chain
            && i64::try_from(header.height) == Ok(row.height)
            && header.seq_ts >= self.last_ts;
        if !in_place {
            self.bad(row.height).integrity = Verdict::Failed;
        }
        self.last_ts = header.seq_ts;
        let Some(body) = Json::decode(leaf.body) else {
            self.bad(row.height).integrity = Verdict::Failed;
            return;
        };
        let same = Projection::of(&body) == Some(row.projection()) && header.seq_ts == row.seq_ts;
        if !same {
            self.bad(row.height).projection = Verdict::Failed;
        }
        for sealed in body.get("pii").map(Json::list).unwrap_or_default() {
            let subject = sealed.get("key_id").and_then(Json::text);
            let subject = subject.and_then(|id| id.parse::<SubjectId>().ok());
            self.subjects.extend(subject);
        }
    }

    /// `last` is the height of the last event there was when the head was read.
    fn finish(&mut self, head: &HeadRow, genuine: bool, last: i64) {
        if last > head.height {
            self.bad(head.height + 1).completeness = Verdict::Failed;
        }
        if self.height < head.height {
            let missing = self.height + 1;
            self.bad(missing).completeness = Verdict::Failed;
        } else if !genuine || self.prev != head.head_hash {
            let top = self.height.max(1);
            self.bad(top).completeness = Verdict::Failed;
        }
    }
}

impl Audit {
    /// Checks a whole chain. `progress` hears how many of how many events are
    /// done. The result is stored and itself recorded as an event.
    pub async fn verify(
        &self,
        ctx: &Ctx,
        store: &Store,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<Verification, AuditError> {
        let chain = ctx.tenant().unwrap_or(SYSTEM_CHAIN);
        // In one snapshot the last event is the one that the head names.
        let (head, last) = store
            .read(ctx, "audit.find_end", async |tx| {
                let head: Option<HeadRow> = tx.opt(&sql::FIND_HEAD, args![chain]).await?;
                let last: Option<(i64,)> = tx.opt(&sql::LAST_HEIGHT, args![chain]).await?;
                Ok::<_, AuditError>((head, last.map_or(0, |(height,)| height)))
            })
            .await?;
        let before = self.last_verification(ctx, store).await?;
        let seen = before.map_or(0, |before| before.height);
        let mut walk = Walk::new(chain);
        let top = head.as_ref().map_or(i64::MAX, |head| head.height);
        let total = u64::try_from(top).unwrap_or(0);
        let mut checked = 0_u64;
        loop {
            let rows = self.events_from(ctx, store, chain, walk.height).await?;
            let mut reached_end = rows.is_empty();
            // Events behind the head we read were appended meanwhile and are not judged.
            for row in rows.iter().filter(|row| row.height <= top) {
                walk.step(row);
                checked += 1;
            }
            reached_end |= rows.iter().any(|row| row.height >= top);
            progress(checked, total.max(checked));
            if reached_end {
                break;
            }
        }
        match &head {
            Some(head) => walk.finish(head, self.head_is_genuine(chain, head), last),
            // A tenant's chain begins with the tenant, and what was seen before
            // cannot be gone: somebody removed the head.
            None if chain != SYSTEM_CHAIN || checked > 0 || seen > 0 => {
                walk.bad(1).completeness = Verdict::Failed;
                // From now on it counts as seen, so that nothing starts it afresh.
                walk.height = walk.height.max(1);
            }
            None => {}
        }
        if seen > top {
            walk.bad(top + 1).completeness = Verdict::Failed;
        }
        self.check_subjects(ctx, &mut walk).await?;
        let mut result = Verification {
            verified: walk.first_bad.is_none() && walk.verdicts.erasure == Verdict::Ok,
            checked,
            verdicts: walk.verdicts,
            first_bad_height: walk.first_bad.and_then(|height| u64::try_from(height).ok()),
        };
        // A cut chain must not pass the next time for having been seen short.
        if !self
            .save(ctx, store, walk.height.max(seen), &result)
            .await?
        {
            result.verified = false;
            result.verdicts.completeness = Verdict::Failed;
        }
        Ok(result)
    }

    async fn events_from(
        &self,
        ctx: &Ctx,
        store: &Store,
        chain: TenantId,
        after: i64,
    ) -> Result<Vec<EventRow>, AuditError> {
        let rows = store
            .read(ctx, "audit.events_from", async |tx| {
                tx.all(&sql::EVENTS_FROM, args![chain, after, STEP]).await
            })
            .await?;
        Ok(rows)
    }

    async fn check_subjects(&self, ctx: &Ctx, walk: &mut Walk) -> Result<(), AuditError> {
        for subject in &walk.subjects {
            match self.existing_sealer(ctx, *subject).await {
                Ok(Some(_)) => {}
                Ok(None) | Err(AuditError::SubjectKey) => {
                    walk.verdicts.erasure = Verdict::Failed;
                }
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// Stores the result and its event. False when the chain takes no more
    /// events; the finding then goes to the system chain.
    async fn save(
        &self,
        ctx: &Ctx,
        store: &Store,
        height: i64,
        result: &Verification,
    ) -> Result<bool, AuditError> {
        let chain = ctx.tenant().unwrap_or(SYSTEM_CHAIN);
        let first_bad = result
            .first_bad_height
            .and_then(|height| i64::try_from(height).ok());
        let event = |verified: bool| {
            let (kind, outcome) = if verified {
                (Kind::ChainVerified, Outcome::Success)
            } else {
                (Kind::ChainBroken, Outcome::Failure)
            };
            Event::new(kind)
                .outcome(outcome)
                .target("audit_chain", chain)
                .detail("height", height)
                .detail("first_bad_height", first_bad)
        };
        let row = |verified: bool| args![chain, ctx.now(), height, verified, first_bad];
        let saved = store
            .tx(ctx, "audit.save_verification", async |tx| {
                tx.exec(&sql::SAVE_VERIFICATION, row(result.verified))
                    .await?;
                self.record(ctx, tx, event(result.verified)).await
            })
            .await;
        match saved {
            Ok(_) => return Ok(true),
            Err(AuditError::HeadTampered) => {}
            Err(other) => return Err(other),
        }
        let system = ctx.clone().for_system();
        // Of a broken system chain only the stored result can tell.
        for recorded in [ctx.scope != Scope::System, false] {
            let saved = store
                .tx(&system, "audit.save_broken", async |tx| {
                    tx.exec(&sql::SAVE_VERIFICATION, row(false)).await?;
                    if recorded {
                        self.record(&system, tx, event(false)).await?;
                    }
                    Ok(())
                })
                .await;
            match saved {
                Err(AuditError::HeadTampered) => {}
                other => return other.map(|()| false),
            }
        }
        Ok(false)
    }

    /// The latest stored result for the context's chain.
    pub async fn last_verification(
        &self,
        ctx: &Ctx,
        store: &Store,
    ) -> Result<Option<LastVerification>, AuditError> {
        let chain = ctx.tenant().unwrap_or(SYSTEM_CHAIN);
        let found = store
            .read(ctx, "audit.last_verification", async |tx| {
                tx.opt(&sql::LAST_VERIFICATION, args![chain]).await
            })
            .await?;
        Ok(found)
    }
}
