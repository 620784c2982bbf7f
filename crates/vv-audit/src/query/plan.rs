//! Decides by which index a filter is answered.

use vv_base::{Ctx, TenantId, Timestamp};
use vv_store::{Args, Engine, StoreError, Tx, args};

use super::filter::{Checked, KindPattern, Order};
use super::lane::{Lane, Range, merge};
use super::sql;
use super::walk::{Lead, Walk};
use crate::audit::{Audit, chain_of};
use crate::blind;
use crate::catalogue::Severity;
use crate::error::AuditError;
use crate::event::Outcome;

/// Kinds of a category that are looked up one by one.
const MAX_KINDS: usize = 200;
/// Entries of each index that are counted before one is chosen.
const PROBE: usize = 512;

/// A condition on an event: a fragment and the sets of values of which one
/// must fit.
pub(super) type Condition = (&'static str, Vec<Args>);

/// A part of the filter, and the index that answers it, if there is one.
struct Part {
    condition: Condition,
    lanes: Vec<Lane>,
}

impl Part {
    fn new(condition: &'static str, values: Args, lanes: Vec<Lane>) -> Self {
        Self {
            condition: (condition, vec![values]),
            lanes,
        }
    }
}

impl Audit {
    /// Looks up what the filter's times and names stand for and chooses an
    /// index. `cursor` is the height of the last event that was seen.
    pub(super) async fn plan(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        filter: &Checked,
        cursor: Option<i64>,
    ) -> Result<Walk, AuditError> {
        let chain = chain_of(ctx);
        let order = filter.order;
        let mut range = bounds(tx, chain, filter).await?;
        if let Some(cursor) = cursor {
            range = range.after(cursor, order);
        }
        let mut parts = self.parts(tx, chain, filter).await?;
        let chosen = choose(tx, chain, &range, order, &parts).await?;
        let lead = chosen.map(|index| parts.remove(index)).map(|part| Lead {
            column: part
                .lanes
                .iter()
                .all(Lane::is_column)
                .then_some(part.condition),
            lanes: part.lanes,
        });
        let conditions = parts.into_iter().map(|part| part.condition).collect();
        Ok(Walk::new(chain, order, range, lead, conditions))
    }

    /// The parts of the filter, the one that finds least as a rule first.
    async fn parts(
        &self,
        tx: &mut Tx,
        chain: TenantId,
        filter: &Checked,
    ) -> Result<Vec<Part>, StoreError> {
        let mut parts = Vec::new();
        if let Some((field, value)) = &filter.personal {
            parts.push(self.field(chain, field, value));
        }
        if let Some(target) = &filter.target {
            let lane = Lane::Target(target.clone());
            parts.push(Part::new("target_ref = ?", args![target], vec![lane]));
        }
        if let Some(actor) = filter.actor {
            parts.push(Part::new(
                "actor_ref = ?",
                args![actor],
                vec![Lane::Actor(actor)],
            ));
        }
        if let Some(words) = &filter.words {
            let (condition, text) = match tx.engine() {
                Engine::Pg => (
                    "exists (select from audit_text t where t.tenant_id = audit_events.tenant_id \
                     and t.height = audit_events.height and t.words @@ ?::text::tsquery)",
                    words.to_tsquery(chain),
                ),
                Engine::Lite => (
                    "exists (select 1 from audit_text t where t.audit_text match ? \
                     and t.rowid = audit_events.gseq)",
                    words.to_fts5(chain),
                ),
            };
            parts.push(Part::new(
                condition,
                args![text],
                vec![Lane::Words(words.clone())],
            ));
        }
        if let Some(pattern) = &filter.kind {
            parts.push(kind(tx, chain, pattern).await?);
        }
        if let Some(outcome) = filter.outcome {
            let name = outcome.as_str();
            let lanes = match outcome {
                Outcome::Success => Vec::new(),
                Outcome::Failure | Outcome::Denied => vec![Lane::Outcome(name)],
            };
            parts.push(Part::new("outcome = ?", args![name], lanes));
        }
        if let Some(severities) = &filter.severities {
            parts.push(severity(severities));
        }
        Ok(parts)
    }

    fn field(&self, chain: TenantId, field: &str, value: &str) -> Part {
        let indexes = blind::candidates(self.keyring().audit_index(), chain, field, value);
        Part {
            condition: (
                "exists (select 1 from audit_blind b where b.tenant_id = audit_events.tenant_id \
                 and b.field_index = ? and b.height = audit_events.height)",
                indexes.iter().map(|index| args![index]).collect(),
            ),
            lanes: indexes.into_iter().map(Lane::Field).collect(),
        }
    }
}

async fn kind(tx: &mut Tx, chain: TenantId, pattern: &KindPattern) -> Result<Part, StoreError> {
    let prefix = match pattern {
        KindPattern::Exact(kind) => {
            let lane = Lane::Kind(kind.clone());
            return Ok(Part::new("kind = ?", args![kind], vec![lane]));
        }
        KindPattern::Category(prefix) => prefix,
    };
    // The character after the dot that the prefix ends in.
    let end = format!("{}/", prefix.trim_end_matches('.'));
    let most = i64::try_from(MAX_KINDS).unwrap_or(i64::MAX);
    let kinds: Vec<(String,)> = tx
        .all(&sql::KINDS_BETWEEN, args![chain, prefix, &end, most])
        .await?;
    if kinds.is_empty() {
        return Ok(nothing());
    }
    let lanes = if kinds.len() < MAX_KINDS {
        kinds.into_iter().map(|(kind,)| Lane::Kind(kind)).collect()
    } else {
        Vec::new()
    };
    Ok(Part::new(
        "kind >= ? and kind < ?",
        args![prefix, end],
        lanes,
    ))
}

fn severity(severities: &[Severity]) -> Part {
    if severities.is_empty() {
        return nothing();
    }
    let names = severities.iter().map(|severity| severity.as_str());
    // Ordinary events are most of them, so there is no index.
    let lanes = if severities.contains(&Severity::Info) {
        Vec::new()
    } else {
        names.clone().map(Lane::Severity).collect()
    };
    Part {
        condition: ("severity = ?", names.map(|name| args![name]).collect()),
        lanes,
    }
}

/// What no event fits.
fn nothing() -> Part {
    Part::new("1 = 0", args![], vec![Lane::Nothing])
}

/// The heights and times of the filter that the chain has.
async fn bounds(tx: &mut Tx, chain: TenantId, filter: &Checked) -> Result<Range, StoreError> {
    let (first, last): (i64, i64) = tx.one(&sql::ENDS, args![chain]).await?;
    let (low, high) = filter.heights;
    let mut range = Range {
        low: low.max(first),
        high: high.min(last.saturating_add(1)),
        from: filter.from,
        to: filter.to,
    };
    if first > 0 {
        if let Some(from) = filter.from {
            range.low = range
                .low
                .max(place_of(tx, chain, (first, last), from).await?);
        }
        if let Some(to) = filter.to {
            range.high = range
                .high
                .min(place_of(tx, chain, (first, last), to).await?);
        }
    }
    Ok(range)
}

/// The first height whose time is not before a moment, or the one behind the
/// last. Times never fall along a chain, so some twenty probes tell. Each is a
/// statement of its own: as one recursive statement `PostgreSQL` reads far more.
pub(super) async fn place_of(
    tx: &mut Tx,
    chain: TenantId,
    (first, last): (i64, i64),
    at: Timestamp,
) -> Result<i64, StoreError> {
    let (mut low, mut high) = (first, last.saturating_add(1));
    while low < high {
        let middle = low.midpoint(high);
        let found: Option<(Timestamp,)> = tx.opt(&sql::TIME_FROM, args![chain, middle]).await?;
        match found {
            Some((time,)) if time < at => low = middle.saturating_add(1),
            _ => high = middle,
        }
    }
    Ok(low)
}

/// The part whose index has the fewest entries in the range, counted up to a
/// cap. Of those that reach it the first one.
async fn choose(
    tx: &mut Tx,
    chain: TenantId,
    range: &Range,
    order: Order,
    parts: &[Part],
) -> Result<Option<usize>, StoreError> {
    let indexed = || {
        parts
            .iter()
            .enumerate()
            .filter(|(_, part)| !part.lanes.is_empty())
    };
    if range.is_empty() || indexed().count() < 2 {
        return Ok(indexed().next().map(|(index, _)| index));
    }
    let mut best = None;
    for (index, part) in indexed() {
        let found = merge(tx, &part.lanes, chain, range, order, PROBE).await?;
        let entries = found.entries.min(PROBE);
        if best.is_none_or(|(_, least)| entries < least) {
            best = Some((index, entries));
        }
        if entries == 0 {
            break;
        }
    }
    Ok(best.map(|(index, _)| index))
}
