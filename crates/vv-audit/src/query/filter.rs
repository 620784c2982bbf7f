//! What somebody asks for, and what of it is refused.

use std::fmt::Write as _;

use vv_base::{Timestamp, UserId};

use super::words::Words;
use crate::blind::SEARCHABLE;
use crate::catalogue::Severity;
use crate::event::Outcome;

/// Longest kind, target or personal value, in bytes.
const MAX_VALUE: usize = 512;

/// The order of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// The newest event first.
    #[default]
    Newest,
    /// The oldest event first.
    Oldest,
}

/// Which events are wanted; everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// This kind, as `category.action`, or a whole category as `category.*`.
    pub kind: Option<String>,
    /// This severity.
    pub severity: Option<Severity>,
    /// This severity or a worse one.
    pub min_severity: Option<Severity>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Who acted.
    pub actor: Option<UserId>,
    /// The id of what it was done to.
    pub target: Option<String>,
    /// Not before this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// Words that all occur among the texts of the details; a `*` behind a
    /// word stands for any end. Case and accents do not matter.
    pub q: Option<String>,
    /// A personal field and its exact value; the field is `email`, `ip` or
    /// `phone`.
    pub personal: Option<(String, String)>,
    /// From this height on.
    pub from_height: Option<u64>,
    /// Up to this height and with it.
    pub to_height: Option<u64>,
    /// In which order; not a condition.
    pub order: Order,
}

/// Why a filter cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A value that no event can have.
    #[error("{0} is empty, longer than {MAX_VALUE} bytes or holds control characters")]
    Value(&'static str),
    /// A `*` that does not stand for the actions of a category.
    #[error("a kind is `category.action` or `category.*`")]
    Pattern,
    /// A field that has no index.
    #[error("the fields that can be searched for are email, identifier, ip and phone")]
    Field,
    /// The text to search for has no letters and no digits.
    #[error("the search text holds no word")]
    NoWords,
    /// Too many words.
    #[error("a search has at most {0} words")]
    ManyWords(usize),
    /// Too long a text.
    #[error("a search text has at most {0} characters")]
    LongText(usize),
}

/// A kind as it is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KindPattern {
    Exact(String),
    /// Kinds that begin with this text, which ends in a dot.
    Category(String),
}

impl KindPattern {
    fn parse(text: &str) -> Result<Self, FilterError> {
        check("kind", text)?;
        match text.split_once('*') {
            None => Ok(Self::Exact(text.to_owned())),
            Some((category, "")) if category.len() > 1 && category.ends_with('.') => {
                Ok(Self::Category(category.to_owned()))
            }
            Some(_) => Err(FilterError::Pattern),
        }
    }
}

/// A filter that can be used.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub(super) kind: Option<KindPattern>,
    /// Nothing when any will do.
    pub(super) severities: Option<Vec<Severity>>,
    pub(super) outcome: Option<Outcome>,
    pub(super) actor: Option<UserId>,
    pub(super) target: Option<String>,
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    pub(super) words: Option<Words>,
    pub(super) personal: Option<(String, String)>,
    /// First height and the one after the last.
    pub(super) heights: (i64, i64),
    pub(super) order: Order,
}

impl EventFilter {
    /// Whether it can be used, without looking for anything.
    pub fn check(&self) -> Result<(), FilterError> {
        self.checked().map(drop)
    }

    pub(super) fn checked(&self) -> Result<Checked, FilterError> {
        if let Some(target) = &self.target {
            check("target", target)?;
        }
        if let Some((field, value)) = &self.personal {
            check("personal value", value)?;
            if !SEARCHABLE.contains(&field.as_str()) {
                return Err(FilterError::Field);
            }
        }
        let kind = self.kind.as_deref().map(KindPattern::parse).transpose()?;
        let first = self.from_height.unwrap_or(1).max(1);
        let last = self.to_height.unwrap_or(u64::MAX);
        Ok(Checked {
            kind,
            severities: self.severities(),
            outcome: self.outcome,
            actor: self.actor,
            target: self.target.clone(),
            from: self.from,
            to: self.to,
            words: self.q.as_deref().map(Words::parse).transpose()?,
            personal: self.personal.clone(),
            heights: (
                i64::try_from(first).unwrap_or(i64::MAX),
                i64::try_from(last.saturating_add(1)).unwrap_or(i64::MAX),
            ),
            order: self.order,
        })
    }

