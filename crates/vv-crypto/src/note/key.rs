//! Names, ids and public keys of signers.

use aws_lc_rs::signature::{ED25519, ML_DSA_44, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::NoteError;
use super::cosign::MAX_NAME;
use crate::kdf::sha256;

/// Longest verifier key text accepted, in bytes: an ML-DSA-44 key and a long name.
const MAX_TEXT: usize = 8192;

/// The *key name* of a signer: not empty, without Unicode spaces, plus signs and
/// control characters. Best a URL without its scheme, such as `example.com/log`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    /// Checks the rules of `signed-note`.
    pub fn parse(name: &str) -> Result<Self, NoteError> {
        let forbidden = |c: char| c.is_whitespace() || c == '+' || c < ' ';
        if name.is_empty() || name.chars().any(forbidden) {
            return Err(NoteError::KeyName);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for KeyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The *key ID*: 32 bits that find a key together with its name. It is no proof
/// of anything, because another key with the same id is easily made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(super) u32);

/// Eight hexadecimal digits.
impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// The *signature type* of a key, which is also part of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureType {
    /// `0x01`: Ed25519 (RFC 8032) over the note text, without a time.
    Ed25519,
    /// `0x04`: dated Ed25519 cosignature of a checkpoint, `cosignature/v1`.
    Ed25519Cosignature,
    /// `0x06`: ML-DSA-44 (FIPS 204) cosignature of a tree or subtree, dated if
    /// it is of a tree.
    MlDsa44Cosignature,
}

impl SignatureType {
    /// The identifier byte.
    pub fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::Ed25519Cosignature => 0x04,
            Self::MlDsa44Cosignature => 0x06,
        }
    }

    fn from_byte(byte: u8) -> Result<Self, NoteError> {
        [
            Self::Ed25519,
            Self::Ed25519Cosignature,
            Self::MlDsa44Cosignature,
        ]
        .into_iter()
        .find(|kind| kind.byte() == byte)
        .ok_or(NoteError::SignatureType(byte))
    }

    /// Length of the public key, in bytes.
    fn key_len(self) -> usize {
        match self {
            Self::Ed25519 | Self::Ed25519Cosignature => 32,
            Self::MlDsa44Cosignature => 1312,
        }
    }
}

/// A *verifier key* (*vkey*): what is needed to check the signatures of one
/// signer. Its text form is `<key name>+hex(key id)+base64(type ‖ public key)`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: KeyName,
    kind: SignatureType,
    public: Vec<u8>,
    id: KeyId,
}

impl VerifierKey {
    /// A key from its parts. The public key has the encoding of RFC 8032 or
    /// FIPS 204.
    pub fn new(name: KeyName, kind: SignatureType, public: &[u8]) -> Result<Self, NoteError> {
        if public.len() != kind.key_len() {
            return Err(NoteError::VerifierKey);
        }
        // The signed message of ML-DSA holds the name behind one length byte.
        if kind == SignatureType::MlDsa44Cosignature && name.as_str().len() > MAX_NAME {
            return Err(NoteError::KeyName);
        }
        let id = key_id(&name, kind, public);
        Ok(Self {
            name,
            kind,
            public: public.to_vec(),
            id,
        })
    }

    /// Reads the text form; an id that does not fit is refused.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        if text.len() > MAX_TEXT {
            return Err(NoteError::VerifierKey);
        }
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::VerifierKey);
        };
        let bytes = STANDARD.decode(key).map_err(|_| NoteError::VerifierKey)?;
        let (kind, public) = bytes.split_first().ok_or(NoteError::VerifierKey)?;
        let parsed = Self::new(
            KeyName::parse(name)?,
            SignatureType::from_byte(*kind)?,
            public,
        )?;
        if parsed.id.to_string() != id {
            return Err(NoteError::KeyId);
        }
        Ok(parsed)
    }

    /// The same public key under another name, and so with another id. A log key
    /// signs under the origin of each of its chains.
    pub fn named(&self, name: KeyName) -> Result<Self, NoteError> {
        Self::new(name, self.kind, &self.public)
    }

    /// The key name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// What kind of signatures the key makes.
    pub fn signature_type(&self) -> SignatureType {
        self.kind
    }

    /// The key id.
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// The public key in the encoding of its standard.
    pub fn public_key(&self) -> &[u8] {
        &self.public
    }

    /// Whether the bare signature is one of the message, ML-DSA with an empty context.
    pub(super) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &'static dyn VerificationAlgorithm = match self.kind {
            SignatureType::Ed25519 | SignatureType::Ed25519Cosignature => &ED25519,
            SignatureType::MlDsa44Cosignature => &ML_DSA_44,
        };
        UnparsedPublicKey::new(algorithm, &self.public)
            .verify(message, signature)
            .is_ok()
    }
}

/// The text form.
impl std::fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut key = vec![self.kind.byte()];
        key.extend_from_slice(&self.public);
        write!(f, "{}+{}+{}", self.name, self.id, STANDARD.encode(key))
    }
}

impl std::fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifierKey({}+{} {:?})", self.name, self.id, self.kind)
    }
}

impl std::str::FromStr for VerifierKey {
    type Err = NoteError;
    fn from_str(text: &str) -> Result<Self, NoteError> {
        Self::parse(text)
    }
}

/// `SHA-256(name ‖ 0x0A ‖ type ‖ public key)[:4]`.
fn key_id(name: &KeyName, kind: SignatureType, public: &[u8]) -> KeyId {
    let digest = sha256(&[name.as_str().as_bytes(), b"\n", &[kind.byte()], public]);
    let first = digest.first_chunk::<4>().copied().unwrap_or_default();
    KeyId(u32::from_be_bytes(first))
}
