//! The pages people see in a browser: views, charts and the files they load.
//!
//! [`view`] holds one struct per page with plain data in it; rendering reads
//! nothing else. Templates are compiled in, so are stylesheet and scripts
//! ([`assets`]), and charts are drawn on the server ([`chart`]). Everything
//! obeys a content security policy without inline styles or scripts.

#[cfg(test)]
extern crate self as vv_console;

pub mod assets;
pub mod chart;
pub mod view;

mod pages;
mod router;
mod state;

pub use pages::error::error_page;
pub use router::router;
pub use state::ConsoleState;

/// Cookies whose presence makes a request one that needs cross-site proof.
pub const CREDENTIAL_COOKIES: &[&str] =
    &[vv_http::extract::SESSION_COOKIE, pages::form::FORM_COOKIE];
