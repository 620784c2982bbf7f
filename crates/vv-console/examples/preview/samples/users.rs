use vv_console::view::{Badge, Pager, Template, Theme, UserRow, UsersPage, href};

use super::{Rendered, minutes_ago, pager, shell};

pub(super) fn pages(theme: Theme) -> Vec<Rendered> {
    let nobody = "nobody@northwind.example";
    let beyond = UsersPage {
        total: None,
        pager: pager(href::USERS, false, false),
        ..page(theme, Vec::new(), "")
    };
    let refused = UsersPage {
        search_error: Some("Enter a whole e-mail address.".into()),
        ..page(theme, Vec::new(), "okafor")
    };
    vec![
        ("users".into(), page(theme, rows(), "").render()),
        (
            "users-nobody".into(),
            page(theme, Vec::new(), nobody).render(),
        ),
        ("users-beyond".into(), beyond.render()),
        ("users-refused".into(), refused.render()),
    ]
}

pub(super) fn page(theme: Theme, rows: Vec<UserRow>, search: &str) -> UsersPage {
    let filters = match search {
        "" => Vec::new(),
        email => vec![("email", email.to_owned())],
    };
    UsersPage {
        shell: shell(theme, href::USERS),
        rows,
        total: Some(1_312),
        search: search.into(),
        search_error: None,
        pager: Pager {
            filters,
            ..pager(href::USERS, true, search.is_empty())
        },
    }
}

/// Name, address before the domain, roles, status, minutes since the last sign-in.
type Sample = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
    Option<i64>,
);

const ROWS: [Sample; 9] = [
    (
        "Ada Lindqvist",
        "ada.lindqvist",
        &["owner", "billing_admin"],
        "active",
        Some(3),
    ),
    (
        "Jonas Okafor",
        "j.okafor",
        &["billing_operator"],
        "locked",
        Some(26),
    ),
    (
        "Mei Tanaka",
        "mei",
        &["billing_readonly"],
        "active",
        Some(97),
    ),
    (
        "Priya Raman",
        "priya.raman",
        &["billing_operator"],
        "invited",
        None,
    ),
    (
        "Tomás Echeverría-Villanueva",
        "tomas.echeverria-villanueva",
        &["billing_readonly", "billing_api"],
        "active",
        Some(2_100),
    ),
    ("李小龍", "lee", &["billing_api"], "active", Some(4_400)),
    ("Grace Abernathy", "grace", &[], "disabled", Some(90_000)),
    (
        "Nils Bergström",
        "nils",
        &["billing_admin"],
        "active",
        Some(12_000),
    ),
    (
        "Zoë van der Meer",
        "zoe",
        &["billing_operator"],
        "active",
        Some(310),
    ),
];

pub(super) fn rows() -> Vec<UserRow> {
    (1_u8..)
        .zip(ROWS)
        .map(|(n, (name, local, roles, status, minutes))| UserRow {
            id: format!("019aac30-0000-7000-8000-0000000000{n:02}"),
            name: name.into(),
            email: format!("{local}@northwind.example"),
            roles: roles.iter().map(|role| (*role).into()).collect(),
            status: Badge::status(status),
            last_sign_in: minutes.map(minutes_ago),
        })
        .collect()
}
