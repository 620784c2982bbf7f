//! Markup in every text that comes from people or from a browser.

use vv_console::view::{
    Activity, AuditPage, Badge, ErrorPage, EventRow, Field, LoginPage, OverviewPage, Person,
    SetupPage, Shell, Template, Theme, Tone, UserRow, UsersPage,
};

use super::{audit, check, gate, now, overview, users};

/// What a page must never let through unescaped.
pub(crate) const HOSTILE: &str = "<script>alert(\"x\")</script>'&";

/// A page's name and what rendering it gave.
pub(crate) fn hostile_pages() -> Vec<(&'static str, askama::Result<String>)> {
    vec![
        ("overview", overview().render()),
        ("users", users().render()),
        ("audit", audit().render()),
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

fn audit() -> AuditPage {
    let mut page = audit::page(Theme::System, Some(check(false)), audit::rows());
    page.shell = shell();
    page.rows.push(EventRow {
        height: 1,
        at: now(),
        kind: bad(),
        severity: Badge::severity(HOSTILE),
        outcome: Badge::outcome(HOSTILE),
        actor: bad(),
        target: Some(bad()),
        hash: bad(),
    });
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
