//! Whether every event that a node emitted reached a chain.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use vv_base::{Ctx, Id, Span, Timestamp};
use vv_store::{Sql, args, row};

use super::found::{Capture, CaptureVerdict};
use crate::audit::Audit;
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::view::{BodyValue, BodyView};

pub(super) static NODES: Sql = Sql::same(
    "audit.capture_nodes",
    "select node, boot, sequenced, spooled, last_at from audit_nodes order by node, boot limit $1",
);

pub(super) static ARRIVED: Sql = Sql::same(
    "audit.capture_arrived",
    "select sequenced, spooled from audit_nodes where node = $1 and boot = $2",
);

/// Starts of nodes that are looked at; a database has a few per day.
const MAX_STARTS: usize = 100_000;
/// Events of a younger heartbeat may still be on their way.
const SETTLED: Span = Span::minutes(1);

/// The last counters that each start of each node reported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Beats(BTreeMap<String, BTreeMap<String, Vec<Beat>>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Beat {
    at: i64,
    emitted: i64,
    /// How many of them were in a chain.
    arrived: i64,
}

row! {
    struct NodeRow {
        node: String,
        boot: Id<()>,
        sequenced: i64,
        spooled: i64,
        last_at: Timestamp,
    }
}

impl Beats {
    /// Takes the counters out of a heartbeat; other events are passed over.
    pub(super) fn note(&mut self, body: &BodyView<'_>, at: i64) {
        let beat = Kind::Heartbeat;
        if body.category != *beat.category() || body.action != *beat.action() {
            return;
        }
        let (mut boot, mut emitted, mut arrived) = (None, None, 0);
        for (name, value) in body.details() {
            match (name.raw(), value) {
                ("boot", BodyValue::Text(text)) => boot = Some(text.decoded().into_owned()),
                ("emitted", BodyValue::Int(count)) => emitted = Some(count),
                ("arrived", BodyValue::Int(count)) => arrived = count,
                _ => {}
            }
        }
        let (Some(boot), Some(emitted)) = (boot, emitted) else {
            return;
        };
        let node = self.0.entry(body.node.decoded().into_owned()).or_default();
        if node.len() >= MAX_STARTS && !node.contains_key(&boot) {
            return;
        }
        let beats = node.entry(boot).or_default();
        beats.push(Beat {
            at,
            emitted,
            arrived,
        });
        // The newest that has settled is among the last ones.
        let settled = at.saturating_sub(SETTLED.micros());
        if let Some(keep) = beats.iter().rposition(|beat| beat.at <= settled) {
            beats.drain(..keep);
        }
    }

    /// The counters that events on their way no longer falsify.
    fn settled(&self, node: &str, boot: &str, now: Timestamp) -> Option<Beat> {
        let limit = now.minus(SETTLED).unix_micros();
        let beats = self.0.get(node)?.get(boot)?;
        beats.iter().rfind(|beat| beat.at <= limit).copied()
    }

    fn newest(&self, node: &str, boot: &str) -> Option<Beat> {
        self.0.get(node)?.get(boot)?.last().copied()
    }

    /// What was emitted against what arrived. What a start left in its spool
    /// is drained by a later one of the node, so arrivals count per node.
    fn judge(&self, rows: &[NodeRow], now: Timestamp, patience: Span) -> Capture {
        let mut silent = BTreeSet::new();
        let mut arrived: BTreeMap<(&str, String), i64> = BTreeMap::new();
        for row in rows {
            let boot = row.boot.to_string();
            // Commands write events and never report, so only who reported can fall silent.
            let told = self.newest(&row.node, &boot);
            if told.is_some_and(|beat| beat.at < row.last_at.minus(patience).unix_micros()) {
                silent.insert(row.node.clone());
            }
            arrived.insert((&row.node, boot), row.sequenced.saturating_add(row.spooled));
        }
        let mut lost = 0_i64;
        for (node, boots) in &self.0 {
            let newest = boots
                .iter()
                .max_by_key(|(_, beats)| beats.last().map(|beat| beat.at));
            let newest = newest.map(|(boot, _)| boot);
            let missing = boots.keys().map(|boot| {
                let Some(beat) = self.settled(node, boot, now) else {
                    return 0;
                };
                // Of a start that is over, others may have moved events since.
                let later = arrived.get(&(node.as_str(), boot.clone()));
                let arrived = match later {
                    Some(later) if newest != Some(boot) => beat.arrived.max(*later),
                    _ => beat.arrived,
                };
                beat.emitted.saturating_sub(arrived)
            });
            lost = lost.saturating_add(missing.sum::<i64>().max(0));
        }
        let verdict = if lost > 0 {
            CaptureVerdict::Lost
        } else {
            CaptureVerdict::Ok
        };
        Capture {
            verdict,
            lost: u64::try_from(lost).unwrap_or(0),
            silent_nodes: silent.into_iter().collect(),
        }
    }
}

impl Audit {
    /// How many events of this start of this node are in a chain.
    pub(crate) async fn arrived(&self) -> Result<i64, AuditError> {
        let (node, boot) = (self.inner.node.as_str(), self.inner.boot);
        let found: Option<(i64, i64)> = self
            .store()
            .read(&self.inner.ctx, "audit.capture_arrived", async |tx| {
                tx.opt(&ARRIVED, args![node, boot]).await
            })
            .await?;
        Ok(found.map_or(0, |(sequenced, spooled)| sequenced.saturating_add(spooled)))
    }

    pub(super) async fn check_capture(
        &self,
        ctx: &Ctx,
        beats: &Beats,
    ) -> Result<Capture, AuditError> {
        let most = i64::try_from(MAX_STARTS).unwrap_or(i64::MAX);
        let rows: Vec<NodeRow> = self
            .store()
            .read(ctx, "audit.capture_nodes", async |tx| {
                tx.all(&NODES, args![most]).await
            })
            .await?;
        // Busy nodes report every `heartbeat`; two of them may be missed.
        let busy = self.settings().heartbeat.micros().saturating_mul(3);
        let patience = Span::seconds(busy / 1_000_000);
        Ok(beats.judge(&rows, ctx.now(), patience))
    }
}
