//! Checking an export file (JSONL, docs/audit-format.md) without a database.

use std::io::{self, BufRead, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use vv_base::TenantId;
use vv_crypto::{Checkpoint, VerifierKey, verify_note};

use super::found::{MAX_FINDINGS, Question, Verdict};
use crate::anchor::AnchorLeaf;
use crate::export::{
    CheckpointRef, ExportFormat, ExportRecord, Exporter, JSONL_FORMAT, OpenedField,
};
use crate::leaf::{Leaf, leaf_hash};
use crate::tree::{CompactRange, Hash, verify_consistency, verify_inclusion};

/// The longest line that is read: a leaf of the largest size, its base64 form
/// and what is repeated of it fit in.
const MAX_LINE: u64 = 1 << 20;

/// What is wrong with a line of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineFinding {
    /// Which answer it makes a failure.
    pub verdict: Question,
    /// The line, from 1.
    pub line: u64,
    /// What it is, in one word.
    pub code: &'static str,
}

/// What was found in an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportVerification {
    /// No verdict failed.
    pub verified: bool,
    /// Whose chain, as the first line says.
    pub chain: Option<TenantId>,
    /// Events that were read.
    pub checked: u64,
    /// Leaves have their hashes and links, and lead to the stated root.
    pub integrity: Verdict,
    /// Every event of the stated range is there, between header and trailer.
    /// [`Verdict::NotConfigured`] for the results of a search.
    pub completeness: Verdict,
    /// What stands beside a leaf says what the leaf says. The clear text of
    /// personal fields cannot be compared with anything.
    pub projection: Verdict,
    /// The root is the one of a checkpoint that a given key signed.
    /// [`Verdict::NotConfigured`] without a checkpoint or without keys.
    pub anchor: Verdict,
    /// The first line that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_bad_line: Option<u64>,
    /// The first things that are wrong, at most [`MAX_FINDINGS`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<LineFinding>,
}

/// Follows chain and tree through the lines of an export, holding one line at
/// a time. `keys` are the keys that the reader trusts; those in the file are
/// only a claim.
pub fn verify_export(
    mut reader: impl BufRead,
    keys: &[VerifierKey],
) -> io::Result<ExportVerification> {
    let mut check = Check::new(keys);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader)
            .take(MAX_LINE + 1)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        check.line += 1;
        let Some(text) = line.strip_suffix(b"\n") else {
            // Cut off, or longer than anything we write: the rest is no export.
            check.bad(Question::Completeness, "cut_line");
            break;
        };
        check.read(text);
    }
    Ok(check.finish())
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    Header(Header),
    Event(EventLine),
    Trailer(Trailer),
}

#[derive(Deserialize)]
struct Header {
    format: String,
    chain: TenantId,
    from: u64,
    to: u64,
    selection: Option<String>,
    start: StartLine,
    checkpoint: Option<String>,
    anchor: Option<AnchorLine>,
}

#[derive(Deserialize)]
struct StartLine {
    size: u64,
    hashes: Vec<Hex>,
}

#[derive(Deserialize)]
struct AnchorLine {
    leaf: String,
    index: u64,
    inclusion: Vec<Hex>,
    checkpoint: String,
}

#[derive(Deserialize)]
struct EventLine {
    leaf: String,
    checkpoint: Option<Reference>,
    personal: Option<Vec<Opened>>,
}

#[derive(Deserialize)]
struct Reference {
    size: u64,
    root: Hex,
}

#[derive(Deserialize)]
struct Opened {
    field: String,
    value: Option<String>,
}

#[derive(Deserialize)]
struct Trailer {
    count: u64,
    last_hash: Option<Hex>,
    root: Option<Hex>,
    consistency: Vec<Hex>,
}

/// A hash in lowercase hex.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Hex(Hash);

impl TryFrom<String> for Hex {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut hash = [0; 32];
        hex::decode_to_slice(&text, &mut hash).map_err(|_| "not a hash")?;
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err("not a hash in lowercase");
        }
        Ok(Self(hash))
    }
}

fn hashes(list: &[Hex]) -> Vec<Hash> {
    list.iter().map(|hash| hash.0).collect()
}

/// Where the reading is.
struct Check<'k> {
    keys: &'k [VerifierKey],
    line: u64,
    header: Option<Header>,
    range: Option<CompactRange>,
    last: Option<Hash>,
    height: Option<u64>,
    checkpoint: Option<Checkpoint>,
    anchor: Option<AnchorLeaf>,
    ended: bool,
    out: ExportVerification,
    rendered: Vec<u8>,
}

