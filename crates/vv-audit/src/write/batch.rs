//! Gives events their places: heights, hashes, tree nodes, counts. No I/O but
//! the writing of the rows that come out of it.

use std::collections::{BTreeMap, HashMap};

use vv_base::{TenantId, Timestamp};
use vv_store::{Args, Bulk, Engine, StoreError, Tx, args};

use super::head::Head;
use super::json::JsonRows;
use super::prepared::Prepared;
use super::tally::{HOUR, Tally};
use super::{Recorded, sql};
use crate::audit::Audit;
use crate::blind::BlindEntry;
use crate::error::AuditError;
use crate::leaf::{LeafHeader, leaf_hash};
use crate::query::indexed_words;
use crate::tree::{CompactRange, NodeId, TileId};

/// Rows of events, in the order of their columns. On `PostgreSQL` they go
/// straight into the partition of their month.
pub static EVENTS: Bulk = Bulk::new(
    "audit.insert_events",
    "audit",
    "audit_events",
    &[
        "gseq",
        "tenant_id",
        "height",
        "event_id",
        "seq_ts",
        "kind",
        "severity",
        "outcome",
        "actor_kind",
        "actor_ref",
        "target_kind",
        "target_ref",
        "request_id",
        "leaf",
        "leaf_hash",
    ],
)
.by_month();

/// Tree nodes that an append completed, by the tile they belong to. Level 0 is
/// not among them: leaf hashes stand in the rows of the events.
#[derive(Debug, Default)]
pub(crate) struct TileGrowth {
    tiles: BTreeMap<(TenantId, TileId), Vec<u8>>,
}

impl TileGrowth {
    pub(crate) fn push(
        &mut self,
        chain: TenantId,
        range: &mut CompactRange,
        leaf: [u8; 32],
    ) -> Result<(), AuditError> {
        let tiles = &mut self.tiles;
        let completed = |node: NodeId, hash: &[u8; 32]| {
            if node.level.is_multiple_of(8) {
                let tile = tiles.entry((chain, TileId::of_node(node))).or_default();
                tile.extend_from_slice(hash);
            }
        };
        range
            .push_with(leaf, completed)
            .map_err(|_| AuditError::TreeDamaged)
    }

    fn json(&self) -> String {
        let mut rows = JsonRows::default();
        for ((chain, tile), hashes) in &self.tiles {
            rows.row(|to| {
                to.hex("chain", chain.as_bytes());
                to.int("level", i64::from(tile.level));
                to.int("idx", i64::try_from(tile.index).unwrap_or(i64::MAX));
                to.hex("hashes", hashes);
            });
        }
        rows.end()
    }

    pub(crate) async fn write(self, tx: &mut Tx) -> Result<(), StoreError> {
        for ((chain, tile), hashes) in self.tiles {
            let index = i64::try_from(tile.index).unwrap_or(i64::MAX);
            tx.exec_one(&sql::GROW_TILE, args![chain, tile.level, index, hashes])
                .await?;
        }
        Ok(())
    }
}

/// Events on their way into the chains of one transaction.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) heads: HashMap<TenantId, Head>,
    /// Heights of the heads as they were read.
    was: HashMap<TenantId, u64>,
    gseq: i64,
    rows: BTreeMap<u32, Vec<Args>>,
    growth: TileGrowth,
    tally: Tally,
    /// The hour that was last asked for, and its month.
    month: Option<(i64, u32)>,
    blind: Vec<(TenantId, u64, BlindEntry)>,
    texts: Vec<(TenantId, u64, i64, String)>,
}

impl Batch {
    pub(super) fn new(gseq: i64) -> Self {
        Self {
            gseq,
            ..Self::default()
        }
    }

    pub(super) fn open(&mut self, head: Head) {
        self.was.insert(head.chain, head.height);
        self.heads.insert(head.chain, head);
    }

    /// The months that get rows.
    pub(super) fn months(&self) -> Vec<u32> {
        self.rows.keys().copied().collect()
    }

    pub(super) fn gseq(&self) -> i64 {
        self.gseq
    }

    pub(super) fn len(&self) -> usize {
        self.rows.values().map(Vec::len).sum()
    }

    /// Gives an event the next place of its chain, which must be open.
    pub(super) fn append(
        &mut self,
        event: &Prepared,
        now: Timestamp,
    ) -> Result<Recorded, AuditError> {
        let chain = event.chain;
        let head = self.heads.get_mut(&chain).ok_or(AuditError::HeadTampered)?;
        let height = head.height + 1;
        let header = LeafHeader {
            height,
            seq_ts: now.max(head.ts),
            chain,
            prev: head.hash,
        };
        let leaf = header.encode(&event.body)?;
        let hash = leaf_hash(&leaf);
        self.growth.push(chain, &mut head.range, hash)?;
        head.height = height;
        head.hash = hash;
        head.ts = header.seq_ts;
        self.gseq += 1;
        self.note(event, height, header.seq_ts);
        let columns = &event.columns;
        let recorded = Recorded {
            event_id: event.event_id,
            height,
            leaf_hash: hash,
        };
        let row = args![
            self.gseq,
            chain,
            i64::try_from(height).unwrap_or(i64::MAX),
            columns.event_id,
            header.seq_ts,
            &columns.kind,
            &columns.severity,
            &columns.outcome,
            &columns.actor_kind,
            columns.actor_ref,
            columns.target_kind.clone(),
            columns.target_ref.clone(),
            columns.request_id,
            leaf,
            hash
        ];
        let month = self.month_of(header.seq_ts);
        self.rows.entry(month).or_default().push(row);
        Ok(recorded)
    }

