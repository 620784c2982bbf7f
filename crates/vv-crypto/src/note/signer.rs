//! Making signatures on notes.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, ML_DSA_44_SIGNING, PqdsaKeyPair};
use vv_base::Timestamp;

use super::cosign::{
    MAX_NAME, ed25519_message, seconds_of, subtree_message, timestamped, tree_message,
};
use super::{
    Checkpoint, KeyName, Note, NoteError, NoteSignature, SignatureType, Subtree, VerifierKey,
    check_text,
};
use crate::kdf::Key32;
use crate::keyring::Keyring;

/// Signs the checkpoints of our logs: Ed25519 over the note text (`0x01`) and
/// ML-DSA-44 in the cosignature form (`0x06`). One key pair serves every origin.
/// ML-DSA signatures are hedged with fresh randomness of the library, so two
/// signatures of one checkpoint differ.
#[derive(Clone)]
pub struct CheckpointSigner {
    name: KeyName,
    keys: Arc<Keys>,
}

/// Cosigns checkpoints of other logs as a witness: `cosignature/v1` (`0x04`) and
/// ML-DSA-44 (`0x06`). Its keys are made for its name alone. Whether a
/// checkpoint may be cosigned is not decided here.
#[derive(Clone)]
pub struct WitnessSigner {
    name: KeyName,
    keys: Arc<Keys>,
}

/// Signs texts that are no checkpoints, such as retention manifests, with an
/// Ed25519 key of its own (`0x01`).
pub struct TextSigner {
    name: KeyName,
    active: Ed25519KeyPair,
    /// Public keys of older generations.
    older: Vec<Vec<u8>>,
}

impl Keyring {
    /// The signer of checkpoints under a key name, which is the origin of the log.
    pub fn checkpoint_signer(&self, name: &str) -> Result<CheckpointSigner, NoteError> {
        let name = cosigner_name(name)?;
        let keys = Arc::new(Keys::new(self.note_seeds().checkpoint.pairs())?);
        Ok(CheckpointSigner { name, keys })
    }

    /// The signer of cosignatures under a witness's name.
    pub fn witness_signer(&self, name: &str) -> Result<WitnessSigner, NoteError> {
        let name = cosigner_name(name)?;
        let pairs = self.note_seeds().witness.pairs_of(name.as_str());
        let keys = Arc::new(Keys::new(pairs)?);
        Ok(WitnessSigner { name, keys })
    }

    /// The signer of manifests and other texts under a key name.
    pub fn text_signer(&self, name: &str) -> Result<TextSigner, NoteError> {
        let name = KeyName::parse(name)?;
        let seeds = &self.note_seeds().text;
        let older = seeds
            .all()
            .skip(1)
            .map(|(_, seed)| Ok(ed25519(seed)?.public_key().as_ref().to_vec()))
            .collect::<Result<_, NoteError>>()?;
        Ok(TextSigner {
            name,
            active: ed25519(seeds.active().1)?,
            older,
        })
    }
}

impl CheckpointSigner {
    /// The same keys under the name of another log.
    pub fn named(&self, name: &str) -> Result<Self, NoteError> {
        let name = cosigner_name(name)?;
        let keys = Arc::clone(&self.keys);
        Ok(Self { name, keys })
    }

    /// The key name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The whole note: the checkpoint and both signature lines. The time, to the
    /// second, stands in the ML-DSA signature and says that no larger tree
    /// existed then.
    pub fn sign(&self, checkpoint: &Checkpoint, at: Timestamp) -> Result<String, NoteError> {
        let text = checkpoint.to_string();
        let ed25519 = self.keys.active.ed25519.sign(text.as_bytes());
        let lines = vec![
            self.keys.line(
                &self.name,
                SignatureType::Ed25519,
                ed25519.as_ref().to_vec(),
            )?,
            self.keys.cosign_tree(&self.name, checkpoint, at)?,
        ];
        Ok(Note::new(&text, lines)?.to_string())
    }

    /// The ML-DSA-44 cosignature of a subtree, without a time. For a segment of
    /// the log that must stand on its own.
    pub fn sign_subtree(&self, subtree: &Subtree) -> Result<NoteSignature, NoteError> {
        self.keys.cosign_subtree(&self.name, subtree)
    }

    /// What verifies the signatures: two keys for each generation, active first.
    pub fn verifier_keys(&self) -> Result<Vec<VerifierKey>, NoteError> {
        self.keys.verifier_keys(&self.name, SignatureType::Ed25519)
    }
}

impl WitnessSigner {
    /// The key name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Both cosignature lines for a checkpoint, given as its note text. Extension
    /// lines are covered by the Ed25519 line only.
    pub fn cosign(&self, text: &str, at: Timestamp) -> Result<Vec<NoteSignature>, NoteError> {
        let checkpoint = Checkpoint::parse(text)?;
        let seconds = seconds_of(at)?;
        let ed25519 = self
            .keys
            .active
            .ed25519
            .sign(&ed25519_message(seconds, text));
        let ed25519 = self.keys.line(
            &self.name,
            SignatureType::Ed25519Cosignature,
            timestamped(seconds, ed25519.as_ref()),
        )?;
        let ml_dsa = self.keys.cosign_tree(&self.name, &checkpoint, at)?;
        Ok(vec![ed25519, ml_dsa])
    }

    /// The ML-DSA-44 cosignature of a subtree, without a time.
    pub fn sign_subtree(&self, subtree: &Subtree) -> Result<NoteSignature, NoteError> {
        self.keys.cosign_subtree(&self.name, subtree)
    }

