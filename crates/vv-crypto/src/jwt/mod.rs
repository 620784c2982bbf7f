//! Access tokens: JWTs of the RFC 9068 profile, signed with Ed25519 (RFC 8037)
//! or, for single-secret installations, HMAC-SHA-256.
//!
//! The signature primitive is `jsonwebtoken`'s; the parsing in front of it is
//! ours, because it must refuse more than a general library does.

mod claims;
mod jwks;
mod key;
mod strict;
mod verify;

pub use claims::{AccessClaims, TokenId};
pub use key::{
    AccessSigner, SharedSecret, SharedSecretError, SignError, SigningKey, SigningKeyError,
    VerifyingKey,
};
pub use verify::{Expected, TokenError, Verifier};

/// Longest token read or issued, in bytes.
pub const MAX_TOKEN_BYTES: usize = 4096;

/// The `typ` of an access token (RFC 9068 §2.1).
const TYP: &str = "at+jwt";

#[cfg(test)]
mod attack_tests;
#[cfg(test)]
mod claim_tests;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod key_tests;
