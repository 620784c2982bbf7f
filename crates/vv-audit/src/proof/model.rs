use serde::{Deserialize, Serialize};

use crate::tree::{Hash, ProofError, verify_consistency, verify_inclusion};

/// The proof that an event is in a tree. In JSON hashes are lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InclusionProof {
    /// The event's height less one.
    pub leaf_index: u64,
    /// How many events the tree holds.
    pub tree_size: u64,
    /// The hash of the event's leaf.
    #[serde(with = "hex_hash")]
    pub leaf_hash: Hash,
    /// The siblings on the way up, lowest first.
    #[serde(with = "hex_hashes")]
    pub path: Vec<Hash>,
    /// The root of the tree.
    #[serde(with = "hex_hash")]
    pub root: Hash,
}

impl InclusionProof {
    /// Checks that the path leads from the leaf to the root. Whether the root
    /// is the right one only a checkpoint tells.
    pub fn verify(&self) -> Result<(), ProofError> {
        verify_inclusion(
            &self.leaf_hash,
            self.leaf_index,
            self.tree_size,
            &self.path,
            &self.root,
        )
    }
}

/// The proof that a tree continues an older one. In JSON hashes are lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsistencyProof {
    /// Size of the older tree, at least 1.
    pub from: u64,
    /// Size of the newer tree.
    pub to: u64,
    /// The hashes that lead to both roots, as RFC 6962 §2.1.2 orders them.
    #[serde(with = "hex_hashes")]
    pub path: Vec<Hash>,
    /// The root of the older tree.
    #[serde(with = "hex_hash")]
    pub from_root: Hash,
    /// The root of the newer tree.
    #[serde(with = "hex_hash")]
    pub to_root: Hash,
}

impl ConsistencyProof {
    /// Checks that the path leads to both roots.
    pub fn verify(&self) -> Result<(), ProofError> {
        verify_consistency(
            self.from,
            self.to,
            &self.from_root,
            &self.to_root,
            &self.path,
        )
    }
}

/// Size and root of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LogHead {
    /// How many leaves it has.
    pub size: u64,
    /// The root of the tree over them.
    #[serde(with = "hex_hash")]
    pub root: Hash,
}

mod hex_hash {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::tree::Hash;

    pub(super) fn serialize<S: Serializer>(hash: &Hash, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(hash))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(from)?;
        super::decode(&text).ok_or_else(|| D::Error::custom("expected 64 lower-case hex digits"))
    }
}

mod hex_hashes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::tree::Hash;

    pub(super) fn serialize<S: Serializer>(path: &[Hash], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(path.iter().map(hex::encode))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Hash>, D::Error> {
        let path = Vec::<String>::deserialize(from)?;
        path.iter()
            .map(|text| super::decode(text))
            .collect::<Option<_>>()
            .ok_or_else(|| D::Error::custom("expected 64 lower-case hex digits"))
    }
}

fn decode(text: &str) -> Option<Hash> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    hex::decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_the_pinned_one() {
        let proof = InclusionProof {
            leaf_index: 1,
            tree_size: 2,
            leaf_hash: [0xab; 32],
            path: vec![[1; 32]],
            root: [2; 32],
        };
        let text = serde_json::to_string(&proof).unwrap();
        let expected = format!(
            r#"{{"leaf_index":1,"tree_size":2,"leaf_hash":"{}","path":["{}"],"root":"{}"}}"#,
            "ab".repeat(32),
            "01".repeat(32),
            "02".repeat(32)
        );
        assert_eq!(text, expected);
        assert_eq!(
            serde_json::from_str::<InclusionProof>(&text).unwrap(),
            proof
        );
        assert!(serde_json::from_str::<InclusionProof>(&text.replace("ab", "AB")).is_err());
        let proof = ConsistencyProof {
            from: 1,
            to: 2,
            path: vec![[1; 32]],
            from_root: [2; 32],
            to_root: [3; 32],
        };
        let text = serde_json::to_string(&proof).unwrap();
        let expected = format!(
            r#"{{"from":1,"to":2,"path":["{}"],"from_root":"{}","to_root":"{}"}}"#,
            "01".repeat(32),
            "02".repeat(32),
            "03".repeat(32)
        );
        assert_eq!(text, expected);
    }
}
