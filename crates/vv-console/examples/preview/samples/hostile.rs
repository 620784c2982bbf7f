//! Markup in every text that comes from people or from a browser.

use vv_console::view::{
    Activity, AuditFilter, AuditPage, Badge, ErrorPage, EventPage, EventRow, ExportPage, Field,
    FindingRow, LoginPage, OverviewPage, Person, PersonalField, Proof, ProofStep, SegmentRow,
    SetupPage, Shell, Side, SinkRow, Template, Theme, Tone, UserRow, UsersPage, VerifyPage,
};

use super::{audit, check, evidence, gate, now, overview, users};

/// What a page must never let through unescaped.
pub(crate) const HOSTILE: &str = "<script>alert(\"x\")</script>'&";

/// A page's name and what rendering it gave.
pub(crate) fn hostile_pages() -> Vec<(&'static str, askama::Result<String>)> {
    vec![
        ("overview", overview().render()),
        ("users", users().render()),
        ("audit", audit().render()),
        ("event", event(Proof::Failed(bad())).render()),
        ("event-proof", event(proof()).render()),
        ("verify", verify().render()),
        ("export", export().render()),
        ("login", login().render()),
        ("setup", setup().render()),
        ("error", error().render()),
    ]
}

fn bad() -> String {
    HOSTILE.to_owned()
}

fn shell() -> Shell {
    Shell {
        tenant: bad(),
        csrf: bad(),
        person: Person {
            name: bad(),
            email: bad(),
        },
        ..super::shell(Theme::System, HOSTILE)
    }
}

fn overview() -> OverviewPage {
    let mut page = overview::page(Theme::System, true, Some(check(true)));
    page.shell = shell();
    page.chain.head_hash = Some(bad());
    page.system.version = bad();
    page.system.storage = bad();
    page.system.shared = bad();
    page.hours.iter_mut().for_each(|hour| hour.label = bad());
    page.recent.push(Activity {
        at: now(),
        who: bad(),
        what: bad(),
        kind: bad(),
        tone: Tone::Bad,
    });
    page
}

fn users() -> UsersPage {
    let mut page = users::page(Theme::System, users::rows(), HOSTILE);
    page.shell = shell();
    page.search_error = Some(bad());
    page.pager.next_cursor = Some(bad());
    page.rows.push(UserRow {
        id: bad(),
        name: bad(),
        email: bad(),
        roles: vec![bad()],
        status: Badge::status(HOSTILE),
        last_sign_in: None,
    });
    page
}

fn filter() -> AuditFilter {
    AuditFilter {
        q: bad(),
        kind: bad(),
        severity: bad(),
        outcome: bad(),
        actor: bad(),
        target: bad(),
        from: bad(),
        to: bad(),
        email: bad(),
        ip: bad(),
    }
}

fn row() -> EventRow {
    EventRow {
        id: bad(),
        height: 1,
        at: now(),
        who: bad(),
        what: bad(),
        kind: bad(),
        severity: Badge::severity(HOSTILE),
        outcome: Badge::outcome(HOSTILE),
        target: Some(bad()),
    }
}

fn audit() -> AuditPage {
    let mut page = audit::page(Theme::System, Some(check(false)), audit::rows());
    page.shell = shell();
    page.form.filter = filter();
    page.form.actor_name = Some(bad());
    page.form.error = Some(bad());
    page.live = Some(bad());
    page.rows.push(row());
    for month in &mut page.strip.segments {
        month.label = bad();
    }
    page
}

fn event(proof: Proof) -> EventPage {
    EventPage {
        shell: shell(),
        event: row(),
        actor: Some(bad()),
        target: Some((bad(), bad())),
        request: Some(bad()),
        session: Some(bad()),
        source: Some(bad()),
        personal: vec![PersonalField {
            name: bad(),
            value: Some(bad()),
        }],
        body: Some(bad()),
        leaf_hash: bad(),
        prev_hash: Some(bad()),
        proof,
        ..audit::event(Theme::System, audit::verified())
    }
}

fn proof() -> Proof {
    Proof::Verified {
        size: 1,
        root: bad(),
        steps: vec![ProofStep {
            side: Side::Left,
            sibling: bad(),
            result: bad(),
        }],
    }
}

fn verify() -> VerifyPage {
    let mut page = evidence::page(Theme::System, Some(check(false)));
    page.shell = shell();
    page.origin = bad();
    page.sinks.push(SinkRow {
        name: bad(),
        kind: bad(),
        newest: None,
        failing: true,
    });
    if let Some(check) = &mut page.chain.verification {
        check.findings.push(FindingRow {
            verdict: bad(),
            height: None,
            code: bad(),
            detail: bad(),
        });
    }
    for SegmentRow { label, .. } in &mut page.segments {
        *label = bad();
    }
    page
}

fn export() -> ExportPage {
    let mut page = audit::export(Theme::System);
    page.shell = shell();
    page.form.filter = filter();
    page.form.error = Some(bad());
    page
}

fn login() -> LoginPage {
    LoginPage {
        csrf: bad(),
        identifier: bad(),
        error: Some(bad()),
        return_to: Some(bad()),
        ..gate::login(Theme::System)
    }
}

fn setup() -> SetupPage {
    SetupPage {
        csrf: bad(),
        token: bad(),
        tenant: Field::refused(HOSTILE, HOSTILE),
        email: Field::refused(HOSTILE, HOSTILE),
        display_name: Field::refused(HOSTILE, HOSTILE),
        password_errors: vec![bad()],
        problem: Some(bad()),
        ..gate::setup(Theme::System)
    }
}

fn error() -> ErrorPage {
    ErrorPage {
        detail: Some(bad()),
        incident: Some(bad()),
        return_to: Some(bad()),
        ..ErrorPage::new(Theme::System, 401)
    }
}
