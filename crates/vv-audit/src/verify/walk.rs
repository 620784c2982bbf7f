//! The walk along a chain: no I/O, so that it is as fast as the hashes are.

use std::collections::{HashMap, HashSet, VecDeque};

use vv_base::{SubjectId, TenantId};

use super::anchored::Anchored;
use super::capture::Beats;
use super::columns;
use super::found::{Question, Report};
use super::frame::Stored;
use crate::audit::SYSTEM_CHAIN;
use crate::leaf::{Leaf, leaf_hash};
use crate::tree::{CompactRange, Hash, NodeId};
use crate::view::BodyView;

/// Missing heights that are filled with leaves of zeros, as a chain that was
/// taken up again has them. Behind a larger gap there is no tree to compare.
const MAX_FILLED: i64 = 1 << 20;
/// Subjects whose keys were looked up and are not looked up again.
const MAX_SEEN: usize = 100_000;

/// A node of the tree that stands in a stored tile.
#[derive(Debug, Clone, Copy)]
pub(super) struct Completed {
    pub(super) node: NodeId,
    pub(super) hash: Hash,
}

/// Where the walk is and what it has seen.
pub(super) struct Walk {
    pub(super) chain: TenantId,
    /// The walk began after this height.
    pub(super) after: i64,
    pub(super) height: i64,
    pub(super) prev: Hash,
    pub(super) last_ts: i64,
    pub(super) last_gseq: i64,
    /// Gone once the tree cannot be followed any more.
    pub(super) range: Option<CompactRange>,
    /// Events by kind.
    pub(super) counts: HashMap<String, i64>,
    pub(super) checked: u64,
    pub(super) report: Report,
    pub(super) beats: Beats,
    /// Anchors that lie ahead, the nearest first.
    pub(super) anchors: VecDeque<Anchored>,
    /// Nodes since the caller last took them.
    pub(super) completed: Vec<Completed>,
    /// Subjects since the caller last took them.
    pub(super) subjects: Vec<SubjectId>,
    seen: HashSet<SubjectId>,
}

impl Walk {
    /// At the beginning of a chain.
    pub(super) fn new(chain: TenantId) -> Self {
        Self {
            chain,
            after: 0,
            height: 0,
            prev: [0; 32],
            last_ts: 0,
            last_gseq: i64::MIN,
            range: Some(CompactRange::new()),
            counts: HashMap::new(),
            checked: 0,
            report: Report::default(),
            beats: Beats::default(),
            anchors: VecDeque::new(),
            completed: Vec::new(),
            subjects: Vec::new(),
            seen: HashSet::new(),
        }
    }

    /// Checks the next event.
    pub(super) fn step(&mut self, row: &Stored<'_>) {
        self.checked += 1;
        if row.height <= self.height {
            let detail = "two events stand at one height";
            self.report.at(
                Question::Completeness,
                row.height,
                "duplicate_height",
                detail,
            );
            return;
        }
        if row.height != self.height + 1 {
            self.skip_to(row.height);
        }
        self.height = row.height;
        if row.gseq <= self.last_gseq {
            let detail = "the global sequence does not grow with the height";
            self.bad(Question::Projection, "column:gseq", detail);
        }
        self.last_gseq = row.gseq;
        let hash = leaf_hash(row.leaf);
        if hash.as_slice() == row.leaf_hash {
            self.check_leaf(row);
        } else {
            let detail = "the leaf does not have the stored hash";
            self.bad(Question::Integrity, "leaf_hash", detail);
        }
        self.prev = hash;
        self.grow(hash);
        while self
            .anchors
            .front()
            .is_some_and(|next| next.size <= self.height)
        {
            self.meet_anchor();
        }
    }

    fn bad(&mut self, verdict: Question, code: &str, detail: &str) {
        self.report.at(verdict, self.height, code, detail);
    }

