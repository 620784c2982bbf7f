//! What applications say about their events is cleaned before anything is
//! stored: a leaf can never be changed, so a card number or password in it
//! would stay for ever.
//!
//! - Card numbers, credentials, e-mail and IP addresses in text are masked.
//! - Values under names such as `password` are replaced whatever they hold.
//! - Values under names such as `email` are taken out; the caller seals them
//!   under their subject's key.
//!
//! All detectors take time linear in the text. They find what has a form; a
//! password inside a sentence has none.

mod contact;
mod fold;
mod mask;
mod metadata;
mod names;
mod pan;
mod policy;
mod secret;
mod secret_text;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::body::Json;

pub use policy::RedactionPolicy;

/// Longest description, in bytes of UTF-8.
pub const MAX_DESCRIPTION: usize = 4_096;
/// Largest metadata, in bytes of JSON without white space.
pub const MAX_METADATA: usize = 16_384;
/// Deepest nesting of objects and lists in metadata, its own braces included.
pub const MAX_METADATA_DEPTH: usize = 6;
/// Most names in one object of metadata.
pub const MAX_METADATA_KEYS: usize = 64;
/// Longest name in metadata, in bytes.
pub const MAX_METADATA_KEY: usize = 64;
/// Most personal fields in one event.
pub const MAX_PERSONAL: usize = 64;

/// How many things of each sort were found and made unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Findings {
    /// Card numbers.
    pub pans: u32,
    /// Credentials, card verification codes and track data.
    pub secrets: u32,
    /// E-mail addresses in free text.
    pub emails: u32,
    /// IP addresses in free text.
    pub ips: u32,
}

/// Text and metadata that may be stored.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Redacted {
    /// The description in Unicode NFC, masked.
    pub description: String,
    /// The metadata that may stand in clear.
    pub details: BTreeMap<String, Json>,
    /// What was taken out because it is personal: name and clear text. The name
    /// is the path of names joined by dots, each one once.
    pub personal: Vec<(String, String)>,
    /// What was found.
    pub findings: Findings,
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.personal.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("Redacted")
            .field("description", &self.description)
            .field("details", &self.details)
            .field("personal", &names)
            .field("findings", &self.findings)
            .finish()
    }
}

/// Why text or metadata is refused. No message repeats what was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedactError {
    /// See [`MAX_DESCRIPTION`].
    #[error("the description is longer than {MAX_DESCRIPTION} bytes")]
    DescriptionTooLong,
    /// Metadata is something else than an object or null.
    #[error("metadata must be an object")]
    NotAnObject,
    /// See [`MAX_METADATA`].
    #[error("metadata is larger than {MAX_METADATA} bytes")]
    TooLarge,
    /// See [`MAX_METADATA_DEPTH`].
    #[error("metadata nests deeper than {MAX_METADATA_DEPTH} levels")]
    TooDeep,
    /// See [`MAX_METADATA_KEYS`].
    #[error("an object in metadata has more than {MAX_METADATA_KEYS} names")]
    TooManyKeys,
    /// See [`MAX_PERSONAL`].
    #[error("metadata has more than {MAX_PERSONAL} personal fields")]
    TooManyPersonal,
    /// A name is empty, too long, has odd characters or is itself sensitive.
    #[error(
        "a name in metadata is not 1 to {MAX_METADATA_KEY} letters, digits, spaces or any of _-.:/, \
         or it contains a card number, a credential or an address"
    )]
    Key,
    /// A number is not whole or too large to be kept exactly.
    #[error("numbers in metadata must be whole and within ±(2^53 − 1); send others as text")]
    Number,
}

impl RedactError {
    /// The stable reason for problem documents.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::DescriptionTooLong => "description_too_long",
            Self::NotAnObject => "metadata_not_object",
            Self::TooLarge => "metadata_too_large",
            Self::TooDeep => "metadata_too_deep",
            Self::TooManyKeys => "metadata_too_many_keys",
            Self::TooManyPersonal => "metadata_too_many_personal",
            Self::Key => "metadata_key",
            Self::Number => "metadata_number",
        }
    }
}

impl RedactionPolicy {
    /// Cleans what an application sent. Cleaning the result again changes
    /// nothing.
    pub fn redact(&self, description: &str, metadata: &Value) -> Result<Redacted, RedactError> {
        if description.len() > MAX_DESCRIPTION {
            return Err(RedactError::DescriptionTooLong);
        }
        let mut found = metadata::clean(self, metadata)?;
        found.description = mask::free_text(self, description, &mut found.findings);
        Ok(found)
    }
}
