use vv_base::Span;
use vv_console::chart::{ChainStrip, SegmentState, StripSegment};
use vv_console::view::{
    AuditFilter, AuditPage, Badge, EventPage, EventRow, ExportPage, FilterForm, FormatChoice,
    KindGroup, PersonalField, Proof, ProofStep, Side, Template, Theme, Verification, href,
};

use super::overview::chain;
use super::{Rendered, check, hash, now, pager, shell};

pub(super) fn pages(theme: Theme) -> Vec<Rendered> {
    let mut filtered = page(theme, Some(check(true)), rows());
    filtered.form.filter = filter();
    filtered.form.actor_name = Some("Ada Lindqvist".into());
    let mut none = filtered.clone();
    none.rows.clear();
    none.pager = pager(href::AUDIT, true, false);
    let mut stopped = none.clone();
    stopped.pager = pager(href::AUDIT, false, true);
    let mut refused = none.clone();
    refused.form.filter.from = "yesterday".into();
    refused.form.error = Some("The time in From is not a time such as 2026-11-22T14:05.".into());
    let mut reader = page(theme, None, rows());
    reader.may_verify = false;
    reader.may_export = false;
    let mut export = export(theme);
    export.form.filter = filter();
    vec![
        (
            "audit".into(),
            page(theme, Some(check(true)), rows()).render(),
        ),
        ("audit-filtered".into(), filtered.render()),
        ("audit-none".into(), none.render()),
        ("audit-stopped".into(), stopped.render()),
        ("audit-refused".into(), refused.render()),
        ("audit-reader".into(), reader.render()),
        (
            "audit-broken".into(),
            page(theme, Some(check(false)), rows()).render(),
        ),
        ("audit-empty".into(), page(theme, None, Vec::new()).render()),
        ("event".into(), event(theme, verified()).render()),
        ("event-failed".into(), {
            let mut page = event(
                theme,
                Proof::Failed("The steps do not lead to the root.".into()),
            );
            page.body = None;
            page.prev_hash = None;
            page.occurred = None;
            page.render()
        }),
        ("event-first".into(), {
            let why = "The tree is being built. Try again in a moment.";
            let mut page = event(theme, Proof::Unavailable(why.into()));
            page.event.height = 1;
            page.prev_hash = Some("0".repeat(64));
            page.personal.clear();
            page.target = None;
            page.render()
        }),
        ("export".into(), self::export(theme).render()),
        ("export-filtered".into(), export.render()),
    ]
}

pub(super) fn page(theme: Theme, check: Option<Verification>, rows: Vec<EventRow>) -> AuditPage {
    let first_bad = check.as_ref().and_then(|check| check.first_bad_height);
    let mut strip = strip();
    strip.checked = check.as_ref().map(|check| (check.checked, check.verified));
    strip.first_bad = first_bad;
    AuditPage {
        shell: shell(theme, href::AUDIT),
        chain: chain(12_480, check),
        strip,
        form: form(),
        pager: pager(href::AUDIT, true, !rows.is_empty()),
        rows,
        may_verify: true,
        may_export: true,
        live: Some("/audit/tail?after=12480".into()),
    }
}

pub(super) fn form() -> FilterForm {
    FilterForm {
        filter: AuditFilter::default(),
        kinds: vec![
            KindGroup {
                category: "authentication",
                kinds: vec![
                    "authentication.login_succeeded",
                    "authentication.login_failed",
                ],
            },
            KindGroup {
                category: "data",
                kinds: vec!["data.user_created", "data.users_listed"],
            },
        ],
        actor_name: None,
        error: None,
        limit: 25,
    }
}

fn filter() -> AuditFilter {
    AuditFilter {
        q: "invoice inv*".into(),
        kind: "authentication.*".into(),
        severity: "warning".into(),
        actor: "019aac30-5f2e-7b41-8a52-6d1f7e0c9b3a".into(),
        from: "2026-11-01T00:00".into(),
        ..AuditFilter::default()
    }
}

/// Eight months: the oldest pruned, the newest open.
pub(super) fn strip() -> ChainStrip {
    const MONTHS: [(&str, SegmentState, u64); 8] = [
        ("Apr 2026", SegmentState::Pruned, 900),
        ("May 2026", SegmentState::Pruned, 1_400),
        ("Jun 2026", SegmentState::Archived, 1_210),
        ("Jul 2026", SegmentState::Archived, 1_630),
        ("Aug 2026", SegmentState::Archived, 1_940),
        ("Sep 2026", SegmentState::Closed, 1_800),
        ("Oct 2026", SegmentState::Closed, 2_100),
        ("Nov 2026", SegmentState::Open, 1_500),
    ];
    let mut from = 1;
    let segments = MONTHS.map(|(label, state, events)| {
        let segment = StripSegment {
            label: label.into(),
            state,
            from,
            to: from + events - 1,
        };
        from += events;
        segment
    });
    ChainStrip {
        segments: segments.into(),
        anchors: (1..12).map(|n| n * 1_040).chain([12_444, 12_479]).collect(),
        checked: None,
        first_bad: None,
    }
}

