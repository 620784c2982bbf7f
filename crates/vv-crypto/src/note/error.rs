use super::{MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES};

/// Why a note, a key or a signature line was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Longer than [`MAX_NOTE_BYTES`].
    #[error("the note has more than {MAX_NOTE_BYTES} bytes")]
    TooLarge,
    /// More lines than [`MAX_NOTE_SIGNATURES`].
    #[error("the note has more than {MAX_NOTE_SIGNATURES} signature lines")]
    TooManySignatures,
    /// A control character other than the line feed.
    #[error("the note holds a control character")]
    ControlCharacter,
    /// The text is empty or does not end with a line feed.
    #[error("the text of a note must end with a line feed")]
    Text,
    /// No blank line with signature lines after it.
    #[error("the note has no signature lines")]
    NoSignatures,
    /// A signature line is not `— name base64`.
    #[error("a signature line is malformed")]
    SignatureLine,
    /// A key name is empty or has a space, plus or control character.
    #[error("the key name is not valid")]
    KeyName,
    /// A verifier key is not `name+id+base64`, or its key has the wrong length.
    #[error("the verifier key is malformed")]
    VerifierKey,
    /// The id in a verifier key belongs to another name or key.
    #[error("the id of the verifier key does not match its name and key")]
    KeyId,
    /// A signature type that is not supported.
    #[error("the signature type {0:#04x} is not supported")]
    SignatureType(u8),
    /// Two different known keys have the same name and id.
    #[error("two known keys have the name and id of {0}")]
    AmbiguousKey(String),
    /// The line names a known key, but the signature is not from it.
    #[error("the signature of {0} is not valid")]
    BadSignature(String),
    /// No known key signed the note.
    #[error("no known key signed the note")]
    UnknownSigners,
    /// An origin is empty, too long or holds a control character.
    #[error("the origin of a log must have 1 to 255 bytes without control characters")]
    Origin,
    /// The named line of a checkpoint is missing or malformed.
    #[error("the {0} of the checkpoint is missing or malformed")]
    Checkpoint(&'static str),
    /// A cosignature needs a time after 1970.
    #[error("the time of a cosignature must be after 1970")]
    Timestamp,
    /// The range is empty, or its start is not aligned to its length.
    #[error("the range of leaves is not a subtree")]
    Subtree,
    /// The cryptography library failed to make a key or a signature.
    #[error("signing failed")]
    Signing,
}
