use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use vv_base::Rng;
use zeroize::Zeroizing;

use super::claims::AccessClaims;
use super::{MAX_TOKEN_BYTES, TYP};
use crate::aead::{OpenError, SealError};
use crate::kdf::{MacKey, sha256};
use crate::seal::{DataKey, Place, Sealed};
use crate::strength::{Weakness, weakness};

/// PKCS #8 (RFC 8410 §7) in front of the 32-byte seed of an Ed25519 private key.
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Why a stored signing key could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// The sealed bytes did not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What was sealed is not an Ed25519 seed.
    #[error("the stored signing key is not an Ed25519 key")]
    NotAKey,
}

/// Why a shared secret is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token signing secret {0}; make one with `openssl rand -hex 32`")]
pub struct SharedSecretError(pub Weakness);

/// Why a token could not be issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Claims no verifier would accept: expiry not after issue, a life of more
    /// than 24 hours, a time outside the range of dates, an assurance level other than 1 to 3.
    #[error("the token claims are out of range")]
    Claims,
    /// The claims would make a token longer than [`MAX_TOKEN_BYTES`].
    #[error("the token would be too long")]
    TooLong,
    /// The signature primitive refused to work.
    #[error("the token could not be signed")]
    Signature,
}

/// An Ed25519 private key for access tokens.
pub struct SigningKey {
    seed: Zeroizing<[u8; 32]>,
    public: [u8; 32],
    kid: String,
    encoding: EncodingKey,
}

impl SigningKey {
    /// A fresh key.
    pub fn generate_ed25519(rng: &dyn Rng) -> Result<Self, SigningKeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill(seed.as_mut_slice());
        Self::from_seed(seed)
    }

    pub(super) fn from_seed(seed: Zeroizing<[u8; 32]>) -> Result<Self, SigningKeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice())
            .map_err(|_| SigningKeyError::NotAKey)?;
        let public: [u8; 32] = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| SigningKeyError::NotAKey)?;
        let mut der = Zeroizing::new([0; 48]);
        for (slot, byte) in der.iter_mut().zip(PKCS8_PREFIX.iter().chain(seed.iter())) {
            *slot = *byte;
        }
        Ok(Self {
            kid: thumbprint(&public),
            encoding: EncodingKey::from_ed_der(der.as_slice()),
            seed,
            public,
        })
    }

    #[cfg(test)]
    pub(super) fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// The private key sealed for storage.
    pub fn to_sealed(
        &self,
        data: &DataKey,
        place: &Place<'_>,
        rng: &dyn Rng,
    ) -> Result<Sealed, SealError> {
        data.seal(place, self.seed.as_slice(), rng)
    }

    /// Reads a key that [`Self::to_sealed`] wrote for the same place.
    pub fn from_sealed(
        data: &DataKey,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<Self, SigningKeyError> {
        let opened = data.open(place, sealed)?;
        let seed: [u8; 32] = opened
            .expose()
            .as_slice()
            .try_into()
            .map_err(|_| SigningKeyError::NotAKey)?;
        Self::from_seed(Zeroizing::new(seed))
    }

    /// Key id: the JWK thumbprint (RFC 7638) of the public key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half, 32 bytes as RFC 8032 encodes it.
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// SHA-256 over the required members in lexicographic order (RFC 7638 §3, RFC 8037 §2).
fn thumbprint(public: &[u8; 32]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public);
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(sha256(&[jwk.as_bytes()]))
}

/// The secret of an installation that signs with HMAC-SHA-256. Whoever can
/// verify such tokens can also make them.
pub struct SharedSecret {
    secret: Zeroizing<Vec<u8>>,
    kid: String,
}

impl SharedSecret {
    /// Takes the bytes of the text as they are; refuses short, published and
    /// patterned secrets (RFC 7518 §3.2 asks for at least 32 bytes).
    pub fn parse(text: &str) -> Result<Self, SharedSecretError> {
        let text = text.trim();
        if let Some(weakness) = weakness(text) {
            return Err(SharedSecretError(weakness));
        }
        let secret = Zeroizing::new(text.as_bytes().to_vec());
        let tag = MacKey::new(&secret).framed("valueverse/jwt/kid", &[]);
        let kid = format!(
            "hs-{}",
            URL_SAFE_NO_PAD.encode(tag.first_chunk::<12>().copied().unwrap_or_default())
        );
        Ok(Self { secret, kid })
    }

    /// Key id: a keyed hash, so it does not help to guess the secret more than
    /// any token does.
    pub fn kid(&self) -> &str {
        &self.kid
    }
}

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedSecret")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// Signs access tokens with the one key that is active.
#[derive(Debug)]
pub enum AccessSigner {
    /// Ed25519; others can verify with the published key.
    EdDsa(SigningKey),
    /// HMAC-SHA-256 with a shared secret.
    Hs256(SharedSecret),
}

impl AccessSigner {
    /// The id in the header of every token signed here.
    pub fn kid(&self) -> &str {
        match self {
            Self::EdDsa(key) => key.kid(),
            Self::Hs256(secret) => secret.kid(),
        }
    }

    /// The signed token in compact form (RFC 7515 §7.1).
    pub fn sign(&self, claims: &AccessClaims) -> Result<String, SignError> {
        if !claims.in_range() {
            return Err(SignError::Claims);
        }
        let mut header = Header::new(match self {
            Self::EdDsa(_) => Algorithm::EdDSA,
            Self::Hs256(_) => Algorithm::HS256,
        });
        header.typ = Some(TYP.to_owned());
        header.kid = Some(self.kid().to_owned());
        let token = match self {
            Self::EdDsa(key) => jsonwebtoken::encode(&header, claims, &key.encoding),
            Self::Hs256(key) => {
                jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(&key.secret))
            }
        }
        .map_err(|_| SignError::Signature)?;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(SignError::TooLong);
        }
        Ok(token)
    }

    /// What a verifier needs to accept these tokens.
    pub fn verifying_key(&self) -> VerifyingKey {
        match self {
            Self::EdDsa(key) => VerifyingKey::ed25519(key.public_key()),
            Self::Hs256(secret) => VerifyingKey {
                kid: secret.kid.clone(),
                algorithm: TokenAlgorithm::Hs256,
                key: DecodingKey::from_secret(&secret.secret),
                public: None,
            },
        }
    }
}

/// The two algorithms tokens may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenAlgorithm {
    EdDsa,
    Hs256,
}

impl TokenAlgorithm {
    /// As headers spell it (RFC 7518 §3.1, RFC 8037 §3.1).
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
        }
    }

    pub(super) const fn primitive(self) -> Algorithm {
        match self {
            Self::EdDsa => Algorithm::EdDSA,
            Self::Hs256 => Algorithm::HS256,
        }
    }
}

/// One key a verifier accepts, with the one algorithm it may be used for.
#[derive(Clone)]
pub struct VerifyingKey {
    pub(super) kid: String,
    pub(super) algorithm: TokenAlgorithm,
    pub(super) key: DecodingKey,
    /// Set for keys that may be published.
    pub(super) public: Option<[u8; 32]>,
}

impl VerifyingKey {
    /// An Ed25519 public key, for example of a key that no longer signs.
    pub fn ed25519(public: &[u8; 32]) -> Self {
        Self {
            kid: thumbprint(public),
            algorithm: TokenAlgorithm::EdDsa,
            key: DecodingKey::from_ed_der(public),
            public: Some(*public),
        }
    }

    /// The id tokens name it by.
    pub fn kid(&self) -> &str {
        &self.kid
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
