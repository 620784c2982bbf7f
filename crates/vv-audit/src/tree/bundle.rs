//! Entry bundles of tlog-tiles: `(u16be length ‖ entry)*`.

use super::TILE_WIDTH;

/// Why entries are no bundle, or bytes are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// No entry, or more than 256.
    #[error("a bundle has 1 to {TILE_WIDTH} entries")]
    Count,
    /// An entry of more than 65,535 bytes.
    #[error("an entry has at most 65535 bytes")]
    TooLarge,
    /// The bytes end inside an entry.
    #[error("the bundle is cut off")]
    Truncated,
}

/// The bundle of these entries, in their order.
pub fn encode_bundle<'a>(
    entries: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, BundleError> {
    let mut bytes = Vec::new();
    let mut count = 0_u16;
    for entry in entries {
        if count == TILE_WIDTH {
            return Err(BundleError::Count);
        }
        count += 1;
        let length = u16::try_from(entry.len()).map_err(|_| BundleError::TooLarge)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    if count == 0 {
        return Err(BundleError::Count);
    }
    Ok(bytes)
}

/// The entries of a bundle, in their order.
pub fn decode_bundle(mut bytes: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        if entries.len() == usize::from(TILE_WIDTH) {
            return Err(BundleError::Count);
        }
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, rest) = rest
            .split_at_checked(length)
            .ok_or(BundleError::Truncated)?;
        entries.push(entry);
        bytes = rest;
    }
    match (bytes.is_empty(), entries.is_empty()) {
        (false, _) => Err(BundleError::Truncated),
        (true, true) => Err(BundleError::Count),
        (true, false) => Ok(entries),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_come_back_as_they_were() {
        let large = vec![7; 65_535];
        let entries: [&[u8]; 3] = [b"one", b"", &large];
        let bytes = encode_bundle(entries).expect("small");
        assert_eq!(&bytes[..7], b"\0\x03one\0\0");
        assert_eq!(decode_bundle(&bytes).expect("as encoded"), entries);
        let entries = [&b"x"[..]; 256];
        let bytes = encode_bundle(entries).expect("full");
        assert_eq!(decode_bundle(&bytes).expect("as encoded"), entries);
    }

    #[test]
    fn damage_is_an_error() {
        assert_eq!(encode_bundle([]), Err(BundleError::Count));
        assert_eq!(encode_bundle([&b"x"[..]; 257]), Err(BundleError::Count));
        assert_eq!(
            encode_bundle([vec![0; 65_536].as_slice()]),
            Err(BundleError::TooLarge)
        );
        assert_eq!(decode_bundle(b""), Err(BundleError::Count));
        assert_eq!(decode_bundle(&[0; 2 * 257]), Err(BundleError::Count));
        for cut in [&b"\0"[..], b"\0\x03on", b"\0\x01x\0"] {
            assert_eq!(decode_bundle(cut), Err(BundleError::Truncated));
        }
    }
}
