use vv_console::view::{
    ErrorPage, Field, LoginPage, Notice, SetupGone, SetupPage, Template, Theme,
};

use super::{CSRF, Rendered};

pub(super) fn pages(theme: Theme) -> Vec<Rendered> {
    let mut pages = vec![
        ("login".into(), login(theme).render()),
        ("login-refused".into(), login_refused(theme).render()),
        ("setup".into(), setup(theme).render()),
        ("setup-refused".into(), setup_refused(theme).render()),
        ("setup-gone".into(), gone(theme, false).render()),
        ("setup-used".into(), gone(theme, true).render()),
    ];
    for status in [400, 401, 403, 404, 429, 500, 503] {
        pages.push((format!("error-{status}"), error(theme, status).render()));
    }
    pages
}

pub(super) fn login(theme: Theme) -> LoginPage {
    LoginPage {
        theme,
        csrf: CSRF.into(),
        identifier: String::new(),
        error: None,
        return_to: Some("/audit?limit=25".into()),
        notice: Some(Notice::SignedOut),
    }
}

fn login_refused(theme: Theme) -> LoginPage {
    LoginPage {
        identifier: "ada.lindqvist@northwind.example".into(),
        error: Some("The address or the password is not right.".into()),
        notice: None,
        ..login(theme)
    }
}

pub(super) fn setup(theme: Theme) -> SetupPage {
    SetupPage {
        theme,
        csrf: CSRF.into(),
        token: "Jh2k8sYwQm".into(),
        tenant: Field::default(),
        email: Field::default(),
        display_name: Field::default(),
        password_errors: Vec::new(),
        password_min: 12,
        problem: None,
    }
}

fn setup_refused(theme: Theme) -> SetupPage {
    let email = "Enter a whole address, such as ada@company.example.";
    SetupPage {
        tenant: Field::filled("Northwind Health"),
        display_name: Field::filled("Ada Lindqvist"),
        email: Field::refused("ada@northwind", email),
        password_errors: vec![
            "Use at least 12 characters; this one has 8.".into(),
            "This password is among the most used ones.".into(),
        ],
        ..setup(theme)
    }
}

fn gone(theme: Theme, ready: bool) -> SetupGone {
    SetupGone {
        theme,
        csrf: CSRF.into(),
        ready,
    }
}

fn error(theme: Theme, status: u16) -> ErrorPage {
    let incident = "019aac31-7c55-7d0e-9b1f-4a6f3c2e8d10";
    let detail = "Listing people needs the permission users:list.";
    ErrorPage {
        incident: matches!(status, 500 | 503).then(|| incident.into()),
        retry_after: matches!(status, 429 | 503).then_some(45),
        return_to: Some("/users".into()),
        detail: (status == 403).then(|| detail.into()),
        ..ErrorPage::new(theme, status)
    }
}
