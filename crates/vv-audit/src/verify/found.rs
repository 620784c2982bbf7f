//! What a verification says.

use serde::{Deserialize, Serialize};

/// One answer of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Checked and fine.
    Ok,
    /// Checked and wrong.
    Failed,
    /// What was checked is fine, but a copy outside is older than it may be.
    Stale,
    /// There is nothing to check it against.
    NotConfigured,
}

/// The answers, never folded into one green tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdicts {
    /// Every leaf has its hash and holds the hash of the leaf before, and the
    /// stored tree is the tree over these hashes.
    pub integrity: Verdict,
    /// Heights run without gaps from the first, or from the end of what was
    /// pruned, up to a genuine head.
    pub completeness: Verdict,
    /// Search columns and counts say what the leaves say.
    pub projection: Verdict,
    /// The chain agrees with the log of logs, its signed checkpoints and
    /// copies of them kept outside the database.
    pub anchor: Verdict,
    /// Every sealed field has its subject key, live or recorded as destroyed.
    pub erasure: Verdict,
}

/// Which of the [`Verdicts`] a finding belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// [`Verdicts::integrity`].
    Integrity,
    /// [`Verdicts::completeness`].
    Completeness,
    /// [`Verdicts::projection`].
    Projection,
    /// [`Verdicts::anchor`].
    Anchor,
    /// [`Verdicts::erasure`].
    Erasure,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which answer it makes a failure.
    pub verdict: Question,
    /// The event it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub height: Option<u64>,
    /// What it is, in one word that does not change: docs/audit-format.md lists them.
    pub code: String,
    /// The same for people. Holds nothing personal.
    pub detail: String,
}

/// Findings that are kept; the verdicts count all of them.
pub const MAX_FINDINGS: usize = 20;

/// Verdicts, the first findings and the first bad height.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) verdicts: Verdicts,
    pub(super) first_bad: Option<u64>,
    pub(super) findings: Vec<Finding>,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            verdicts: Verdicts {
                integrity: Verdict::Ok,
                completeness: Verdict::Ok,
                projection: Verdict::Ok,
                anchor: Verdict::NotConfigured,
                erasure: Verdict::Ok,
            },
            first_bad: None,
            findings: Vec::new(),
        }
    }
}

impl Report {
    /// Notes something wrong with an event.
    pub(super) fn at(&mut self, verdict: Question, height: i64, code: &str, detail: &str) {
        let height = u64::try_from(height).unwrap_or(0);
        self.first_bad = Some(self.first_bad.map_or(height, |first| first.min(height)));
        self.note(verdict, Some(height), code, detail);
    }

    /// Notes something wrong that is about no one event.
    pub(super) fn add(&mut self, verdict: Question, code: &str, detail: &str) {
        self.note(verdict, None, code, detail);
    }

    fn note(&mut self, verdict: Question, height: Option<u64>, code: &str, detail: &str) {
        let slot = match verdict {
            Question::Integrity => &mut self.verdicts.integrity,
            Question::Completeness => &mut self.verdicts.completeness,
            Question::Projection => &mut self.verdicts.projection,
            Question::Anchor => &mut self.verdicts.anchor,
            Question::Erasure => &mut self.verdicts.erasure,
        };
        *slot = Verdict::Failed;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding {
                verdict,
                height,
                code: code.to_owned(),
                detail: detail.to_owned(),
            });
        }
    }

    /// Raises the anchor verdict unless it failed already.
    pub(super) fn anchored(&mut self, verdict: Verdict) {
        if self.verdicts.anchor != Verdict::Failed {
            self.verdicts.anchor = verdict;
        }
    }

    /// Whether any verdict failed.
    pub(super) fn failed(&self) -> bool {
        let Verdicts {
            integrity,
            completeness,
            projection,
            anchor,
            erasure,
        } = self.verdicts;
        [integrity, completeness, projection, anchor, erasure].contains(&Verdict::Failed)
    }
}

/// Whether events were lost before they reached a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureVerdict {
    /// Every event that a node counted as emitted is in a chain.
    Ok,
    /// Some are not.
    Lost,
}

/// What the nodes' counters say about events on their way to the chains. An
/// event that never reached a chain breaks none, so this is no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// The answer.
    pub verdict: CaptureVerdict,
    /// Events that were emitted and are in no chain.
    pub lost: u64,
    /// Nodes that wrote events and did not report their counters since.
    pub silent_nodes: Vec<String>,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// No verdict failed.
    pub verified: bool,
    /// How many events were read.
    pub checked: u64,
    /// The height after which the events were read; 0 for all of them.
    pub after: u64,
    /// The single answers.
    pub verdicts: Verdicts,
    /// The first event that is wrong or missing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_bad_height: Option<u64>,
    /// The first things that are wrong, at most [`MAX_FINDINGS`].
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub findings: Vec<Finding>,
    /// For the system chain: whether events were lost on the way.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub capture: Option<Capture>,
}
