//! The text of a checkpoint: origin, size and root of a tree.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::cosign::MAX_NAME;
use super::{MAX_NOTE_BYTES, NoteError, check_characters};

/// The *origin* of a log: which log it is, the first line of its checkpoints.
/// 1 to 255 bytes (what a cosignature can carry) without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(String);

impl Origin {
    /// Checks the rules. Spaces and plus signs are allowed here, unlike in key
    /// names, because existing logs have them.
    pub fn parse(origin: &str) -> Result<Self, NoteError> {
        let control = origin.bytes().any(|byte| byte < 0x20);
        if origin.is_empty() || origin.len() > MAX_NAME || control {
            return Err(NoteError::Origin);
        }
        Ok(Self(origin.to_owned()))
    }

    /// The origin as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A *checkpoint*: the head of a log at one size.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// Which log.
    pub origin: Origin,
    /// How many leaves the tree has.
    pub size: u64,
    /// The root of the RFC 6962 tree of that size.
    pub root: [u8; 32],
}

impl Checkpoint {
    /// Reads the text of a checkpoint. *Extension lines* after the third are
    /// passed over; they must not be empty. That a root fits its size, and the
    /// empty tree its own root, is for the reader of the tree to check.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        if text.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLarge);
        }
        check_characters(text)?;
        let mut lines = text.strip_suffix('\n').ok_or(NoteError::Text)?.split('\n');
        let origin = Origin::parse(lines.next().unwrap_or_default())?;
        let size = lines
            .next()
            .and_then(decimal)
            .ok_or(NoteError::Checkpoint("tree size"))?;
        let root = lines
            .next()
            .and_then(hash)
            .ok_or(NoteError::Checkpoint("root hash"))?;
        if lines.any(str::is_empty) {
            return Err(NoteError::Checkpoint("extension line"));
        }
        Ok(Self { origin, size, root })
    }
}

/// The note text: three lines, no extension lines.
impl std::fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let root = STANDARD.encode(self.root);
        writeln!(f, "{}\n{}\n{root}", self.origin, self.size)
    }
}

/// ASCII digits without leading zeros.
fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.starts_with('0') && text.len() > 1;
    (digits && !leading_zero).then(|| text.parse().ok())?
}

fn hash(text: &str) -> Option<[u8; 32]> {
    // 44 characters are 32 bytes; longer lines need no decoding.
    if text.len() != 44 {
        return None;
    }
    STANDARD.decode(text).ok()?.try_into().ok()
}
