use askama::Template;
use vv_base::Timestamp;

use super::height_href;
use crate::chart::{self, ChainStrip, SegmentState};
use crate::view::{Badge, ChainState, Icon, Shell, Theme, Tone, href, text};

/// From this height on a check takes long enough to ask first.
const LONG_CHAIN: u64 = 1_000_000;

/// The chain, what checks it, and what the last check said. The check posts
/// `csrf` and `mode` to [`href::AUDIT_VERIFY`].
#[derive(Debug, Clone, Template)]
#[template(path = "audit_verify.html")]
pub struct VerifyPage {
    /// Navigation and account.
    pub shell: Shell,
    /// The chain and its last check.
    pub chain: ChainState,
    /// The chain as a picture.
    pub strip: ChainStrip,
    /// Whether the check was made just now.
    pub just_checked: bool,
    /// Whether another check of the chain was running.
    pub busy: bool,
    /// Whether the person may check the chain.
    pub may_verify: bool,
    /// Size and time of the newest checkpoint of the log of logs.
    pub anchored: Option<(u64, Timestamp)>,
    /// The places outside that keep checkpoints.
    pub sinks: Vec<SinkRow>,
    /// The closed months, newest first.
    pub segments: Vec<SegmentRow>,
    /// Why the closed months cannot be shown.
    pub segments_error: Option<String>,
    /// Legal holds in force; `None` for those who may not know.
    pub holds: Option<usize>,
    /// The name under which checkpoints of this chain are signed.
    pub origin: String,
}

impl VerifyPage {
    pub(crate) fn ask_before_check(&self) -> bool {
        self.chain.height >= LONG_CHAIN
    }
}

/// What a check answers to one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Checked and fine.
    Ok,
    /// Checked and wrong.
    Failed,
    /// Fine, but a copy outside is older than it may be.
    Stale,
    /// There is nothing to check it against.
    NotConfigured,
}

impl Answer {
    /// Reads the spelling of events and the REST interface.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "ok" => Self::Ok,
            "failed" => Self::Failed,
            "stale" => Self::Stale,
            "not_configured" => Self::NotConfigured,
            _ => return None,
        })
    }
}

/// The answers to the five questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// Every event is as it was written.
    pub integrity: Answer,
    /// No event is missing.
    pub completeness: Answer,
    /// What is searched is what was written.
    pub projection: Answer,
    /// Copies outside agree.
    pub anchor: Answer,
    /// Every sealed field has its key, or a record of its end.
    pub erasure: Answer,
}

/// One answer as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerdictMark {
    /// The question in a word.
    pub name: &'static str,
    /// What was asked, for those who do not know the word.
    pub question: &'static str,
    /// The answer.
    pub answer: Answer,
    /// The answer in a sentence.
    pub sentence: &'static str,
}

impl Answers {
    /// The answers in the order in which they are shown.
    pub fn marks(self) -> [VerdictMark; 5] {
        let mark = |name, question, answer, ok, bad| VerdictMark {
            name,
            question,
            answer,
            sentence: match answer {
                Answer::Ok => ok,
                Answer::Failed => bad,
                Answer::Stale => {
                    "Nothing contradicts, but a copy outside is older than it should be."
                }
                Answer::NotConfigured => {
                    "Nothing outside keeps a copy yet, so there is nothing to compare with."
                }
            },
        };
        [
            mark(
                "Integrity",
                "Is every event as it was written?",
                self.integrity,
                "Every event has its hash and holds the hash of the one before.",
                "An event, a hash or the stored tree was changed.",
            ),
            mark(
                "Completeness",
                "Is any event missing?",
                self.completeness,
                "Heights run without a gap up to a genuine head.",
                "Events are missing, were added, or the head of the chain is not genuine.",
            ),
            mark(
                "Projection",
                "Does the list show what was written?",
                self.projection,
                "What is searched and counted says what the events say.",
                "A column or a count says something else than the event itself.",
            ),
            mark(
                "Anchor",
                "Do copies elsewhere agree?",
                self.anchor,
                "The log of logs and every copy outside agree with this chain.",
                "A signed copy remembers another history of this chain.",
            ),
            mark(
                "Erasure",
                "Is every sealed field accounted for?",
                self.erasure,
                "Each personal field has its key, or a record that the key was destroyed.",
                "Keys of people are missing without a record of their erasure.",
            ),
        ]
    }
}

impl VerdictMark {
    pub(crate) fn badge(&self) -> Badge {
        match self.answer {
            Answer::Ok => Badge::new("OK", Tone::Good),
            Answer::Failed => Badge::new("Failed", Tone::Bad),
            Answer::Stale => Badge::new("Stale", Tone::Warning),
            Answer::NotConfigured => Badge::new("Not configured", Tone::Neutral),
        }
    }

    pub(crate) const fn icon(&self) -> Icon {
        match self.answer {
            Answer::Ok => Icon::Check,
            Answer::Failed => Icon::Cross,
            Answer::Stale => Icon::Clock,
            Answer::NotConfigured => Icon::Dash,
        }
    }

    pub(crate) const fn tone(&self) -> Tone {
        match self.answer {
            Answer::Ok => Tone::Good,
            Answer::Failed => Tone::Bad,
            Answer::Stale => Tone::Warning,
            Answer::NotConfigured => Tone::Neutral,
        }
    }
}

/// What a check of the chain said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Whether nothing is wrong.
    pub verified: bool,
    /// Height up to which was checked.
    pub checked: u64,
    /// The first event that does not fit.
    pub first_bad_height: Option<u64>,
    /// When the check ran.
    pub at: Timestamp,
    /// The single answers, if they are known.
    pub answers: Option<Answers>,
    /// What is wrong, the first few.
    pub findings: Vec<FindingRow>,
}

impl Verification {
    pub(crate) fn marks(&self) -> Vec<VerdictMark> {
        let marks = self.answers.map(Answers::marks);
        marks.map(Vec::from).unwrap_or_default()
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRow {
    /// The verdict it belongs to.
    pub verdict: String,
    /// The event it is about.
    pub height: Option<u64>,
    /// A stable word for it.
    pub code: String,
    /// The same for people.
    pub detail: String,
}

impl FindingRow {
    pub(crate) fn href(&self) -> Option<String> {
        self.height.map(height_href)
    }
}

/// A place outside that keeps checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkRow {
    /// Its name in the settings.
    pub name: String,
    /// `file`, `webhook` or `witness`.
    pub kind: String,
    /// Size of the log of logs that it acknowledged last, and when.
    pub newest: Option<(u64, Timestamp)>,
    /// Whether the last delivery failed.
    pub failing: bool,
}

impl SinkRow {
    pub(crate) fn badge(&self) -> Badge {
        match (self.failing, &self.newest) {
            (true, _) => Badge::new("Failing", Tone::Bad),
            (false, None) => Badge::new("Nothing yet", Tone::Neutral),
            (false, Some(_)) => Badge::new("Acknowledged", Tone::Good),
        }
    }
}

/// A closed month of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRow {
    /// The month, such as `Nov 2026`.
    pub label: String,
    /// How far it has come.
    pub state: SegmentState,
    /// Its first height.
    pub from: u64,
    /// Its last height.
    pub to: u64,
    /// When it was closed.
    pub closed_at: Timestamp,
}

impl SegmentRow {
    pub(crate) const fn events(&self) -> u64 {
        (self.to + 1).saturating_sub(self.from)
    }
}
