use vv_base::Span;
use vv_console::chart::SegmentState;
use vv_console::view::{SegmentRow, SinkRow, Template, Theme, Verification, VerifyPage, href};

use super::overview::chain;
use super::{Rendered, audit, check, minutes_ago, now, shell};

pub(super) fn pages(theme: Theme) -> Vec<Rendered> {
    let mut fresh = page(theme, None);
    fresh.sinks.clear();
    fresh.anchored = None;
    fresh.segments.clear();
    fresh.holds = Some(0);
    let mut busy = page(theme, Some(check(true)));
    busy.busy = true;
    busy.may_verify = false;
    busy.holds = None;
    busy.segments_error = Some("A manifest is not signed by a known key.".into());
    let mut forgotten = page(theme, Some(check(true)));
    if let Some(check) = &mut forgotten.chain.verification {
        check.answers = None;
    }
    let mut long = page(theme, Some(check(true)));
    long.chain.height = 4_812_007;
    vec![
        ("verify".into(), page(theme, Some(check(true))).render()),
        (
            "verify-broken".into(),
            page(theme, Some(check(false))).render(),
        ),
        ("verify-new".into(), fresh.render()),
        ("verify-busy".into(), busy.render()),
        ("verify-forgotten".into(), forgotten.render()),
        ("verify-long".into(), long.render()),
    ]
}

pub(super) fn page(theme: Theme, check: Option<Verification>) -> VerifyPage {
    let mut strip = audit::strip();
    strip.checked = check.as_ref().map(|check| (check.checked, check.verified));
    strip.first_bad = check.as_ref().and_then(|check| check.first_bad_height);
    VerifyPage {
        shell: shell(theme, href::AUDIT),
        chain: chain(12_480, check),
        strip,
        just_checked: true,
        busy: false,
        may_verify: true,
        anchored: Some((88_214, minutes_ago(1))),
        sinks: sinks(),
        segments: segments(),
        segments_error: None,
        holds: Some(1),
        origin: "security.northwind.example/audit/019a9f00-6a1c-7d42-9c55-1f0e2b7a8d11".into(),
    }
}

fn sinks() -> Vec<SinkRow> {
    let sink = |name: &str, kind: &str, newest, failing| SinkRow {
        name: name.into(),
        kind: kind.into(),
        newest,
        failing,
    };
    vec![
        sink("worm-share", "file", Some((88_214, minutes_ago(1))), false),
        sink(
            "witness-borealis",
            "witness",
            Some((88_190, minutes_ago(31))),
            true,
        ),
        sink("siem", "webhook", None, false),
    ]
}

fn segments() -> Vec<SegmentRow> {
    let months = audit::strip().segments.into_iter().rev();
    let closed = months.filter(|month| month.state != SegmentState::Open);
    let row = |(n, month): (i64, vv_console::chart::StripSegment)| SegmentRow {
        label: month.label,
        state: month.state,
        from: month.from,
        to: month.to,
        closed_at: now().minus(Span::days(20 + 30 * n)),
    };
    (0..).zip(closed).map(row).collect()
}