pub(super) fn event(theme: Theme, proof: Proof) -> EventPage {
    let body = r#"{
  "act": "login_succeeded",
  "actor": {
    "ref": "019aac30-5f2e-7b41-8a52-6d1f7e0c9b3a",
    "type": "user"
  },
  "cat": "authentication",
  "d": {
    "factors": ["password"]
  },
  "eid": "019aac31-02aa-7c10-9d0e-11b2f8a7c9d2",
  "occ": 1795359735000000,
  "out": "success",
  "sev": "info",
  "v": 1
}"#;
    EventPage {
        shell: shell(theme, href::AUDIT),
        event: rows().swap_remove(0),
        actor: Some("019aac30-5f2e-7b41-8a52-6d1f7e0c9b3a".into()),
        target: Some((
            "session".into(),
            "019aac31-0291-7d3a-b1a4-77c0a1d9e6f5".into(),
        )),
        occurred: Some(now().minus(Span::seconds(172))),
        request: Some("019aac31-0290-7aaf-8d21-5b6e1c0f9a77".into()),
        session: Some("019aac31-0291-7d3a-b1a4-77c0a1d9e6f5".into()),
        source: Some("valueverse on node-1".into()),
        personal: vec![
            PersonalField {
                name: "ip".into(),
                value: Some("203.0.113.7".into()),
            },
            PersonalField {
                name: "user_agent".into(),
                value: None,
            },
        ],
        body: Some(body.into()),
        leaf_hash: hash(0),
        prev_hash: Some(hash(1)),
        newest: 12_480,
        proof,
    }
}

pub(super) fn verified() -> Proof {
    let steps = (0..13).map(|n| ProofStep {
        side: if n % 3 == 0 { Side::Right } else { Side::Left },
        sibling: hash(100 + n),
        result: hash(200 + n),
    });
    Proof::Verified {
        size: 12_480,
        root: hash(212),
        steps: steps.collect(),
    }
}

pub(super) fn export(theme: Theme) -> ExportPage {
    ExportPage {
        shell: shell(theme, href::AUDIT),
        form: form(),
        formats: FormatChoice::ALL.into(),
        height: 12_480,
        found: Some((10_000, true)),
    }
}

/// The rows as the live list gets them.
#[cfg(test)]
pub(crate) fn live_rows() -> askama::Result<String> {
    vv_console::view::EventRows { rows: rows() }.render()
}

/// Kind, severity, outcome, who, what, target.
type Sample = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
);

const ROWS: [Sample; 12] = [
    (
        "authentication.login_succeeded",
        "info",
        "success",
        "Ada Lindqvist",
        "signed in",
        Some("session 019aac31…"),
    ),
    (
        "authentication.login_failed",
        "warning",
        "failure",
        "Somebody",
        "failed to sign in",
        None,
    ),
    (
        "session.ended",
        "info",
        "success",
        "Jonas Okafor",
        "signed out",
        Some("session 019aac2e…"),
    ),
    (
        "security.chain_verified",
        "info",
        "success",
        "Ada Lindqvist",
        "found the audit chain intact",
        Some("audit_chain 019a9f00…"),
    ),
    (
        "authentication.login_succeeded",
        "info",
        "success",
        "Mei Tanaka",
        "signed in",
        Some("session 019aac2b…"),
    ),
    (
        "authorization.permission_denied",
        "warning",
        "denied",
        "Mei Tanaka",
        "was refused for lack of a permission",
        None,
    ),
    (
        "account.locked",
        "warning",
        "success",
        "The system",
        "locked an account",
        Some("user 019aa8f1…"),
    ),
    (
        "app.invoice_approved",
        "info",
        "success",
        "Nils Bergström",
        "invoice approved",
        Some("invoice INV-2026-0815"),
    ),
    (
        "session.reuse_detected",
        "critical",
        "denied",
        "Somebody",
        "used a session token for the second time",
        Some("session 019aac11…"),
    ),
    (
        "data.user_created",
        "info",
        "success",
        "The operator",
        "created an account",
        Some("user 019aa8f7…"),
    ),
    (
        "authorization.role_granted",
        "warning",
        "success",
        "Ada Lindqvist",
        "granted a role",
        Some("user 019aa8f7…"),
    ),
    (
        "data.tenant_created",
        "info",
        "success",
        "The operator",
        "created an organisation",
        Some("tenant 019a9f00…"),
    ),
];

pub(super) fn rows() -> Vec<EventRow> {
    (0_u32..)
        .zip(ROWS)
        .map(
            |(n, (kind, severity, outcome, who, what, target))| EventRow {
                id: format!("019aac31-02aa-7c10-9d0e-11b2f8a7c9{n:02x}"),
                height: 12_480 - u64::from(n),
                at: now().minus(Span::seconds(171 + i64::from(n * n) * 211)),
                who: who.into(),
                what: what.into(),
                kind: kind.into(),
                severity: Badge::severity(severity),
                outcome: Badge::outcome(outcome),
                target: target.map(Into::into),
            },
        )
        .collect()
}