    fn severities(&self) -> Option<Vec<Severity>> {
        if self.severity.is_none() && self.min_severity.is_none() {
            return None;
        }
        let fits = |one: &Severity| {
            self.severity.is_none_or(|exact| *one == exact)
                && self.min_severity.is_none_or(|least| *one >= least)
        };
        Some(Severity::ALL.into_iter().filter(fits).collect())
    }

    /// Whether every event of a range of heights is wanted, so that a reader
    /// can follow the chain through the answer.
    pub(super) fn is_contiguous(&self) -> bool {
        let Self {
            kind,
            severity,
            min_severity,
            outcome,
            actor,
            target,
            from: _,
            to: _,
            q,
            personal,
            from_height: _,
            to_height: _,
            order: _,
        } = self;
        kind.is_none()
            && severity.is_none()
            && min_severity.is_none()
            && outcome.is_none()
            && actor.is_none()
            && target.is_none()
            && q.is_none()
            && personal.is_none()
    }

    /// What was asked for, as text. The value of a personal field is left out.
    pub fn describe(&self) -> String {
        let mut out = String::new();
        let mut say = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let space = if out.is_empty() { "" } else { " " };
                // Writing to a string cannot fail.
                let _ = write!(out, "{space}{name}={value}");
            }
        };
        let quoted = |text: &String| format!("{text:?}");
        say("kind", self.kind.as_ref().map(quoted));
        say("severity", self.severity.map(|s| s.as_str().to_owned()));
        say(
            "min_severity",
            self.min_severity.map(|s| s.as_str().to_owned()),
        );
        say("outcome", self.outcome.map(|o| o.as_str().to_owned()));
        say("actor", self.actor.map(|actor| actor.to_string()));
        say("target", self.target.as_ref().map(quoted));
        say("from", self.from.map(|at| at.to_string()));
        say("to", self.to.map(|at| at.to_string()));
        say("q", self.q.as_ref().map(quoted));
        say(
            "personal",
            self.personal.as_ref().map(|(field, _)| field.clone()),
        );
        say(
            "from_height",
            self.from_height.map(|height| height.to_string()),
        );
        say("to_height", self.to_height.map(|height| height.to_string()));
        out
    }
}

fn check(name: &'static str, value: &str) -> Result<(), FilterError> {
    if value.is_empty() || value.len() > MAX_VALUE || value.chars().any(char::is_control) {
        return Err(FilterError::Value(name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_whole_categories_only() {
        let parse = KindPattern::parse;
        assert_eq!(parse("a.b"), Ok(KindPattern::Exact("a.b".to_owned())));
        assert_eq!(parse("a.*"), Ok(KindPattern::Category("a.".to_owned())));
        for text in ["*", ".*", "a*", "a.*b", "a.*.*", "a.b*"] {
            assert_eq!(parse(text), Err(FilterError::Pattern), "{text}");
        }
        for text in ["", "a\0b", "a\nb"] {
            assert_eq!(parse(text), Err(FilterError::Value("kind")), "{text:?}");
        }
    }

    #[test]
    fn both_severities_hold_together() {
        let filter = EventFilter {
            severity: Some(Severity::Warning),
            min_severity: Some(Severity::Error),
            ..EventFilter::default()
        };
        assert_eq!(filter.severities(), Some(Vec::new()));
        let least = EventFilter {
            min_severity: Some(Severity::Error),
            ..EventFilter::default()
        };
        let worse = vec![Severity::Error, Severity::Critical];
        assert_eq!(least.severities(), Some(worse));
    }

    #[test]
    fn the_description_names_no_person() {
        let filter = EventFilter {
            kind: Some("authentication.*".to_owned()),
            personal: Some(("email".to_owned(), "ann@example.com".to_owned())),
            ..EventFilter::default()
        };
        assert_eq!(
            filter.describe(),
            "kind=\"authentication.*\" personal=email"
        );
        assert!(!filter.is_contiguous());
    }
}
