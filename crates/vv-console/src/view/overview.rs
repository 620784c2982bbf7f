use askama::Template;
use vv_base::{Span, Timestamp};

use super::{Badge, Icon, Shell, Theme, Tone, Verification, href, text};
use crate::chart::{self, HourBucket};

/// The state of a tenant at a glance.
#[derive(Debug, Clone, Template)]
#[template(path = "overview.html")]
pub struct OverviewPage {
    /// Navigation and account.
    pub shell: Shell,
    /// How many accounts there are.
    pub users: UserCount,
    /// Sign-ins of the last 24 hours, oldest first.
    pub hours: Vec<HourBucket>,
    /// The audit chain.
    pub chain: ChainState,
    /// The last few audit events, newest first.
    pub recent: Vec<Activity>,
    /// What is running.
    pub system: SystemFacts,
}

impl OverviewPage {
    pub(crate) fn succeeded(&self) -> u64 {
        self.hours
            .iter()
            .fold(0, |sum, hour| sum.saturating_add(hour.succeeded))
    }

    pub(crate) fn failed(&self) -> u64 {
        self.hours
            .iter()
            .fold(0, |sum, hour| sum.saturating_add(hour.failed))
    }

    pub(crate) fn attempts(&self) -> u64 {
        self.succeeded().saturating_add(self.failed())
    }

    /// The hour with the most failures, if there were any.
    pub(crate) fn worst_hour(&self) -> Option<&HourBucket> {
        self.hours
            .iter()
            .filter(|hour| hour.failed > 0)
            .max_by_key(|hour| hour.failed)
    }
}

/// Accounts of the tenant.
#[derive(Debug, Clone, Copy)]
pub struct UserCount {
    /// Those that can sign in.
    pub active: u64,
    /// All of them.
    pub total: u64,
}

/// The audit chain of the tenant.
#[derive(Debug, Clone)]
pub struct ChainState {
    /// Events so far; the height of the newest.
    pub height: u64,
    /// Hash of the newest event in lowercase hex; `None` before the first.
    pub head_hash: Option<String>,
    /// When the newest event happened.
    pub head_at: Option<Timestamp>,
    /// The last check of the whole chain.
    pub verification: Option<Verification>,
}

impl ChainState {
    /// Events that the last check has not seen.
    pub(crate) fn unchecked(&self) -> u64 {
        let seen = self.verification.as_ref().map_or(0, |check| check.checked);
        self.height.saturating_sub(seen)
    }

    /// The last verdict in a word or two.
    pub(crate) fn verdict(&self) -> Badge {
        match &self.verification {
            None => Badge::new("Not checked yet", Tone::Neutral),
            Some(check) if check.verified => Badge::new("Intact", Tone::Good),
            Some(_) => Badge::new("Broken", Tone::Bad),
        }
    }
}

/// One line of the recent activity.
#[derive(Debug, Clone)]
pub struct Activity {
    /// When.
    pub at: Timestamp,
    /// Who, as people know them.
    pub who: String,
    /// What happened, as a sentence without its subject: `signed in`.
    pub what: String,
    /// The event's kind, such as `session.created`.
    pub kind: String,
    /// How it ended.
    pub tone: Tone,
}

/// What is running.
#[derive(Debug, Clone)]
pub struct SystemFacts {
    /// Version of the program.
    pub version: String,
    /// `SQLite` or `PostgreSQL`, with version.
    pub storage: String,
    /// `Memory` or `Redis`, with version.
    pub shared: String,
    /// Time since start.
    pub uptime: Span,
}
