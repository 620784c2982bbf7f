//! Who somebody is and what they may do: accounts, passwords, sign-in,
//! sessions, access tokens and roles.
//!
//! Each folder is a slice that holds everything about one capability. The
//! verbs hang on [`Auth`]; every one takes a [`vv_base::Ctx`] first.

mod account;
mod login;
mod password;
mod role;
mod session;
mod setup;
mod system;
mod token;
mod verification;

pub use account::{AccountError, EmailAddress, NewPerson, UserSummary};
pub use login::{Credentials, LoginError, SignedIn};
pub use password::{
    Advice, Assessment, Fault, HashError, HashSettings, MIN_PASSWORD_LENGTH, PasswordContext,
    assess,
};
pub use role::{Permission, PermissionSet, SystemRole};
pub use session::{
    CookieToken, Principal, RefreshToken, SessionError, SessionKind, SessionPolicy, TokenPair,
};
pub use setup::{FirstAdmin, SetupError};
pub use system::{Auth, AuthSettings, KeysError, Parts};
pub use token::TokenSettings;

/// Every statement of this crate, for the test that prepares them all.
pub fn statements() -> Vec<&'static vv_store::Sql> {
    [
        account::STATEMENTS,
        session::STATEMENTS,
        setup::STATEMENTS,
        token::STATEMENTS,
    ]
    .concat()
}

/// Job handlers of this crate, by kind.
pub mod jobs {
    pub use crate::session::PURGE_SESSIONS;
    pub use crate::setup::PURGE_SETUP_LINKS;
}
