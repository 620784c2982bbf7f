use std::fmt;

use super::Icon;
use super::text::capitalised;

/// What a colour says. Every use also says it in words or with an icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    Neutral,
    /// Worth knowing.
    Info,
    /// As it should be.
    Good,
    /// Needs a look.
    Warning,
    /// Wrong, refused or broken.
    Bad,
}

impl Tone {
    pub(crate) const fn icon(self) -> Icon {
        match self {
            Self::Neutral | Self::Info => Icon::Info,
            Self::Good => Icon::Check,
            Self::Warning | Self::Bad => Icon::Alert,
        }
    }
}

/// The suffix of the style classes.
impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Neutral => "neutral",
            Self::Info => "info",
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
        })
    }
}

/// A short state with its colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// The word shown.
    pub label: String,
    /// What the colour says.
    pub tone: Tone,
}

impl Badge {
    /// A badge of any wording.
    pub fn new(label: impl Into<String>, tone: Tone) -> Self {
        Self {
            label: label.into(),
            tone,
        }
    }

    /// The severity of an audit event: `info`, `warning`, `error`, `critical`.
    pub fn severity(severity: &str) -> Self {
        let tone = match severity {
            "warning" => Tone::Warning,
            "error" | "critical" => Tone::Bad,
            _ => Tone::Neutral,
        };
        Self::new(capitalised(severity), tone)
    }

    /// The outcome of an audit event: `success`, `failure`, `denied`.
    pub fn outcome(outcome: &str) -> Self {
        let tone = match outcome {
            "success" | "succeeded" => Tone::Good,
            "failure" | "failed" | "error" => Tone::Bad,
            "denied" => Tone::Warning,
            _ => Tone::Neutral,
        };
        Self::new(capitalised(outcome), tone)
    }

    /// The state of an account: `active`, `invited`, `disabled`, `locked`.
    pub fn status(status: &str) -> Self {
        let tone = match status {
            "active" => Tone::Good,
            "invited" | "pending" => Tone::Info,
            "locked" => Tone::Warning,
            _ => Tone::Neutral,
        };
        Self::new(capitalised(status), tone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_have_their_tone_and_unknown_ones_none() {
        assert_eq!(
            Badge::severity("critical"),
            Badge::new("Critical", Tone::Bad)
        );
        assert_eq!(
            Badge::outcome("denied"),
            Badge::new("Denied", Tone::Warning)
        );
        assert_eq!(Badge::status("active"), Badge::new("Active", Tone::Good));
        assert_eq!(Badge::status("éteint"), Badge::new("Éteint", Tone::Neutral));
        assert_eq!(Badge::outcome(""), Badge::new("", Tone::Neutral));
    }
}
