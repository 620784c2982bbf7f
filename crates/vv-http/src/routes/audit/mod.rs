//! The audit trail of a tenant: written, read, checked, proven, followed, taken
//! out, kept.

pub mod custody;
pub mod events;
pub mod export;
pub mod model;
pub mod proof;
pub mod tail;
pub mod tiles;
pub mod verify;

use std::fmt::Write as _;

/// Bytes in lowercase hex.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hexes(hashes: &[[u8; 32]]) -> Vec<String> {
    hashes.iter().map(|hash| hex(hash)).collect()
}
