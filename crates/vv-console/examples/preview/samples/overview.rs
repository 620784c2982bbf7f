use vv_base::Span;
use vv_console::chart::HourBucket;
use vv_console::view::{
    Activity, ChainState, OverviewPage, SystemFacts, Template, Theme, Tone, UserCount,
    Verification, href,
};

use super::{Rendered, check, hash, minutes_ago, shell};

pub(super) fn pages(theme: Theme) -> Vec<Rendered> {
    vec![
        (
            "overview".into(),
            page(theme, true, Some(check(true))).render(),
        ),
        ("overview-new".into(), page(theme, false, None).render()),
        (
            "overview-broken".into(),
            page(theme, true, Some(check(false))).render(),
        ),
    ]
}

pub(super) fn page(theme: Theme, busy: bool, check: Option<Verification>) -> OverviewPage {
    OverviewPage {
        shell: shell(theme, href::OVERVIEW),
        users: UserCount {
            active: if busy { 1_284 } else { 1 },
            total: if busy { 1_312 } else { 1 },
        },
        hours: hours(busy),
        chain: chain(if busy { 12_483 } else { 2 }, check),
        recent: if busy { recent() } else { Vec::new() },
        system: SystemFacts {
            version: "0.1.0".into(),
            storage: "SQLite 3.51".into(),
            shared: "In memory".into(),
            uptime: Span::minutes(4_575),
        },
    }
}

pub(super) fn chain(height: u64, verification: Option<Verification>) -> ChainState {
    ChainState {
        height,
        head_hash: Some(hash(height)),
        head_at: Some(minutes_ago(3)),
        verification,
    }
}

/// Succeeded and failed sign-ins per hour, from 15:00 on.
const HOURS: [(u64, u64); 24] = [
    (31, 2),
    (44, 3),
    (40, 1),
    (29, 2),
    (18, 0),
    (11, 1),
    (7, 0),
    (5, 0),
    (3, 14),
    (2, 0),
    (2, 0),
    (4, 0),
    (3, 1),
    (2, 0),
    (6, 0),
    (9, 1),
    (17, 2),
    (38, 3),
    (64, 6),
    (71, 4),
    (58, 3),
    (49, 2),
    (52, 5),
    (47, 2),
];

fn hours(busy: bool) -> Vec<HourBucket> {
    (15_u32..)
        .zip(HOURS)
        .map(|(hour, (succeeded, failed))| HourBucket {
            label: format!("{:02}:00", hour % 24),
            succeeded: if busy { succeeded } else { 0 },
            failed: if busy { failed } else { 0 },
        })
        .collect()
}

/// Minutes ago, who, what, kind, tone.
const RECENT: [(i64, &str, &str, &str, Tone); 8] = [
    (
        3,
        "Ada Lindqvist",
        "signed in",
        "session.created",
        Tone::Good,
    ),
    (
        9,
        "Somebody",
        "could not sign in as j.okafor@northwind.example",
        "session.refused",
        Tone::Bad,
    ),
    (
        26,
        "Jonas Okafor",
        "signed out",
        "session.ended",
        Tone::Neutral,
    ),
    (
        42,
        "Ada Lindqvist",
        "verified the audit chain",
        "audit.verified",
        Tone::Good,
    ),
    (97, "Mei Tanaka", "signed in", "session.created", Tone::Good),
    (
        131,
        "Mei Tanaka",
        "was denied users:list",
        "access.denied",
        Tone::Warning,
    ),
    (
        240,
        "Command line",
        "created Priya Raman",
        "user.created",
        Tone::Info,
    ),
    (
        1_500,
        "Command line",
        "created Northwind Health",
        "tenant.created",
        Tone::Info,
    ),
];

fn recent() -> Vec<Activity> {
    RECENT
        .into_iter()
        .map(|(minutes, who, what, kind, tone)| Activity {
            at: minutes_ago(minutes),
            who: who.into(),
            what: what.into(),
            kind: kind.into(),
            tone,
        })
        .collect()
}
