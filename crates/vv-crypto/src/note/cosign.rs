//! The messages that cosignatures are made over.

use vv_base::Timestamp;

use super::{Checkpoint, KeyName, NoteError, Subtree};

/// Longest cosigner name and origin, in bytes: their length is one byte.
pub(super) const MAX_NAME: usize = 255;
/// First bytes of every ML-DSA message.
const LABEL: &[u8; 12] = b"subtree/v1\n\0";

/// What `cosignature/v1` signs: a header with the time, then the note text.
pub(super) fn ed25519_message(seconds: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {seconds}\n{text}").into_bytes()
}

/// The `cosigned_message` of a whole tree.
pub(super) fn tree_message(
    cosigner: &KeyName,
    seconds: u64,
    checkpoint: &Checkpoint,
) -> Result<Vec<u8>, NoteError> {
    let origin = checkpoint.origin.as_str();
    let range = (0, checkpoint.size);
    message(cosigner, seconds, origin, range, &checkpoint.root)
}

/// The `cosigned_message` of a subtree, without a time.
pub(super) fn subtree_message(
    cosigner: &KeyName,
    seconds: u64,
    subtree: &Subtree,
) -> Result<Vec<u8>, NoteError> {
    let range = (subtree.start(), subtree.end());
    let origin = subtree.origin().as_str();
    message(cosigner, seconds, origin, range, subtree.hash())
}

fn message(
    cosigner: &KeyName,
    seconds: u64,
    origin: &str,
    (start, end): (u64, u64),
    hash: &[u8; 32],
) -> Result<Vec<u8>, NoteError> {
    let name = cosigner.as_str();
    let name_len = u8::try_from(name.len()).map_err(|_| NoteError::KeyName)?;
    let origin_len = u8::try_from(origin.len()).map_err(|_| NoteError::Origin)?;
    let parts: [&[u8]; 9] = [
        LABEL,
        &[name_len],
        name.as_bytes(),
        &seconds.to_be_bytes(),
        &[origin_len],
        origin.as_bytes(),
        &start.to_be_bytes(),
        &end.to_be_bytes(),
        hash,
    ];
    Ok(parts.concat())
}

/// The time of a cosignature we make, in seconds; zero would say "no time".
pub(super) fn seconds_of(at: Timestamp) -> Result<u64, NoteError> {
    u64::try_from(at.unix_seconds())
        .ok()
        .filter(|seconds| *seconds > 0)
        .ok_or(NoteError::Timestamp)
}

/// A `timestamped_signature`: the time as 8 bytes, then the signature.
pub(super) fn timestamped(seconds: u64, signature: &[u8]) -> Vec<u8> {
    let mut bytes = seconds.to_be_bytes().to_vec();
    bytes.extend_from_slice(signature);
    bytes
}

/// Takes a `timestamped_signature` apart; a time of 2^63 seconds or more is refused.
pub(super) fn split_timestamped(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (seconds, signature) = bytes.split_first_chunk::<8>()?;
    let seconds = u64::from_be_bytes(*seconds);
    i64::try_from(seconds).ok()?;
    Some((seconds, signature))
}