    fn month_of(&mut self, at: Timestamp) -> u32 {
        let hour = at.unix_micros().div_euclid(HOUR);
        match self.month {
            Some((known, month)) if known == hour => month,
            _ => {
                let month = month_of(at);
                self.month = Some((hour, month));
                month
            }
        }
    }

    fn note(&mut self, event: &Prepared, height: u64, at: Timestamp) {
        let chain = event.chain;
        self.tally.add(event, at);
        let blind = event.blind.iter().map(|entry| (chain, height, *entry));
        self.blind.extend(blind);
        if let Some(words) = &event.words {
            self.texts.push((chain, height, self.gseq, words.clone()));
        }
    }

    /// Writes everything but the sequencer's own row. `false` when another
    /// process moved a head meanwhile; the transaction must then be undone.
    pub(super) async fn write(self, audit: &Audit, tx: &mut Tx) -> Result<bool, AuditError> {
        for (month, rows) in self.rows {
            let first = Timestamp::from_unix_micros(month_start(month));
            if !audit.inner.sequencer.knows_month(month) {
                let _: (i64,) = tx.one(&sql::ENSURE_MONTH, args![first]).await?;
            }
            tx.insert_many(&EVENTS, Some(month), rows).await?;
        }
        let moved = self.heads.values().filter_map(|head| {
            let was = *self.was.get(&head.chain)?;
            (was != head.height).then_some((head, was))
        });
        let (list, expected) = head_moves(audit, moved);
        let counts = self.tally.json();
        let (blind, texts) = (blind_json(&self.blind), texts_json(&self.texts));
        if tx.engine() == Engine::Pg {
            let tiles = self.growth.json();
            let all = args![counts, blind, texts, tiles, list];
            let (moved,): (i64,) = tx.one(&sql::SETTLE, all).await?;
            return Ok(u64::try_from(moved) == Ok(expected));
        }
        self.growth.write(tx).await?;
        if !self.tally.is_empty() {
            tx.exec(&sql::ADD_COUNTS, args![counts]).await?;
        }
        if !self.blind.is_empty() {
            tx.exec(&sql::INSERT_BLIND, args![blind]).await?;
        }
        if !self.texts.is_empty() {
            tx.exec(&sql::INSERT_TEXT, args![texts]).await?;
        }
        Ok(tx.exec(&sql::ADVANCE_HEADS, args![list]).await? == expected)
    }
}

/// Moves of heads, each with the height it was read at, as
/// [`sql::ADVANCE_HEADS`] wants them, and how many they are.
pub(crate) fn head_moves<'a>(
    audit: &Audit,
    heads: impl Iterator<Item = (&'a Head, u64)>,
) -> (String, u64) {
    let mut moves = JsonRows::default();
    let mut count = 0;
    for (head, was) in heads {
        let row = head.to_row(audit);
        moves.row(|to| {
            to.hex("chain", row.tenant_id.as_bytes());
            to.int("was", i64::try_from(was).unwrap_or(i64::MAX));
            to.int("height", row.height);
            to.hex("hash", &row.head_hash);
            to.int("ts", row.head_ts.unix_micros());
            to.hex("mac", &row.head_mac);
            to.hex("tree", &row.tree);
        });
        count += 1;
    }
    (moves.end(), count)
}

fn blind_json(blind: &[(TenantId, u64, BlindEntry)]) -> String {
    let mut rows = JsonRows::default();
    for (chain, height, entry) in blind {
        rows.row(|to| {
            to.hex("chain", chain.as_bytes());
            to.int("height", i64::try_from(*height).unwrap_or(i64::MAX));
            to.hex("index", &entry.index);
            to.hex("subject", entry.subject.as_bytes());
        });
    }
    rows.end()
}

fn texts_json(texts: &[(TenantId, u64, i64, String)]) -> String {
    let mut rows = JsonRows::default();
    for (chain, height, gseq, text) in texts {
        rows.row(|to| {
            to.hex("chain", chain.as_bytes());
            to.int("height", i64::try_from(*height).unwrap_or(i64::MAX));
            to.int("gseq", *gseq);
            to.text("words", &indexed_words(*chain, text));
        });
    }
    rows.end()
}

/// The UTC month of a moment, such as 202611.
pub(crate) fn month_of(at: Timestamp) -> u32 {
    at.format_utc("%Y%m").parse().unwrap_or(197_001)
}

/// When a month begins, in microseconds.
pub(crate) fn month_start(month: u32) -> i64 {
    let text = format!("{:04}-{:02}-01T00:00:00Z", month / 100, month % 100);
    Timestamp::parse_rfc3339(&text).map_or(0, Timestamp::unix_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_at_their_first_microsecond() {
        let start = Timestamp::from_unix_micros(month_start(202_611));
        assert_eq!(month_of(start), 202_611);
        let before = Timestamp::from_unix_micros(start.unix_micros() - 1);
        assert_eq!(month_of(before), 202_610);
    }
}
