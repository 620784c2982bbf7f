//! Pages filled with data that could be real: the usual case, faults, nothing
//! at all, and values chosen to hurt. The tests render the same pages.

mod audit;
mod evidence;
mod gate;
#[cfg(test)]
mod hostile;
mod overview;
mod users;

use vv_base::{Span, Timestamp};
use vv_console::view::{
    Answer, Answers, FindingRow, NavGroup, Pager, Person, Shell, Theme, Verification,
};

#[cfg(test)]
pub(crate) use audit::live_rows;
#[cfg(test)]
pub(crate) use hostile::{HOSTILE, hostile_pages};

/// A page's file name and what rendering it gave.
pub(crate) type Rendered = (String, askama::Result<String>);

/// Every page in every state worth a look.
pub(crate) fn pages(theme: Theme) -> Vec<Rendered> {
    let mut pages = overview::pages(theme);
    pages.extend(users::pages(theme));
    pages.extend(audit::pages(theme));
    pages.extend(evidence::pages(theme));
    pages.extend(gate::pages(theme));
    pages
}

/// The token every form of a sample carries.
const CSRF: &str = "k3Jx0c9bTq2mWl7u";

const fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_795_359_906)
}

fn minutes_ago(minutes: i64) -> Timestamp {
    now().minus(Span::minutes(minutes))
}

fn shell(theme: Theme, here: &str) -> Shell {
    Shell {
        theme,
        csrf: CSRF.into(),
        tenant: "Northwind Health".into(),
        person: Person {
            name: "Ada Lindqvist".into(),
            email: "ada.lindqvist@northwind.example".into(),
        },
        nav: NavGroup::standard(here),
        here: here.into(),
        now: now(),
    }
}

fn pager(path: &'static str, first: bool, more: bool) -> Pager {
    Pager {
        path,
        filters: Vec::new(),
        limit: 25,
        first,
        next_cursor: more.then(|| "AZq0yX8eeJOh3_nDLbJ1xA".into()),
    }
}

/// Looks like a SHA-256 in hex and differs per seed.
fn hash(seed: u64) -> String {
    let word = |n: u64| {
        (seed + n)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(23)
    };
    format!(
        "{:016x}{:016x}{:016x}{:016x}",
        word(1),
        word(2),
        word(3),
        word(4)
    )
}

fn check(verified: bool) -> Verification {
    let finding = |height, code: &str, detail: &str| FindingRow {
        verdict: "Integrity".into(),
        height,
        code: code.into(),
        detail: detail.into(),
    };
    let findings = vec![
        finding(
            Some(9_731),
            "leaf_hash",
            "the stored bytes do not have the stored hash",
        ),
        finding(
            Some(9_732),
            "link",
            "the event does not hold the hash of the one before",
        ),
        finding(
            None,
            "tile",
            "a stored node of the tree is not the recomputed one",
        ),
    ];
    Verification {
        verified,
        checked: 12_480,
        first_bad_height: (!verified).then_some(9_731),
        at: minutes_ago(42),
        answers: Some(Answers {
            integrity: if verified { Answer::Ok } else { Answer::Failed },
            completeness: Answer::Ok,
            projection: Answer::Ok,
            anchor: if verified { Answer::Ok } else { Answer::Stale },
            erasure: Answer::Ok,
        }),
        findings: if verified { Vec::new() } else { findings },
    }
}
