use askama::Template;

use super::FilterForm;
use crate::view::{Icon, Shell, Theme, Tone, href, text};

/// Takes events out of the service. The form posts `csrf`, `format`, the
/// filters and `opened` to [`href::AUDIT_EXPORT`].
#[derive(Debug, Clone, Template)]
#[template(path = "audit_export.html")]
pub struct ExportPage {
    /// Navigation and account.
    pub shell: Shell,
    /// What is exported.
    pub form: FilterForm,
    /// The forms on offer.
    pub formats: Vec<FormatChoice>,
    /// Height of the newest event.
    pub height: u64,
    /// How many events the filters find, and whether there are more.
    pub found: Option<(u64, bool)>,
}

impl ExportPage {
    /// Filters that the form does not show; they go along as they are.
    pub(crate) fn carried(&self) -> Vec<(&'static str, String)> {
        let shown = ["type", "from", "to"];
        let mut pairs = self.form.filter.pairs();
        pairs.retain(|(name, _)| !shown.contains(name));
        pairs
    }

    /// The same in words.
    pub(crate) fn narrowed(&self) -> Vec<String> {
        let chips = self.form.chips().into_iter();
        chips
            .filter(|chip| !["Type", "From", "Before"].contains(&chip.label))
            .map(|chip| format!("{}: {}", chip.label, chip.value))
            .collect()
    }
}

/// A form an export may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormatChoice {
    /// The value of the field.
    pub value: &'static str,
    /// Its name.
    pub label: &'static str,
    /// What it is good for.
    pub about: &'static str,
}

impl FormatChoice {
    /// The forms with words about each.
    pub const ALL: [Self; 4] = [
        Self {
            value: "jsonl",
            label: "JSON Lines",
            about: "With every leaf, between a header and a trailer. Can be verified without this service.",
        },
        Self {
            value: "csv",
            label: "CSV",
            about: "One row per event, for spreadsheets.",
        },
        Self {
            value: "cef",
            label: "CEF",
            about: "Common Event Format, for SIEM systems.",
        },
        Self {
            value: "ocsf",
            label: "OCSF",
            about: "Open Cybersecurity Schema Framework 1.9, for data lakes. Carries every leaf.",
        },
    ];
}