    fn skip_to(&mut self, height: i64) {
        let missing = height - self.height - 1;
        let detail = format!("{missing} events are missing");
        let first = self.height + 1;
        self.report
            .at(Question::Completeness, first, "height_gap", &detail);
        if missing > MAX_FILLED {
            self.range = None;
        }
        for _ in 0..missing.min(MAX_FILLED) {
            self.grow([0; 32]);
        }
    }

    fn grow(&mut self, leaf: Hash) {
        let Some(range) = &mut self.range else {
            return;
        };
        let completed = &mut self.completed;
        let grown = range.push_with(leaf, |node, hash| {
            if node.level % 8 == 0 {
                completed.push(Completed { node, hash: *hash });
            }
        });
        if grown.is_err() {
            self.range = None;
        }
    }

    fn check_leaf(&mut self, row: &Stored<'_>) {
        let Ok(leaf) = Leaf::decode(row.leaf) else {
            self.bad(Question::Integrity, "leaf", "the bytes are not a leaf");
            return;
        };
        let header = &leaf.header;
        let seq_ts = header.seq_ts.unix_micros();
        if header.chain != self.chain || i64::try_from(header.height) != Ok(row.height) {
            let detail = "the leaf belongs to another place";
            self.bad(Question::Integrity, "place", detail);
        }
        if header.prev != self.prev {
            let detail = "the leaf does not hold the hash of the leaf before";
            self.bad(Question::Integrity, "link", detail);
        }
        if seq_ts < self.last_ts {
            self.bad(Question::Integrity, "time", "the time goes backwards");
        }
        self.last_ts = seq_ts;
        let Some(body) = BodyView::parse(leaf.body) else {
            self.bad(Question::Integrity, "body", "the body is not canonical");
            return;
        };
        let wrong = if seq_ts == row.seq_ts {
            columns::first_wrong(row, &body)
        } else {
            Some("column:seq_ts")
        };
        if let Some(code) = wrong {
            self.bad(
                Question::Projection,
                code,
                "the column differs from the leaf",
            );
        }
        self.count(row, &body, wrong.is_none());
        self.note_subjects(&body);
        if self.chain == SYSTEM_CHAIN {
            self.beats.note(&body, seq_ts);
        }
    }

    fn count(&mut self, row: &Stored<'_>, body: &BodyView<'_>, column_is_right: bool) {
        if column_is_right
            && let Ok(kind) = std::str::from_utf8(row.kind)
            && let Some(count) = self.counts.get_mut(kind)
        {
            *count += 1;
            return;
        }
        let kind = format!("{}.{}", body.category.decoded(), body.action.decoded());
        *self.counts.entry(kind).or_default() += 1;
    }

    fn note_subjects(&mut self, body: &BodyView<'_>) {
        for text in body.subjects() {
            let Ok(subject) = text.raw().parse::<SubjectId>() else {
                let detail = "a sealed field names no subject";
                self.report
                    .at(Question::Erasure, self.height, "subject", detail);
                continue;
            };
            if self.seen.len() >= MAX_SEEN {
                self.seen.clear();
            }
            if self.seen.insert(subject) {
                self.subjects.push(subject);
            }
        }
    }

