use vv_base::Span;
use vv_console::view::{AuditPage, Badge, EventRow, Template, Theme, Verification, href};

use super::overview::chain;
use super::{Rendered, check, hash, now, pager, shell};

pub(super) fn pages(theme: Theme) -> Vec<Rendered> {
    let mut long = page(theme, None, rows());
    long.chain.height = 4_812_007;
    vec![
        ("audit".into(), page(theme, None, rows()).render()),
        (
            "audit-intact".into(),
            page(theme, Some(check(true)), rows()).render(),
        ),
        (
            "audit-broken".into(),
            page(theme, Some(check(false)), rows()).render(),
        ),
        ("audit-empty".into(), page(theme, None, Vec::new()).render()),
        ("audit-long".into(), long.render()),
    ]
}

pub(super) fn page(theme: Theme, check: Option<Verification>, rows: Vec<EventRow>) -> AuditPage {
    AuditPage {
        shell: shell(theme, href::AUDIT),
        chain: chain(12_480, check.clone()),
        verification: check,
        pager: pager(href::AUDIT, !rows.is_empty(), !rows.is_empty()),
        rows,
    }
}

/// Kind, severity, outcome, actor, target.
type Sample = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
);

const ROWS: [Sample; 12] = [
    (
        "session.created",
        "info",
        "success",
        "Ada Lindqvist",
        Some("Ada Lindqvist"),
    ),
    (
        "session.refused",
        "warning",
        "failure",
        "Anonymous",
        Some("Jonas Okafor"),
    ),
    ("session.ended", "info", "success", "Jonas Okafor", None),
    (
        "audit.verified",
        "info",
        "success",
        "Ada Lindqvist",
        Some("Chain"),
    ),
    (
        "session.created",
        "info",
        "success",
        "Mei Tanaka",
        Some("Mei Tanaka"),
    ),
    (
        "access.denied",
        "warning",
        "denied",
        "Mei Tanaka",
        Some("users:list"),
    ),
    (
        "user.locked",
        "error",
        "success",
        "System",
        Some("Jonas Okafor"),
    ),
    (
        "session.refused",
        "warning",
        "failure",
        "Anonymous",
        Some("Jonas Okafor"),
    ),
    (
        "session.reuse_detected",
        "critical",
        "denied",
        "Anonymous",
        Some("019aac30-5f2e-7b41"),
    ),
    (
        "user.created",
        "info",
        "success",
        "Command line",
        Some("Priya Raman"),
    ),
    (
        "user.role_granted",
        "info",
        "success",
        "Ada Lindqvist",
        Some("Nils Bergström"),
    ),
    (
        "tenant.created",
        "info",
        "success",
        "Command line",
        Some("Northwind Health"),
    ),
];

pub(super) fn rows() -> Vec<EventRow> {
    (0_u32..)
        .zip(ROWS)
        .map(|(n, (kind, severity, outcome, actor, target))| EventRow {
            height: 12_480 - u64::from(n),
            at: now().minus(Span::seconds(171 + i64::from(n * n) * 211)),
            kind: kind.into(),
            severity: Badge::severity(severity),
            outcome: Badge::outcome(outcome),
            actor: actor.into(),
            target: target.map(Into::into),
            hash: hash(u64::from(n)),
        })
        .collect()
}
