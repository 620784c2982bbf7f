use std::collections::BTreeSet;

use super::names;

/// What is looked for. The default looks for everything; credentials cannot be
/// left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct RedactionPolicy {
    secret: BTreeSet<String>,
    personal: BTreeSet<String>,
    pub(super) pan: bool,
    pub(super) emails: bool,
    pub(super) ips: bool,
}

/// What a name says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Ordinary,
    Secret,
    Personal,
}

impl Default for RedactionPolicy {
    fn default() -> Self {
        Self {
            secret: BTreeSet::new(),
            personal: BTreeSet::new(),
            pan: true,
            emails: true,
            ips: true,
        }
    }
}

impl RedactionPolicy {
    /// Adds names whose values are replaced. Case, `_`, `-`, `.`, `:`, `/` and
    /// spaces do not count.
    pub fn secret_keys<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.secret.extend(names.into_iter().map(names::plain));
        self
    }

    /// Adds names whose values are taken out as personal.
    pub fn personal_keys<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.personal.extend(names.into_iter().map(names::plain));
        self
    }

    /// Whether card numbers are masked. Leave it on unless numbers that look
    /// like card numbers are all the business there is.
    pub const fn pan(mut self, on: bool) -> Self {
        self.pan = on;
        self
    }

    /// Whether e-mail addresses in text are masked.
    pub const fn emails(mut self, on: bool) -> Self {
        self.emails = on;
        self
    }

    /// Whether IP addresses in text are masked.
    pub const fn ips(mut self, on: bool) -> Self {
        self.ips = on;
        self
    }

    pub(super) fn meaning(&self, name: &str) -> Meaning {
        let name = names::plain(name);
        let one_of = |list: &[&str]| list.contains(&name.as_str());
        let ends = |list: &[&str]| list.iter().any(|end| name.ends_with(end));
        if one_of(names::SECRET) || ends(names::SECRET_END) || self.secret.contains(&name) {
            Meaning::Secret
        } else if one_of(names::PERSONAL)
            || ends(names::PERSONAL_END)
            || self.personal.contains(&name)
        {
            Meaning::Personal
        } else {
            Meaning::Ordinary
        }
    }
}
