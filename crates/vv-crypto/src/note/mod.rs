//! Signed notes of the transparency-log world, read and written after
//! [C2SP](https://c2sp.org) `signed-note` v1.0.0, `tlog-checkpoint` v1.0.0 and
//! `tlog-cosignature` v1.1.0-rc.1.
//!
//! A *note* is text with signature lines under it. A *checkpoint* is a note whose
//! text is the head of a Merkle tree. A *cosignature* is a dated signature over a
//! checkpoint, made by the log itself or by a *witness*.

mod checkpoint;
mod cosign;
mod error;
mod key;
mod line;
mod seeds;
mod signer;
mod subtree;
mod verify;

pub use checkpoint::{Checkpoint, Origin};
pub use error::NoteError;
pub use key::{KeyId, KeyName, SignatureType, VerifierKey};
pub use line::NoteSignature;
pub(crate) use seeds::NoteSeeds;
pub use signer::{CheckpointSigner, TextSigner, WitnessSigner};
pub use subtree::Subtree;
pub use verify::{SignedBy, VerifiedNote, VerifiedText, verify_note, verify_subtree, verify_text};

/// Longest note read or written, in bytes: room for every allowed signature at
/// the size of ML-DSA-44, and for a manifest.
pub const MAX_NOTE_BYTES: usize = 1 << 20;
/// Most signature lines of one note. The standard asks for 16 at least.
pub const MAX_NOTE_SIGNATURES: usize = 100;

/// A note as it was read, its signatures not checked: [`verify_note`] and
/// [`verify_text`] do that. The text means nothing before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// Puts a note together. The text ends with a line feed and has no other
    /// control character; there is at least one signature.
    pub fn new(text: &str, signatures: Vec<NoteSignature>) -> Result<Self, NoteError> {
        check_text(text)?;
        if signatures.is_empty() {
            return Err(NoteError::NoSignatures);
        }
        if signatures.len() > MAX_NOTE_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        let text = text.to_owned();
        let note = Self { text, signatures };
        if note.written_len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge);
        }
        Ok(note)
    }

    /// Reads a note: text, blank line, signature lines. Lines of unknown keys are
    /// kept; a malformed line is an error, whoever it is from.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge);
        }
        check_characters(note)?;
        // The text may have blank lines of its own: the last one is the border.
        let (head, tail) = note.rsplit_once("\n\n").ok_or(NoteError::NoSignatures)?;
        let signatures = NoteSignature::parse_lines(tail)?;
        let text = format!("{head}\n");
        Ok(Self { text, signatures })
    }

    /// What is signed: the note text with its final line feed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines in order, of known and unknown keys.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// The same note with more signature lines; a line it already has is not
    /// repeated. Used to add the cosignatures of witnesses.
    pub fn with_signatures(
        mut self,
        more: impl IntoIterator<Item = NoteSignature>,
    ) -> Result<Self, NoteError> {
        for signature in more {
            if !self.signatures.contains(&signature) {
                self.signatures.push(signature);
            }
            if self.signatures.len() > MAX_NOTE_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
        }
        Self::new(&self.text, self.signatures)
    }

    fn written_len(&self) -> usize {
        let lines: usize = self.signatures.iter().map(NoteSignature::written_len).sum();
        self.text.len() + 1 + lines
    }
}

/// The note as it travels: text, blank line, signature lines.
impl std::fmt::Display for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl std::str::FromStr for Note {
    type Err = NoteError;
    fn from_str(note: &str) -> Result<Self, NoteError> {
        Self::parse(note)
    }
}

/// No ASCII control character but the line feed.
fn check_characters(text: &str) -> Result<(), NoteError> {
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(NoteError::ControlCharacter);
    }
    Ok(())
}

/// The rules for a text that is to be signed.
fn check_text(text: &str) -> Result<(), NoteError> {
    if text.len() > MAX_NOTE_BYTES {
        return Err(NoteError::TooLarge);
    }
    if !text.ends_with('\n') {
        return Err(NoteError::Text);
    }
    check_characters(text)
}

#[cfg(test)]
mod tests;
