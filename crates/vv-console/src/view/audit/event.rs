use askama::Template;
use vv_base::Timestamp;

use super::{EventRow, height_href};
use crate::view::{Icon, Shell, Theme, Tone, href, text};

/// Everything about one event.
#[derive(Debug, Clone, Template)]
#[template(path = "audit_event.html")]
pub struct EventPage {
    /// Navigation and account.
    pub shell: Shell,
    /// What the list says about it.
    pub event: EventRow,
    /// The id of the person who acted.
    pub actor: Option<String>,
    /// The full target: what it is and its id.
    pub target: Option<(String, String)>,
    /// When it happened; `None` when the leaf cannot be read.
    pub occurred: Option<Timestamp>,
    /// The request it belongs to.
    pub request: Option<String>,
    /// The session it belongs to.
    pub session: Option<String>,
    /// The service that wrote it and the process.
    pub source: Option<String>,
    /// The personal fields.
    pub personal: Vec<PersonalField>,
    /// The body, indented; `None` when the leaf cannot be read.
    pub body: Option<String>,
    /// The leaf hash in lowercase hex.
    pub leaf_hash: String,
    /// Hash of the event before; `None` when the leaf cannot be read.
    pub prev_hash: Option<String>,
    /// Height of the newest event.
    pub newest: u64,
    /// Whether the event is in the tree of the chain.
    pub proof: Proof,
}

/// A personal field of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalField {
    /// Its name.
    pub name: String,
    /// In clear; `None` once the person was erased.
    pub value: Option<String>,
}

/// On which side of a step the other hash stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Before ours.
    Left,
    /// After ours.
    Right,
}

impl Side {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

/// One step on the way to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofStep {
    /// Where the other hash stands.
    pub side: Side,
    /// The other hash in lowercase hex.
    pub sibling: String,
    /// The hash of both together.
    pub result: String,
}

/// The way from the event to the root of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The server took every step and came to the root.
    Verified {
        /// Events in the tree.
        size: u64,
        /// The root in lowercase hex.
        root: String,
        /// The steps, from the event on.
        steps: Vec<ProofStep>,
    },
    /// The steps lead elsewhere, or the tree is damaged.
    Failed(String),
    /// There is no proof to be had right now.
    Unavailable(String),
}

impl Proof {
    pub(crate) const fn tone(&self) -> Tone {
        match self {
            Self::Verified { .. } => Tone::Good,
            Self::Failed(_) => Tone::Bad,
            Self::Unavailable(_) => Tone::Warning,
        }
    }
}

impl EventPage {
    pub(crate) fn leaf_href(&self) -> String {
        format!("{}/leaf", self.event.href())
    }

    pub(crate) fn proof_href(&self) -> String {
        format!("{}?height={}", href::INCLUSION_PROOF, self.event.height)
    }

    pub(crate) fn before_href(&self) -> Option<String> {
        (self.event.height > 1).then(|| height_href(self.event.height - 1))
    }

    pub(crate) fn after_href(&self) -> Option<String> {
        (self.event.height < self.newest).then(|| height_href(self.event.height + 1))
    }
}
