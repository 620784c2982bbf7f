//! Keys and everything done with them: one root key, purpose keys derived from
//! it, sealing bound to a place, keyed hashes, per-subject keys, access tokens and
//! signed notes.
//!
//! Pure: no I/O, no async. Randomness comes in as `&dyn Rng`, time as an argument.
//! Every purpose has a key type of its own, so a key cannot be used for another
//! purpose by mistake. No key type shows its bytes through `Debug`.
#![warn(missing_docs)]

mod aead;
mod fingerprint;
mod frame;
mod jwt;
mod kdf;
mod keyring;
mod note;
mod pepper;
mod root;
mod seal;
mod strength;
mod subject;
mod token;

pub use aead::{OpenError, SealError};
pub use fingerprint::{AuditIndexKey, FingerprintKey};
pub use jwt::{
    AccessClaims, AccessSigner, Expected, MAX_TOKEN_BYTES, SharedSecret, SharedSecretError,
    SignError, SigningKey, SigningKeyError, TokenError, TokenId, Verifier, VerifyingKey,
};
pub use kdf::sha256;
pub use keyring::{Generation, Keyring, KeyringError};
pub use note::{
    Checkpoint, CheckpointSigner, KeyId, KeyName, MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, Note,
    NoteError, NoteSignature, Origin, SignatureType, SignedBy, Subtree, TextSigner, VerifiedNote,
    VerifiedText, VerifierKey, WitnessSigner, verify_note, verify_subtree, verify_text,
};
pub use pepper::PepperKey;
pub use root::{RootKey, RootKeyError};
pub use seal::{DataKey, Place, Sealed};
pub use strength::{Weakness, is_placeholder, weak_secret, weakness};
pub use subject::{SealedField, SubjectKey, SubjectWrapKey};
pub use token::{AuditSealKey, CookieKey, TokenKey};
