//! The seeds that the keys of note signers grow from.

use crate::kdf::{Key32, hkdf};
use crate::keyring::Versioned;

/// Seeds of an Ed25519 key and an ML-DSA-44 key, in every generation.
pub(crate) struct HybridSeeds {
    ed25519: Versioned<Key32>,
    ml_dsa: Versioned<Key32>,
}

impl HybridSeeds {
    /// Each generation's pair, active first.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (Key32, Key32)> {
        // Both lists come from the same generations in the same order.
        self.ed25519
            .all()
            .zip(self.ml_dsa.all())
            .map(|((_, ed25519), (_, ml_dsa))| (ed25519.clone(), ml_dsa.clone()))
    }

    /// The pairs of one cosigner. An Ed25519 cosignature does not say who made
    /// it, so every cosigner name must have a key of its own.
    pub(super) fn pairs_of(&self, name: &str) -> impl Iterator<Item = (Key32, Key32)> {
        let own = |seed: &Key32| hkdf(b"valueverse/cosigner/v1", seed.as_slice(), name.as_bytes());
        self.pairs()
            .map(move |(ed25519, ml_dsa)| (own(&ed25519), own(&ml_dsa)))
    }
}

/// All seeds for notes in one keyring.
pub(crate) struct NoteSeeds {
    pub(super) checkpoint: HybridSeeds,
    pub(super) witness: HybridSeeds,
    pub(super) text: Versioned<Key32>,
}

impl NoteSeeds {
    /// Derives every purpose with the given function.
    pub(crate) fn derive(seed: impl Fn(&'static str) -> Versioned<Key32>) -> Self {
        Self {
            checkpoint: HybridSeeds {
                ed25519: seed("checkpoint-ed25519"),
                ml_dsa: seed("checkpoint-mldsa44"),
            },
            witness: HybridSeeds {
                ed25519: seed("witness-ed25519"),
                ml_dsa: seed("witness-mldsa44"),
            },
            text: seed("manifest-ed25519"),
        }
    }
}
