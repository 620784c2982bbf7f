//! Passwords: which ones are accepted, and how they are hashed.

mod gate;
mod hash;
mod memory;
mod rules;

pub(crate) use hash::Hasher;
pub use hash::{HashError, HashSettings};
pub use rules::{Advice, Assessment, Fault, MIN_PASSWORD_LENGTH, PasswordContext, assess};