impl<'k> Check<'k> {
    fn new(keys: &'k [VerifierKey]) -> Self {
        Self {
            keys,
            line: 0,
            header: None,
            range: None,
            last: None,
            height: None,
            checkpoint: None,
            anchor: None,
            ended: false,
            out: ExportVerification {
                verified: false,
                chain: None,
                checked: 0,
                integrity: Verdict::Ok,
                completeness: Verdict::Ok,
                projection: Verdict::Ok,
                anchor: Verdict::NotConfigured,
                first_bad_line: None,
                findings: Vec::new(),
            },
            rendered: Vec::new(),
        }
    }

    fn bad(&mut self, verdict: Question, code: &'static str) {
        let out = &mut self.out;
        match verdict {
            Question::Integrity => out.integrity = Verdict::Failed,
            Question::Completeness => out.completeness = Verdict::Failed,
            Question::Projection => out.projection = Verdict::Failed,
            Question::Anchor | Question::Erasure => out.anchor = Verdict::Failed,
        }
        let line = self.line;
        out.first_bad_line.get_or_insert(line);
        if out.findings.len() < MAX_FINDINGS {
            out.findings.push(LineFinding {
                verdict,
                line,
                code,
            });
        }
    }

    fn read(&mut self, text: &[u8]) {
        if self.ended {
            self.bad(Question::Completeness, "after_trailer");
            return;
        }
        match serde_json::from_slice(text) {
            Ok(Line::Header(header)) if self.line == 1 => self.header(header),
            Ok(Line::Event(event)) if self.header.is_some() => self.event(text, event),
            Ok(Line::Trailer(trailer)) if self.header.is_some() => self.trailer(&trailer),
            _ => self.bad(Question::Completeness, "line"),
        }
    }

    fn header(&mut self, header: Header) {
        self.out.chain = Some(header.chain);
        let starts_right =
            header.from.checked_sub(1) == Some(header.start.size) && header.to >= header.start.size;
        if header.format != JSONL_FORMAT || !starts_right {
            self.bad(Question::Completeness, "header");
            return;
        }
        if header.selection.is_some() {
            self.out.completeness = Verdict::NotConfigured;
        } else {
            let start = hashes(&header.start.hashes);
            self.range = CompactRange::from_parts(header.start.size, start).ok();
            if self.range.is_none() {
                self.bad(Question::Integrity, "start");
            }
        }
        if let Some(note) = &header.checkpoint {
            self.checkpoint = self.signed(note, header.chain);
        }
        if let Some(anchor) = &header.anchor {
            self.anchor = self.anchored(anchor, header.chain);
        }
        self.header = Some(header);
        self.meet_anchor();
    }

    /// The checkpoint of a note, whose signatures are checked if there are keys.
    fn signed(&mut self, note: &str, chain: TenantId) -> Option<Checkpoint> {
        let text = vv_crypto::Note::parse(note).ok();
        let stated = text.and_then(|note| Checkpoint::parse(note.text()).ok());
        let of_chain = stated.filter(|stated| {
            let last = stated.origin.as_str().rsplit_once('/');
            last.is_some_and(|(_, id)| id.parse() == Ok(chain))
        });
        let Some(stated) = of_chain else {
            self.bad(Question::Anchor, "note");
            return None;
        };
        if !self.keys.is_empty() {
            let found = verify_note(note, self.keys);
            if found.is_ok_and(|found| found.signed_by_origin(false)) {
                if self.out.anchor == Verdict::NotConfigured {
                    self.out.anchor = Verdict::Ok;
                }
            } else {
                self.bad(Question::Anchor, "signature");
            }
        }
        Some(stated)
    }

    fn anchored(&mut self, anchor: &AnchorLine, chain: TenantId) -> Option<AnchorLeaf> {
        let log = self.signed(&anchor.checkpoint, crate::audit::ANCHOR_CHAIN)?;
        let bytes = STANDARD.decode(&anchor.leaf).unwrap_or_default();
        let leaf = AnchorLeaf::decode(&bytes).ok();
        let leaf = leaf.filter(|leaf| {
            let path = hashes(&anchor.inclusion);
            let hash = leaf_hash(&bytes);
            let included = verify_inclusion(&hash, anchor.index, log.size, &path, &log.root);
            leaf.chain == chain
                && leaf.position.checked_sub(1) == Some(anchor.index)
                && included.is_ok()
        });
        if leaf.is_none() {
            self.bad(Question::Anchor, "anchor");
        }
        leaf
    }

