//! The leaf of the anchor log, format `VVN1`:
//!
//! ```text
//! "VVN1" ‖ u8 flags ‖ u64be position ‖ u64be time_us ‖ 16 B chain ‖ u64be size ‖ 32 B root ‖ 32 B last_leaf_hash
//! leaf_hash = SHA-256(0x00 ‖ leaf)
//! ```

use vv_base::{TenantId, Timestamp};

use crate::leaf::LeafError;
use crate::tree::Hash;

const MAGIC: &[u8; 4] = b"VVN1";

/// What a chain was at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnchorLeaf {
    /// 1 for the first leaf of the anchor log, then without gaps.
    pub position: u64,
    /// When it was written; never earlier than the one before.
    pub at: Timestamp,
    /// The chain.
    pub chain: TenantId,
    /// How many events it had.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
    /// The hash of the last of them.
    pub last_leaf_hash: Hash,
}

impl AnchorLeaf {
    /// How many bytes a leaf has.
    pub const LENGTH: usize = 4 + 1 + 8 + 8 + 16 + 8 + 32 + 32;

    /// The bytes of the leaf, 109 of them.
    pub fn encode(&self) -> Vec<u8> {
        let micros = u64::try_from(self.at.unix_micros()).unwrap_or(0);
        let parts: [&[u8]; 8] = [
            MAGIC,
            &[0],
            &self.position.to_be_bytes(),
            &micros.to_be_bytes(),
            self.chain.as_bytes(),
            &self.size.to_be_bytes(),
            &self.root,
            &self.last_leaf_hash,
        ];
        parts.concat()
    }

    /// Takes the bytes of a leaf apart.
    pub fn decode(bytes: &[u8]) -> Result<Self, LeafError> {
        if bytes.len() > Self::LENGTH {
            return Err(LeafError::TooLarge);
        }
        let (magic, rest) = split::<4>(bytes)?;
        let (flags, rest) = split::<1>(rest)?;
        if &magic != MAGIC || flags != [0] {
            return Err(LeafError::Format);
        }
        let (position, rest) = split::<8>(rest)?;
        let (micros, rest) = split::<8>(rest)?;
        let (chain, rest) = split::<16>(rest)?;
        let (size, rest) = split::<8>(rest)?;
        let (root, rest) = split::<32>(rest)?;
        let (last_leaf_hash, _) = split::<32>(rest)?;
        // A time that the clock cannot hold would not encode to the same bytes.
        let micros = i64::try_from(u64::from_be_bytes(micros)).map_err(|_| LeafError::Format)?;
        Ok(Self {
            position: u64::from_be_bytes(position),
            at: Timestamp::from_unix_micros(micros),
            chain: TenantId::from_bytes(chain),
            size: u64::from_be_bytes(size),
            root,
            last_leaf_hash,
        })
    }
}

fn split<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), LeafError> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(LeafError::Truncated)?;
    Ok((*head, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf() -> AnchorLeaf {
        AnchorLeaf {
            position: 7,
            at: Timestamp::from_unix_micros(1_700_000_000_000_001),
            chain: TenantId::from_bytes([9; 16]),
            size: 300,
            root: [1; 32],
            last_leaf_hash: [2; 32],
        }
    }

    #[test]
    fn a_leaf_has_the_documented_bytes() {
        let bytes = leaf().encode();
        assert_eq!(bytes.len(), 109);
        assert_eq!(&bytes[..5], b"VVN1\0");
        assert_eq!(&bytes[5..13], &7_u64.to_be_bytes());
        assert_eq!(&bytes[13..21], &1_700_000_000_000_001_u64.to_be_bytes());
        assert_eq!(&bytes[21..37], &[9; 16]);
        assert_eq!(&bytes[37..45], &300_u64.to_be_bytes());
        assert_eq!(&bytes[45..77], &[1; 32]);
        assert_eq!(&bytes[77..], &[2; 32]);
        assert_eq!(AnchorLeaf::decode(&bytes), Ok(leaf()));
    }

    #[test]
    fn damage_is_an_error() {
        let bytes = leaf().encode();
        for length in 0..109 {
            assert_eq!(
                AnchorLeaf::decode(&bytes[..length]),
                Err(LeafError::Truncated)
            );
        }
        let longer = [bytes.as_slice(), b"x"].concat();
        assert_eq!(AnchorLeaf::decode(&longer), Err(LeafError::TooLarge));
        for place in [0, 4, 13] {
            let mut wrong = bytes.clone();
            wrong[place] |= 0x80;
            assert_eq!(AnchorLeaf::decode(&wrong), Err(LeafError::Format));
        }
    }
}
