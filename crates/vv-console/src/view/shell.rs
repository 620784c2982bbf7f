use vv_base::Timestamp;

use super::{Icon, Theme, href, text};

/// What every page of a signed-in person shares: navigation, tenant, account.
#[derive(Debug, Clone)]
pub struct Shell {
    /// The chosen colours.
    pub theme: Theme,
    /// Token that every form sends back in the field `csrf`.
    pub csrf: String,
    /// Name of the tenant.
    pub tenant: String,
    /// Who is signed in.
    pub person: Person,
    /// The navigation; [`NavGroup::standard`] gives the usual one.
    pub nav: Vec<NavGroup>,
    /// Path and query of this page, where the theme switch leads back to.
    pub here: String,
    /// The time of the request; times are shown relative to it.
    pub now: Timestamp,
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub struct Person {
    /// Display name.
    pub name: String,
    /// E-mail address.
    pub email: String,
}

impl Person {
    pub(crate) fn initials(&self) -> String {
        text::initials(&self.name)
    }
}

/// A part of the navigation.
#[derive(Debug, Clone)]
pub struct NavGroup {
    /// Heading of the part; the first part needs none.
    pub label: Option<&'static str>,
    /// Its entries.
    pub items: Vec<NavItem>,
}

/// One entry of the navigation.
#[derive(Debug, Clone)]
pub struct NavItem {
    /// The word shown.
    pub label: &'static str,
    /// Where it leads.
    pub href: &'static str,
    /// The icon before it.
    pub icon: Icon,
    /// Whether the page shown is this one.
    pub current: bool,
}

impl NavGroup {
    /// Every page there is; `current` is the [`href`] of the page shown.
    pub fn standard(current: &str) -> Vec<Self> {
        let item = |label, href, icon| NavItem {
            label,
            href,
            icon,
            current: href == current,
        };
        vec![
            Self {
                label: None,
                items: vec![item("Overview", href::OVERVIEW, Icon::Overview)],
            },
            Self {
                label: Some("Access"),
                items: vec![item("Users", href::USERS, Icon::Users)],
            },
            Self {
                label: Some("Evidence"),
                items: vec![item("Audit", href::AUDIT, Icon::Chain)],
            },
        ]
    }
}