    /// What verifies the cosignatures: two keys for each generation, active first.
    pub fn verifier_keys(&self) -> Result<Vec<VerifierKey>, NoteError> {
        self.keys
            .verifier_keys(&self.name, SignatureType::Ed25519Cosignature)
    }
}

impl TextSigner {
    /// The key name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// The whole note. The text ends with a line feed and has no other control
    /// characters.
    pub fn sign_text(&self, text: &str) -> Result<String, NoteError> {
        check_text(text)?;
        let public = self.active.public_key().as_ref();
        let key = VerifierKey::new(self.name.clone(), SignatureType::Ed25519, public)?;
        let signature = self.active.sign(text.as_bytes()).as_ref().to_vec();
        let line = NoteSignature::new(self.name.clone(), key.key_id(), signature);
        Ok(Note::new(text, vec![line])?.to_string())
    }

    /// What verifies the texts: one key for each generation, active first.
    pub fn verifier_keys(&self) -> Result<Vec<VerifierKey>, NoteError> {
        std::iter::once(self.active.public_key().as_ref())
            .chain(self.older.iter().map(Vec::as_slice))
            .map(|public| VerifierKey::new(self.name.clone(), SignatureType::Ed25519, public))
            .collect()
    }
}

/// An Ed25519 key and an ML-DSA-44 key of one generation.
struct Pair {
    ed25519: Ed25519KeyPair,
    ml_dsa: PqdsaKeyPair,
}

impl Pair {
    fn new((first, second): &(Key32, Key32)) -> Result<Self, NoteError> {
        let ml_dsa = PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, second.as_slice());
        Ok(Self {
            ed25519: ed25519(first)?,
            ml_dsa: ml_dsa.map_err(|_| NoteError::Signing)?,
        })
    }
}

fn ed25519(seed: &Key32) -> Result<Ed25519KeyPair, NoteError> {
    Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).map_err(|_| NoteError::Signing)
}

struct Keys {
    active: Pair,
    /// Public keys of older generations, Ed25519 and ML-DSA-44.
    older: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Keys {
    fn new(mut seeds: impl Iterator<Item = (Key32, Key32)>) -> Result<Self, NoteError> {
        let active = Pair::new(&seeds.next().ok_or(NoteError::Signing)?)?;
        let older = seeds
            .map(|pair| Ok(public_keys(&Pair::new(&pair)?)))
            .collect::<Result<_, NoteError>>()?;
        Ok(Self { active, older })
    }

    /// A line of the active key of this type.
    fn line(
        &self,
        name: &KeyName,
        kind: SignatureType,
        signature: Vec<u8>,
    ) -> Result<NoteSignature, NoteError> {
        let (ed25519, ml_dsa) = public_keys(&self.active);
        let public = match kind {
            SignatureType::Ed25519 | SignatureType::Ed25519Cosignature => ed25519,
            SignatureType::MlDsa44Cosignature => ml_dsa,
        };
        let key = VerifierKey::new(name.clone(), kind, &public)?;
        Ok(NoteSignature::new(name.clone(), key.key_id(), signature))
    }

    fn cosign_tree(
        &self,
        name: &KeyName,
        checkpoint: &Checkpoint,
        at: Timestamp,
    ) -> Result<NoteSignature, NoteError> {
        let seconds = seconds_of(at)?;
        let message = tree_message(name, seconds, checkpoint)?;
        self.ml_dsa_line(name, seconds, &message)
    }

    fn cosign_subtree(
        &self,
        name: &KeyName,
        subtree: &Subtree,
    ) -> Result<NoteSignature, NoteError> {
        let message = subtree_message(name, 0, subtree)?;
        self.ml_dsa_line(name, 0, &message)
    }

    fn ml_dsa_line(
        &self,
        name: &KeyName,
        seconds: u64,
        message: &[u8],
    ) -> Result<NoteSignature, NoteError> {
        let mut signature = vec![0; ML_DSA_44_SIGNING.signature_len()];
        self.active
            .ml_dsa
            .sign(message, &mut signature)
            .map_err(|_| NoteError::Signing)?;
        let signature = timestamped(seconds, &signature);
        self.line(name, SignatureType::MlDsa44Cosignature, signature)
    }

    fn verifier_keys(
        &self,
        name: &KeyName,
        ed25519_kind: SignatureType,
    ) -> Result<Vec<VerifierKey>, NoteError> {
        let mut keys = Vec::new();
        for (ed25519, ml_dsa) in std::iter::once(&public_keys(&self.active)).chain(&self.older) {
            keys.push(VerifierKey::new(name.clone(), ed25519_kind, ed25519)?);
            let kind = SignatureType::MlDsa44Cosignature;
            keys.push(VerifierKey::new(name.clone(), kind, ml_dsa)?);
        }
        Ok(keys)
    }
}

fn public_keys(pair: &Pair) -> (Vec<u8>, Vec<u8>) {
    (
        pair.ed25519.public_key().as_ref().to_vec(),
        pair.ml_dsa.public_key().as_ref().to_vec(),
    )
}

/// A key name that fits into an ML-DSA message.
fn cosigner_name(name: &str) -> Result<KeyName, NoteError> {
    KeyName::parse(name).and_then(|name| {
        if name.as_str().len() > MAX_NAME {
            Err(NoteError::KeyName)
        } else {
            Ok(name)
        }
    })
}

impl std::fmt::Debug for CheckpointSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CheckpointSigner({})", self.name)
    }
}

impl std::fmt::Debug for WitnessSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WitnessSigner({})", self.name)
    }
}

impl std::fmt::Debug for TextSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TextSigner({})", self.name)
    }
}
