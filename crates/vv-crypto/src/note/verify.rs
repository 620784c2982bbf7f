//! Checking notes with known keys.

use vv_base::Timestamp;

use super::cosign::{ed25519_message, split_timestamped, subtree_message, tree_message};
use super::{
    Checkpoint, KeyId, KeyName, Note, NoteError, NoteSignature, SignatureType, Subtree, VerifierKey,
};

/// A known key that signed a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBy {
    /// The key name.
    pub name: KeyName,
    /// The key id.
    pub key_id: KeyId,
    /// What the signature says and with which algorithm.
    pub kind: SignatureType,
    /// When it was made according to the signer, to the second. `None` for
    /// signatures without a time. A time past the range of [`Timestamp`] is its end.
    pub at: Option<Timestamp>,
}

/// A checkpoint with at least one valid signature of a known key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedNote {
    /// The head of the log.
    pub checkpoint: Checkpoint,
    /// The note text as it was signed, with its extension lines if it has any.
    pub text: String,
    /// Who signed, each key once, in the order of the lines.
    pub signed_by: Vec<SignedBy>,
}

impl VerifiedNote {
    /// The signature of this name and type, if there is one. One valid signature
    /// makes a note verified, and it may be a witness's: ask here for each one
    /// that you rely on. Of several keys, such as two generations, the one with
    /// the latest time.
    pub fn signature(&self, name: &KeyName, kind: SignatureType) -> Option<&SignedBy> {
        self.signed_by
            .iter()
            .filter(|by| by.name == *name && by.kind == kind)
            .max_by_key(|by| by.at)
    }

    /// Whether the log itself signed, by the rule that its key name is the
    /// origin: with Ed25519 and, if `post_quantum`, also with ML-DSA-44.
    pub fn signed_by_origin(&self, post_quantum: bool) -> bool {
        let signed = |kind| {
            let origin = self.checkpoint.origin.as_str();
            let is_log = |by: &SignedBy| by.name.as_str() == origin && by.kind == kind;
            self.signed_by.iter().any(is_log)
        };
        signed(SignatureType::Ed25519)
            && (!post_quantum || signed(SignatureType::MlDsa44Cosignature))
    }
}

/// A note that is no checkpoint, with at least one valid signature of a known key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedText {
    /// The note text with its final line feed.
    pub text: String,
    /// Who signed, each key once, in the order of the lines.
    pub signed_by: Vec<SignedBy>,
}

/// Reads and checks a signed checkpoint.
///
/// Lines of unknown keys are passed over. A line that names a known key and is
/// not from it makes the note invalid, whatever else signed it. At least one
/// known key must have signed. Which key may speak for which origin, and how
/// many witnesses are enough, is for the caller to decide from
/// [`VerifiedNote::signed_by`].
pub fn verify_note(note: &str, keys: &[VerifierKey]) -> Result<VerifiedNote, NoteError> {
    let note = Note::parse(note)?;
    let checkpoint = Checkpoint::parse(note.text())?;
    let signed_by = signers(&note, keys, |key, line| {
        verify_line(note.text(), Some(&checkpoint), key, line)
    })?;
    Ok(VerifiedNote {
        checkpoint,
        text: note.text,
        signed_by,
    })
}

/// Reads and checks a signed text that is no checkpoint, such as a manifest.
/// Only keys of [`SignatureType::Ed25519`] can sign one; a line of a known
/// cosigner makes the note invalid.
pub fn verify_text(note: &str, keys: &[VerifierKey]) -> Result<VerifiedText, NoteError> {
    let note = Note::parse(note)?;
    let signed_by = signers(&note, keys, |key, line| {
        verify_line(note.text(), None, key, line)
    })?;
    let text = note.text;
    Ok(VerifiedText { text, signed_by })
}

/// Checks the cosignature of a subtree (ML-DSA-44 only) and tells its time,
/// which is there only for a subtree that starts at the first leaf.
pub fn verify_subtree(
    subtree: &Subtree,
    line: &NoteSignature,
    key: &VerifierKey,
) -> Result<Option<Timestamp>, NoteError> {
    if key.name() != line.name() || key.key_id() != line.key_id() {
        return Err(NoteError::UnknownSigners);
    }
    let bad = || NoteError::BadSignature(key.name().to_string());
    if key.signature_type() != SignatureType::MlDsa44Cosignature {
        return Err(bad());
    }
    let (seconds, signature) = split_timestamped(line.signature()).ok_or_else(bad)?;
    if subtree.start() != 0 && seconds != 0 {
        return Err(bad());
    }
    let message = subtree_message(key.name(), seconds, subtree)?;
    if !key.accepts(&message, signature) {
        return Err(bad());
    }
    Ok(stated_time(seconds))
}

/// Verifies every line of a known key; none is skipped because another was good.
fn signers(
    note: &Note,
    keys: &[VerifierKey],
    verify: impl Fn(&VerifierKey, &NoteSignature) -> Result<Option<Timestamp>, NoteError>,
) -> Result<Vec<SignedBy>, NoteError> {
    let mut signed_by: Vec<SignedBy> = Vec::new();
    for line in note.signatures() {
        let Some(key) = known_key(keys, line)? else {
            continue;
        };
        let at = verify(key, line)?;
        let known = |by: &&mut SignedBy| by.key_id == key.key_id() && by.name == *key.name();
        match signed_by.iter_mut().find(known) {
            // Two cosignatures of one key: the later statement counts.
            Some(by) => by.at = by.at.max(at),
            None => signed_by.push(SignedBy {
                name: key.name().clone(),
                key_id: key.key_id(),
                kind: key.signature_type(),
                at,
            }),
        }
    }
    if signed_by.is_empty() {
        return Err(NoteError::UnknownSigners);
    }
    Ok(signed_by)
}

fn known_key<'a>(
    keys: &'a [VerifierKey],
    line: &NoteSignature,
) -> Result<Option<&'a VerifierKey>, NoteError> {
    let mut matching = keys
        .iter()
        .filter(|key| key.key_id() == line.key_id() && key.name() == line.name());
    let first = matching.next();
    if matching.any(|key| Some(key) != first) {
        return Err(NoteError::AmbiguousKey(line.name().to_string()));
    }
    Ok(first)
}

fn verify_line(
    text: &str,
    checkpoint: Option<&Checkpoint>,
    key: &VerifierKey,
    line: &NoteSignature,
) -> Result<Option<Timestamp>, NoteError> {
    let bad = || NoteError::BadSignature(key.name().to_string());
    let (message, signature, at) = if key.signature_type() == SignatureType::Ed25519 {
        (text.as_bytes().to_vec(), line.signature(), None)
    } else {
        // Cosignatures are defined for checkpoints only.
        let checkpoint = checkpoint.ok_or_else(bad)?;
        let (seconds, signature) = split_timestamped(line.signature()).ok_or_else(bad)?;
        if key.signature_type() == SignatureType::Ed25519Cosignature {
            let at = Some(timestamp(seconds));
            (ed25519_message(seconds, text), signature, at)
        } else {
            let message = tree_message(key.name(), seconds, checkpoint)?;
            (message, signature, stated_time(seconds))
        }
    };
    if !key.accepts(&message, signature) {
        return Err(bad());
    }
    Ok(at)
}

/// In the ML-DSA form a time of zero says that none is stated.
fn stated_time(seconds: u64) -> Option<Timestamp> {
    (seconds != 0).then(|| timestamp(seconds))
}

fn timestamp(seconds: u64) -> Timestamp {
    Timestamp::from_unix_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}