    /// Compares the anchor leaf with the tree once it has that size.
    fn meet_anchor(&mut self) {
        let (Some(range), Some(anchor)) = (&self.range, self.anchor) else {
            return;
        };
        let of_checkpoint = self
            .checkpoint
            .as_ref()
            .filter(|known| known.size == anchor.size);
        let root = if range.size() == anchor.size {
            range.root()
        } else if let Some(known) = of_checkpoint {
            known.root
        } else {
            return;
        };
        self.anchor = None;
        if root != anchor.root {
            self.bad(Question::Anchor, "anchor_root");
        }
    }

    fn event(&mut self, text: &[u8], event: EventLine) {
        self.out.checked += 1;
        let bytes = STANDARD.decode(&event.leaf).unwrap_or_default();
        let (Ok(record), Ok(leaf)) = (ExportRecord::read(&bytes), Leaf::decode(&bytes)) else {
            self.bad(Question::Integrity, "leaf");
            return;
        };
        if Some(leaf.header.chain) != self.out.chain {
            self.bad(Question::Integrity, "chain");
        }
        self.follow(&leaf, record.leaf_hash());
        let reference = event.checkpoint.map(|known| CheckpointRef {
            size: known.size,
            root: known.root.0,
        });
        let known = self.checkpoint.as_ref().map(|known| CheckpointRef {
            size: known.size,
            root: known.root,
        });
        if reference != known {
            self.bad(Question::Projection, "checkpoint_reference");
        }
        let personal: Option<Vec<OpenedField>> = event
            .personal
            .map(|fields| fields.into_iter().map(|o| (o.field, o.value)).collect());
        let mut record = record.under(reference);
        if let Some(personal) = &personal {
            record = record.opened(personal);
        }
        // The form has one spelling, so an edit anywhere shows.
        self.rendered.clear();
        Exporter::new(ExportFormat::Jsonl, "").line(&mut self.rendered, &record);
        if self.rendered.strip_suffix(b"\n") != Some(text) {
            self.bad(Question::Projection, "line_differs");
        }
    }

    /// The next leaf of the chain, or the next hit of a search.
    fn follow(&mut self, leaf: &Leaf<'_>, hash: Hash) {
        let height = leaf.header.height;
        let is_search = self.header.as_ref().is_some_and(|h| h.selection.is_some());
        let (from, to) = self.header.as_ref().map_or((0, 0), |h| (h.from, h.to));
        if !(from..=to).contains(&height) || self.height == Some(height) {
            self.bad(Question::Completeness, "height");
        }
        if is_search {
            self.height = Some(height);
            self.last = Some(hash);
            return;
        }
        let expected = self.height.map_or(from, |before| before.saturating_add(1));
        if height != expected {
            self.bad(Question::Completeness, "height");
        }
        if self.last.is_some_and(|last| last != leaf.header.prev)
            || (height == 1 && leaf.header.prev != [0; 32])
        {
            self.bad(Question::Integrity, "link");
        }
        self.height = Some(height);
        self.last = Some(hash);
        if self
            .range
            .as_mut()
            .is_some_and(|range| range.push(hash).is_err())
        {
            self.range = None;
        }
        self.meet_anchor();
    }

    fn trailer(&mut self, trailer: &Trailer) {
        self.ended = true;
        if trailer.count != self.out.checked {
            self.bad(Question::Completeness, "count");
        }
        if trailer.last_hash.as_ref().map(|hash| hash.0) != self.last {
            self.bad(Question::Integrity, "last_hash");
        }
        let Some(header) = &self.header else { return };
        let (to, is_search) = (header.to, header.selection.is_some());
        if is_search {
            return;
        }
        let Some(range) = self.range.clone() else {
            return;
        };
        if range.size() != to {
            self.bad(Question::Completeness, "range");
        }
        let root = range.root();
        if trailer.root.as_ref().map(|hash| hash.0) != Some(root) {
            self.bad(Question::Integrity, "root");
        }
        let Some(known) = self.checkpoint.clone() else {
            return;
        };
        let path = hashes(&trailer.consistency);
        let fits = if known.size == range.size() {
            known.root == root && path.is_empty()
        } else {
            verify_consistency(range.size(), known.size, &root, &known.root, &path).is_ok()
        };
        if !fits {
            self.bad(Question::Anchor, "checkpoint_root");
        }
    }

    fn finish(mut self) -> ExportVerification {
        if !self.ended {
            // The line that is missing comes after the last one.
            self.line += 1;
            self.bad(Question::Completeness, "no_trailer");
        } else if self.anchor.is_some() && self.range.is_some() {
            self.bad(Question::Anchor, "anchor_size");
        }
        self.out.verified = self.out.first_bad_line.is_none();
        self.out
    }
}
