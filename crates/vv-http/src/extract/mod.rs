//! What handlers take from a request. Every refusal is a problem document.

mod explain;
pub mod json;
pub mod params;
pub mod principal;
pub mod require;

pub use json::Json;
pub use params::{Form, Path, Query};
pub use principal::{Anonymous, Caller, SESSION_COOKIE, cookie_value};
pub use require::{Require, Right};
