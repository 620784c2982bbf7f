//! What an export is made of.

use std::borrow::Cow;

use vv_base::{TenantId, Timestamp};

use crate::catalogue::EventType;
use crate::leaf::{Leaf, LeafError, LeafHeader, leaf_hash};
use crate::view::BodyView;

/// The state of a chain that an event falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointRef {
    /// Leaves in the tree.
    pub size: u64,
    /// Root hash of the tree.
    pub root: [u8; 32],
}

/// A personal field and its text; `None` once its key was destroyed.
pub type OpenedField = (String, Option<String>);

/// Why a stored event cannot be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The bytes are not a leaf.
    #[error("the leaf cannot be read: {0}")]
    Leaf(#[from] LeafError),
    /// The body is not in the one spelling of its format.
    #[error("the body of the leaf is not canonical")]
    Body,
}

/// An event to be exported. It is read from its leaf alone, so that an export
/// never says anything that was not hashed.
#[derive(Debug, Clone, Copy)]
pub struct ExportRecord<'a> {
    pub(super) header: LeafHeader,
    pub(super) body: BodyView<'a>,
    pub(super) leaf: &'a [u8],
    pub(super) leaf_hash: [u8; 32],
    pub(super) personal: Option<&'a [OpenedField]>,
    pub(super) checkpoint: Option<CheckpointRef>,
}

impl<'a> ExportRecord<'a> {
    /// Reads a leaf. The hash is computed here, not taken from a column.
    pub fn read(leaf: &'a [u8]) -> Result<Self, ExportError> {
        let Leaf { header, body } = Leaf::decode(leaf)?;
        Ok(Self {
            header,
            body: BodyView::parse(body).ok_or(ExportError::Body)?,
            leaf,
            leaf_hash: leaf_hash(leaf),
            personal: None,
            checkpoint: None,
        })
    }

    /// Adds personal fields that were opened for whoever gets the export.
    /// Without this the export is a redacted one: the fields stay sealed.
    #[must_use]
    pub const fn opened(mut self, personal: &'a [OpenedField]) -> Self {
        self.personal = Some(personal);
        self
    }

    /// Says under which checkpoint the event falls.
    #[must_use]
    pub const fn under(mut self, checkpoint: Option<CheckpointRef>) -> Self {
        self.checkpoint = checkpoint;
        self
    }

    /// Its place in the chain.
    pub const fn height(&self) -> u64 {
        self.header.height
    }

    /// Its leaf hash.
    pub const fn leaf_hash(&self) -> [u8; 32] {
        self.leaf_hash
    }

    /// `category.action`.
    pub(super) fn kind(&self) -> String {
        let (category, action) = (self.body.category, self.body.action);
        format!("{}.{}", category.decoded(), action.decoded())
    }

    /// The text of an opened field.
    pub(super) fn personal_text(&self, field: &str) -> Option<&'a str> {
        let found = self.personal?.iter().find(|(name, _)| name == field)?;
        found.1.as_deref()
    }

    pub(super) fn occurred(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.body.occurred)
    }
}

/// What was done, for people; the bare name of a type that is not known here.
pub(super) fn phrase<'k>(known: Option<&EventType>, kind: &'k str) -> Cow<'k, str> {
    match known {
        Some(known) => known.phrase(),
        None => Cow::Borrowed(kind),
    }
}

/// Which events of the range are in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection<'a> {
    /// All of them, so that chain and tree can be followed.
    Everything,
    /// Those that a search found; the text says what was asked for.
    Found(&'a str),
}

/// That a chain's state is in the log of all chains.
#[derive(Debug, Clone, Copy)]
pub struct AnchorProof<'a> {
    /// The anchor leaf of the chain, with its size and root.
    pub leaf: &'a [u8],
    /// Place of the leaf in the anchor log, from 0.
    pub index: u64,
    /// Inclusion proof (RFC 9162 §2.1.3), the lowest node first.
    pub inclusion: &'a [[u8; 32]],
    /// The signed checkpoint of the anchor log.
    pub checkpoint: &'a str,
}

/// The first line of an export in JSONL.
#[derive(Debug, Clone, Copy)]
pub struct ExportHeader<'a> {
    /// Whose chain.
    pub chain: TenantId,
    /// Height of the first event of the range.
    pub from: u64,
    /// Height of the last event of the range.
    pub to: u64,
    /// Which events of the range.
    pub selection: Selection<'a>,
    /// When the export was made.
    pub exported_at: Timestamp,
    /// Compact range of the `from - 1` leaves before the range, the largest
    /// subtree first: with it the root at `to` can be computed.
    pub start: &'a [[u8; 32]],
    /// A signed checkpoint of the chain, of size `to` or more.
    pub checkpoint: Option<&'a str>,
    /// That the chain's state is in the log of all chains.
    pub anchor: Option<AnchorProof<'a>>,
    /// Keys that check the signatures, as C2SP verifier keys.
    pub verifier_keys: &'a [String],
}

/// The last line of an export in JSONL.
#[derive(Debug, Clone, Copy)]
pub struct ExportTrailer<'a> {
    /// How many events were written.
    pub count: u64,
    /// Leaf hash of the last one; `None` when there was none.
    pub last_hash: Option<[u8; 32]>,
    /// Root of the tree of `to` leaves; `None` when only some events were wanted.
    pub root: Option<[u8; 32]>,
    /// Consistency proof (RFC 9162 §2.1.4) from that root to the checkpoint's;
    /// empty when they are the same.
    pub consistency: &'a [[u8; 32]],
}
