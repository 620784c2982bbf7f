use crate::view::{encode, href};

/// What the list is narrowed to, as the person typed it; empty means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Words of the details.
    pub q: String,
    /// A kind, or a category as `category.*`.
    pub kind: String,
    /// A severity.
    pub severity: String,
    /// How it ended.
    pub outcome: String,
    /// Who acted: an id or an e-mail address.
    pub actor: String,
    /// The id of what it was done to.
    pub target: String,
    /// Not before, UTC.
    pub from: String,
    /// Before, UTC.
    pub to: String,
    /// An e-mail address among the personal fields.
    pub email: String,
    /// An IP address among the personal fields.
    pub ip: String,
}

impl AuditFilter {
    fn fields(&self) -> [(&'static str, &'static str, &String); 10] {
        [
            ("q", "Words", &self.q),
            ("type", "Type", &self.kind),
            ("severity", "Severity", &self.severity),
            ("outcome", "Outcome", &self.outcome),
            ("actor", "Actor", &self.actor),
            ("target", "Target", &self.target),
            ("from", "From", &self.from),
            ("to", "Before", &self.to),
            ("email", "E-mail", &self.email),
            ("ip", "IP address", &self.ip),
        ]
    }

    /// The parameters that are set, for addresses.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let set =
            |(name, _, value): (_, _, &String)| (!value.is_empty()).then(|| (name, value.clone()));
        self.fields().into_iter().filter_map(set).collect()
    }

    /// Whether nothing is narrowed.
    pub fn is_empty(&self) -> bool {
        self.pairs().is_empty()
    }

    /// An address with these parameters.
    pub(crate) fn href(&self, path: &str) -> String {
        with_pairs(path, &self.pairs())
    }
}

fn with_pairs(path: &str, pairs: &[(&'static str, String)]) -> String {
    let mut out = path.to_owned();
    let mut mark = '?';
    for (name, value) in pairs {
        out.push(mark);
        out.push_str(name);
        out.push('=');
        encode(&mut out, value);
        mark = '&';
    }
    out
}

/// A filter that is set, and the way to take it off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// What is narrowed.
    pub label: &'static str,
    /// To what.
    pub value: String,
    /// The list without this filter.
    pub without: String,
}

/// Kinds of one category.
#[derive(Debug, Clone)]
pub struct KindGroup {
    /// The category, such as `authentication`.
    pub category: &'static str,
    /// Its kinds.
    pub kinds: Vec<&'static str>,
}

impl KindGroup {
    /// Stands for the whole category.
    pub(crate) fn all(&self) -> String {
        format!("{}.*", self.category)
    }
}

/// The filters with everything around them.
#[derive(Debug, Clone)]
pub struct FilterForm {
    /// What is set.
    pub filter: AuditFilter,
    /// The kinds on offer.
    pub kinds: Vec<KindGroup>,
    /// The name of the person in `filter.actor`.
    pub actor_name: Option<String>,
    /// Why the filters cannot be used.
    pub error: Option<String>,
    /// Rows per page.
    pub limit: u16,
}

impl FilterForm {
    /// Each filter that is set.
    pub(crate) fn chips(&self) -> Vec<Chip> {
        let pairs = self.filter.pairs();
        let fields = self.filter.fields();
        let set = fields.into_iter().filter(|(_, _, value)| !value.is_empty());
        set.map(|(name, label, value)| {
            let mut others: Vec<_> = pairs
                .iter()
                .filter(|(key, _)| *key != name)
                .cloned()
                .collect();
            others.push(("limit", self.limit.to_string()));
            Chip {
                label,
                value: self.shown(name, value),
                without: with_pairs(href::AUDIT, &others),
            }
        })
        .collect()
    }

    fn shown(&self, name: &str, value: &str) -> String {
        match (name, &self.actor_name) {
            ("actor", Some(person)) => person.clone(),
            ("from" | "to", _) => value.replace('T', " "),
            _ => value.to_owned(),
        }
    }

    /// What a field for a moment can show: browsers complain about other text.
    pub(crate) fn moment(text: &str) -> &str {
        let fits = |(at, byte): (usize, u8)| match at {
            4 | 7 => byte == b'-',
            10 => byte == b'T',
            13 | 16 => byte == b':',
            _ => byte.is_ascii_digit(),
        };
        let fits = [16, 19].contains(&text.len()) && text.bytes().enumerate().all(fits);
        if fits { text } else { "" }
    }

    /// Whether one of the rarer filters is set, so that they must be visible.
    pub(crate) fn shows_more(&self) -> bool {
        let AuditFilter {
            severity,
            outcome,
            actor,
            target,
            email,
            ip,
            ..
        } = &self.filter;
        [severity, outcome, actor, target, email, ip]
            .iter()
            .any(|value| !value.is_empty())
    }

    /// A kind that is set and not in the list of kinds, such as an `app.` one.
    pub(crate) fn own_kind(&self) -> Option<&str> {
        let kind = self.filter.kind.as_str();
        let listed = |group: &KindGroup| group.all() == kind || group.kinds.contains(&kind);
        (!kind.is_empty() && !self.kinds.iter().any(listed)).then_some(kind)
    }
}

/// The severities on offer, the mildest first.
pub(crate) const SEVERITIES: [&str; 4] = ["info", "warning", "error", "critical"];
/// The outcomes on offer.
pub(crate) const OUTCOMES: [&str; 3] = ["success", "failure", "denied"];

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> FilterForm {
        FilterForm {
            filter: AuditFilter {
                q: "a&b".into(),
                kind: "app.order".into(),
                from: "2026-11-01T08:30".into(),
                actor: "019aac30".into(),
                ..AuditFilter::default()
            },
            kinds: vec![KindGroup {
                category: "data",
                kinds: vec!["data.created"],
            }],
            actor_name: Some("Ada".into()),
            error: None,
            limit: 50,
        }
    }

    #[test]
    fn a_chip_takes_off_its_own_filter_only() {
        let chips = form().chips();
        let shown: Vec<_> = chips.iter().map(|chip| chip.value.as_str()).collect();
        assert_eq!(shown, ["a&b", "app.order", "Ada", "2026-11-01 08:30"]);
        assert_eq!(
            chips[0].without,
            "/audit?type=app.order&actor=019aac30&from=2026-11-01T08%3A30&limit=50"
        );
    }

    #[test]
    fn kinds_that_are_not_listed_stay_selected() {
        let mut form = form();
        assert_eq!(form.own_kind(), Some("app.order"));
        for listed in ["", "data.*", "data.created"] {
            form.filter.kind = listed.into();
            assert_eq!(form.own_kind(), None);
        }
    }

    #[test]
    fn fields_for_moments_get_moments_only() {
        for fits in ["2026-11-01T08:30", "2026-11-01T08:30:59"] {
            assert_eq!(FilterForm::moment(fits), fits);
        }
        for text in [
            "",
            "yesterday",
            "2026-11-01",
            "2026-11-01 08:30",
            "éééééééé",
        ] {
            assert_eq!(FilterForm::moment(text), "");
        }
    }

    #[test]
    fn rarer_filters_are_shown_when_one_is_set() {
        let mut form = form();
        assert!(form.shows_more(), "an actor");
        form.filter.actor.clear();
        assert!(!form.shows_more());
    }
}
