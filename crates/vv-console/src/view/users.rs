use askama::Template;
use vv_base::Timestamp;

use super::{Badge, Icon, Pager, Shell, Theme, href, text};

/// The people of a tenant. The search sends GET `email` to [`href::USERS`].
#[derive(Debug, Clone, Template)]
#[template(path = "users.html")]
pub struct UsersPage {
    /// Navigation and account.
    pub shell: Shell,
    /// The rows of this page.
    pub rows: Vec<UserRow>,
    /// All accounts of the tenant, if counted.
    pub total: Option<u64>,
    /// The address searched for; empty without a search.
    pub search: String,
    /// Why the search could not be done.
    pub search_error: Option<String>,
    /// The way through the list.
    pub pager: Pager,
}

/// One account.
#[derive(Debug, Clone)]
pub struct UserRow {
    /// The account's id.
    pub id: String,
    /// Display name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Names of the roles.
    pub roles: Vec<String>,
    /// State of the account; see [`Badge::status`].
    pub status: Badge,
    /// When the person last signed in.
    pub last_sign_in: Option<Timestamp>,
}

impl UserRow {
    pub(crate) fn initials(&self) -> String {
        text::initials(&self.name)
    }
}