    /// Compares the nearest anchor with the tree, which has reached its size.
    pub(super) fn meet_anchor(&mut self) {
        let Some(anchor) = self.anchors.pop_front() else {
            return;
        };
        let root = self.range.as_ref().map(CompactRange::root);
        let here = anchor.size == self.height;
        if !(here && root == Some(anchor.root) && anchor.last == self.prev) {
            let detail = "the log of logs knows another root at this size";
            self.report
                .at(Question::Anchor, anchor.size, "anchor_root", detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use vv_base::{Id, Timestamp};

    use super::super::found::Verdict;
    use super::*;
    use crate::leaf::LeafHeader;

    const CHAIN: TenantId = TenantId::from_bytes([5; 16]);

    struct Row {
        gseq: i64,
        height: i64,
        id: Id<()>,
        leaf: Vec<u8>,
        hash: Hash,
    }

    impl Row {
        fn stored(&self) -> Stored<'_> {
            Stored {
                gseq: self.gseq,
                height: self.height,
                seq_ts: 7,
                kind: b"user.viewed",
                severity: b"info",
                outcome: b"success",
                actor_kind: b"system",
                target_kind: None,
                target_ref: None,
                event_id: self.id.as_bytes(),
                actor_ref: None,
                request_id: self.id.as_bytes(),
                leaf_hash: &self.hash,
                leaf: &self.leaf,
            }
        }
    }

    fn rows(count: u8) -> Vec<Row> {
        let mut prev = [0; 32];
        (1..=count)
            .map(|n| {
                let id = Id::<()>::from_bytes([n; 16]);
                let body = format!(
                    r#"{{"act":"viewed","actor":{{"ref":null,"type":"system"}},"cat":"user","d":{{}},"eid":"{id}","occ":7,"out":"success","pii":[],"req":"{id}","res":null,"sess":null,"sev":"info","src":{{"node":"n","service":"s"}},"subj":[],"v":1}}"#
                );
                let header = LeafHeader {
                    height: n.into(),
                    seq_ts: Timestamp::from_unix_micros(7),
                    chain: CHAIN,
                    prev,
                };
                let leaf = header.encode(&body).expect("small");
                let hash = leaf_hash(&leaf);
                prev = hash;
                Row {
                    gseq: n.into(),
                    height: n.into(),
                    id,
                    leaf,
                    hash,
                }
            })
            .collect()
    }

    fn walk(rows: &[Row]) -> Walk {
        let mut walk = Walk::new(CHAIN);
        for row in rows {
            walk.step(&row.stored());
        }
        walk
    }

    #[test]
    fn a_sound_chain_has_no_findings() {
        let rows = rows(5);
        let walk = walk(&rows);
        assert_eq!(walk.report, Report::default());
        assert_eq!(walk.counts.get("user.viewed"), Some(&5));
        let root = walk.range.map(|range| range.root());
        let hashes: Vec<_> = rows.iter().map(|row| row.hash).collect();
        assert_eq!(root, Some(crate::tree::root_of(&hashes)));
    }

    /// Every single bit of a leaf, of its hash, and of a leaf with a hash that
    /// was made to fit.
    #[test]
    fn every_bit_counts() {
        let sound = rows(3);
        let bits = sound[1].leaf.len() * 8;
        for bit in 0..bits {
            let mut rows = rows(3);
            rows[1].leaf[bit / 8] ^= 1 << (bit % 8);
            let edited = walk(&rows);
            assert_eq!(edited.report.verdicts.integrity, Verdict::Failed, "{bit}");
            assert_eq!(edited.report.first_bad, Some(2), "{bit}");
            rows[1].hash = leaf_hash(&rows[1].leaf);
            let fitted = walk(&rows);
            assert!(fitted.report.failed(), "{bit}");
            assert!(matches!(fitted.report.first_bad, Some(2 | 3)), "{bit}");
        }
        for bit in 0..256 {
            let mut rows = rows(3);
            rows[1].hash[bit / 8] ^= 1 << (bit % 8);
            let edited = walk(&rows);
            assert_eq!(edited.report.verdicts.integrity, Verdict::Failed, "{bit}");
            assert_eq!(edited.report.first_bad, Some(2), "{bit}");
        }
    }

    #[test]
    fn gaps_and_doubles_are_named_once_and_a_huge_gap_ends_the_tree() {
        let mut gap = rows(5);
        gap.remove(2);
        let found = walk(&gap);
        assert_eq!(found.report.first_bad, Some(3));
        assert_eq!(found.report.findings[0].code, "height_gap");
        assert_eq!(found.range.expect("filled").size(), 5);
        let mut double = rows(3);
        double.insert(1, rows(3).remove(0));
        let found = walk(&double);
        assert_eq!(found.report.findings[0].code, "duplicate_height");
        assert_eq!(found.report.findings.len(), 1);
        let mut far = rows(2);
        far[1].height = i64::MAX;
        let found = walk(&far);
        assert_eq!(found.report.first_bad, Some(2));
        assert!(found.range.is_none());
    }
}
