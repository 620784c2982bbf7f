//! One signature line of a note.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{KeyId, KeyName, MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, NoteError, check_characters};

/// Em dash and space.
const MARK: &str = "\u{2014} ";

/// A *signature line*: `— <key name> base64(key id ‖ signature)`.
///
/// For cosignatures the signature is a `timestamped_signature`, the time as 8
/// bytes in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    name: KeyName,
    id: KeyId,
    signature: Vec<u8>,
}

impl NoteSignature {
    pub(super) fn new(name: KeyName, id: KeyId, signature: Vec<u8>) -> Self {
        Self {
            name,
            id,
            signature,
        }
    }

    /// Reads one line, without its line feed. Base64 has one spelling: padded,
    /// with unused bits zero.
    pub fn parse(line: &str) -> Result<Self, NoteError> {
        if line.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge);
        }
        let (name, encoded) = line
            .strip_prefix(MARK)
            .and_then(|rest| rest.split_once(' '))
            .ok_or(NoteError::SignatureLine)?;
        let name = KeyName::parse(name).map_err(|_| NoteError::SignatureLine)?;
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|_| NoteError::SignatureLine)?;
        match bytes.split_first_chunk::<4>() {
            Some((id, signature)) if !signature.is_empty() => Ok(Self::new(
                name,
                KeyId(u32::from_be_bytes(*id)),
                signature.to_vec(),
            )),
            _ => Err(NoteError::SignatureLine),
        }
    }

    /// Reads one or more lines, each with its line feed: the lower part of a
    /// note, or the answer of a witness.
    pub fn parse_lines(lines: &str) -> Result<Vec<Self>, NoteError> {
        if lines.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge);
        }
        check_characters(lines)?;
        if lines.is_empty() {
            return Err(NoteError::NoSignatures);
        }
        let lines = lines.strip_suffix('\n').ok_or(NoteError::SignatureLine)?;
        if lines.split('\n').count() > MAX_NOTE_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        lines.split('\n').map(Self::parse).collect()
    }

    /// The key name, which is only a claim until the signature is verified.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The key id, which is only a claim until the signature is verified.
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// The bytes after the key id.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Length of the line with its line feed, in bytes.
    pub(super) fn written_len(&self) -> usize {
        let encoded = (4 + self.signature.len()).div_ceil(3) * 4;
        MARK.len() + self.name.as_str().len() + 1 + encoded + 1
    }
}

/// The line without its line feed.
impl std::fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = self.id.0.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.signature);
        write!(f, "{MARK}{} {}", self.name, STANDARD.encode(bytes))
    }
}
