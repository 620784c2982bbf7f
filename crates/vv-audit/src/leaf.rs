//! The leaf of the audit chain, format `VVA1`:
//!
//! ```text
//! "VVA1" ‖ u8 flags ‖ u64be height ‖ u64be seq_ts_us ‖ 16 B chain_id ‖ 32 B prev_leaf_hash ‖ body
//! leaf_hash = SHA-256(0x00 ‖ leaf)                     (RFC 6962 §2.1 leaf hash)
//! ```

use vv_base::{TenantId, Timestamp};

const MAGIC: &[u8; 4] = b"VVA1";
const HEADER: usize = 4 + 1 + 8 + 8 + 16 + 32;
/// The entry limit of tlog-tiles bundles.
const MAX_LEAF: usize = 65_535;

/// The part of a leaf that the chain assigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafHeader {
    /// 1 for the first event of a chain, then without gaps.
    pub height: u64,
    /// When the event got its place; never earlier than the one before.
    pub seq_ts: Timestamp,
    /// The tenant whose chain this is; the nil id for the system chain.
    pub chain: TenantId,
    /// Hash of the leaf before; zeros for the first.
    pub prev: [u8; 32],
}

/// A leaf taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf<'a> {
    /// What the chain assigned.
    pub header: LeafHeader,
    /// The canonical JSON text.
    pub body: &'a str,
}

/// Why bytes are not a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// Shorter than a header.
    #[error("the leaf is cut off")]
    Truncated,
    /// Longer than a tlog-tiles entry may be.
    #[error("the leaf is larger than {MAX_LEAF} bytes")]
    TooLarge,
    /// Another format or version.
    #[error("the leaf does not start with VVA1 and known flags")]
    Format,
    /// The body is not UTF-8.
    #[error("the leaf body is not UTF-8")]
    Encoding,
}

impl LeafHeader {
    /// The leaf bytes for a body.
    pub fn encode(&self, body: &str) -> Result<Vec<u8>, LeafError> {
        if HEADER + body.len() > MAX_LEAF {
            return Err(LeafError::TooLarge);
        }
        let micros = u64::try_from(self.seq_ts.unix_micros()).unwrap_or(0);
        let mut leaf = Vec::with_capacity(HEADER + body.len());
        leaf.extend_from_slice(MAGIC);
        leaf.push(0);
        leaf.extend_from_slice(&self.height.to_be_bytes());
        leaf.extend_from_slice(&micros.to_be_bytes());
        leaf.extend_from_slice(self.chain.as_bytes());
        leaf.extend_from_slice(&self.prev);
        leaf.extend_from_slice(body.as_bytes());
        Ok(leaf)
    }
}

impl<'a> Leaf<'a> {
    /// Takes leaf bytes apart.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, LeafError> {
        if bytes.len() > MAX_LEAF {
            return Err(LeafError::TooLarge);
        }
        let (magic, rest) = split::<4>(bytes)?;
        let (flags, rest) = split::<1>(rest)?;
        if &magic != MAGIC || flags != [0] {
            return Err(LeafError::Format);
        }
        let (height, rest) = split::<8>(rest)?;
        let (micros, rest) = split::<8>(rest)?;
        let (chain, rest) = split::<16>(rest)?;
        let (prev, body) = split::<32>(rest)?;
        // A time that the clock cannot hold would not encode to the same bytes.
        let micros = i64::try_from(u64::from_be_bytes(micros)).map_err(|_| LeafError::Format)?;
        Ok(Self {
            header: LeafHeader {
                height: u64::from_be_bytes(height),
                seq_ts: Timestamp::from_unix_micros(micros),
                chain: TenantId::from_bytes(chain),
                prev,
            },
            body: std::str::from_utf8(body).map_err(|_| LeafError::Encoding)?,
        })
    }
}

/// Refuses a body that no leaf can hold, before it is given a place.
pub(crate) fn check_body(body: &str) -> Result<(), LeafError> {
    if HEADER + body.len() > MAX_LEAF {
        return Err(LeafError::TooLarge);
    }
    Ok(())
}

fn split<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), LeafError> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(LeafError::Truncated)?;
    Ok((*head, rest))
}

/// The RFC 6962 leaf hash, which is also the link of the chain.
pub fn leaf_hash(leaf: &[u8]) -> [u8; 32] {
    vv_crypto::sha256(&[&[0], leaf])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> LeafHeader {
        LeafHeader {
            height: 7,
            seq_ts: Timestamp::from_unix_micros(1_700_000_000_000_001),
            chain: TenantId::from_bytes([9; 16]),
            prev: [3; 32],
        }
    }

    #[test]
    fn a_leaf_has_the_documented_bytes() {
        let leaf = header().encode("{}").expect("small");
        assert_eq!(leaf.len(), 69 + 2);
        assert_eq!(&leaf[..5], b"VVA1\0");
        assert_eq!(&leaf[5..13], &7_u64.to_be_bytes());
        assert_eq!(&leaf[13..21], &1_700_000_000_000_001_u64.to_be_bytes());
        assert_eq!(&leaf[21..37], &[9; 16]);
        assert_eq!(&leaf[37..69], &[3; 32]);
        assert_eq!(
            Leaf::decode(&leaf),
            Ok(Leaf {
                header: header(),
                body: "{}"
            })
        );
    }

    /// The hash of an empty leaf is given in RFC 6962 reference implementations.
    #[test]
    fn the_leaf_hash_is_the_one_of_rfc_6962() {
        assert_eq!(
            hex::encode(leaf_hash(b"")),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let leaf = header().encode("{}").expect("small");
        for length in 0..69 {
            assert_eq!(Leaf::decode(&leaf[..length]), Err(LeafError::Truncated));
        }
        let mut wrong = leaf.clone();
        wrong[4] = 1;
        assert_eq!(Leaf::decode(&wrong), Err(LeafError::Format));
        let mut far = leaf.clone();
        far[13] = 0x80;
        assert_eq!(Leaf::decode(&far), Err(LeafError::Format));
        let long = "x".repeat(MAX_LEAF);
        assert_eq!(header().encode(&long), Err(LeafError::TooLarge));
    }
}
