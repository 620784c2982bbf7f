//! One file per slice; every handler is a few lines.

pub mod audit;
pub mod auth;
pub mod me;
pub mod ops;
pub mod passwords;
pub mod users;
pub mod wellknown;
pub mod witness;
