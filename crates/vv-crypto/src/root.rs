//! The root key everything else derives from.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use subtle::ConstantTimeEq;
use vv_base::{Rng, Secret};
use zeroize::Zeroizing;

use crate::kdf::{Key32, hkdf, sha256};
use crate::strength::{Weakness, weak_pattern, weakness};

const PREFIX: &str = "vvroot1:";
/// Longest text accepted, in bytes.
const MAX_TEXT: usize = 1024;
/// Thirty-two bytes in hexadecimal.
const HEX_LEN: usize = 64;
const BASE64_CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, BASE64_CONFIG);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, BASE64_CONFIG);

/// Why a text is not taken as a root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RootKeyError {
    /// No text at all.
    #[error("the root key is empty")]
    Empty,
    /// Fewer than 32 bytes of key.
    #[error("the root key is shorter than 32 bytes; make one with `openssl rand -hex 32`")]
    TooShort,
    /// Longer than any sensible key.
    #[error("the root key has more than {MAX_TEXT} characters")]
    TooLong,
    /// The text of a key file was cut or changed.
    #[error("the root key file is damaged: its checksum does not fit; restore it from a backup")]
    Damaged,
    /// A template text or a published default.
    #[error("the root key is a placeholder or a published default")]
    Placeholder,
    /// A pattern, not a random value.
    #[error("the root key is not random: it {0}")]
    Pattern(Weakness),
    /// Control characters or line breaks inside the text.
    #[error("the root key holds control characters")]
    Characters,
}

/// The secret at the top of the key tree: 32 bytes, wiped when dropped.
#[derive(Clone)]
pub struct RootKey(Key32);

impl RootKey {
    /// A fresh key.
    pub fn generate(rng: &dyn Rng) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        rng.fill(key.as_mut_slice());
        Self(key)
    }

    /// Reads a key. Surrounding white space is ignored. In this order:
    ///
    /// 1. `vvroot1:` … the form [`Self::to_text`] writes; a wrong checksum is
    ///    [`RootKeyError::Damaged`], never another key;
    /// 2. 64 hexadecimal digits: the 32 bytes themselves; fewer are too short;
    /// 3. base64, standard or URL-safe, with or without padding, of exactly 32
    ///    bytes: the bytes themselves;
    /// 4. any other text of 32 to 1024 bytes: condensed by HKDF-SHA-256. This is not a
    ///    password hash, so the text must come from a random generator.
    ///
    /// Placeholders, repetitions and sequences are refused in every form.
    pub fn parse(text: &str) -> Result<Self, RootKeyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(RootKeyError::Empty);
        }
        if text.len() > MAX_TEXT {
            return Err(RootKeyError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(RootKeyError::Characters);
        }
        if let Some(rest) = text.strip_prefix(PREFIX) {
            return Self::parse_file_form(rest);
        }
        match weakness(text) {
            None => {}
            Some(Weakness::Empty) => return Err(RootKeyError::Empty),
            Some(Weakness::Short) => return Err(RootKeyError::TooShort),
            Some(Weakness::Placeholder) => return Err(RootKeyError::Placeholder),
            Some(pattern) => return Err(RootKeyError::Pattern(pattern)),
        }
        if text.bytes().all(|b| b.is_ascii_hexdigit()) {
            if text.len() < HEX_LEN {
                return Err(RootKeyError::TooShort);
            }
            let mut key = Zeroizing::new([0; 32]);
            if hex::decode_to_slice(text, key.as_mut_slice()).is_ok() {
                return Self::checked(key);
            }
        } else if let Some(key) = decode_base64(text) {
            return Self::checked(key);
        }
        Ok(Self(hkdf(
            b"valueverse/root-key/text/v1",
            text.as_bytes(),
            b"",
        )))
    }

    fn parse_file_form(rest: &str) -> Result<Self, RootKeyError> {
        let (body, checksum) = rest.split_once(':').ok_or(RootKeyError::Damaged)?;
        let mut key = Zeroizing::new([0; 32]);
        let length = general_purpose::URL_SAFE_NO_PAD
            .decode_slice(body, key.as_mut_slice())
            .map_err(|_| RootKeyError::Damaged)?;
        let expected = checksum_of(&key);
        let intact = expected.as_bytes().ct_eq(checksum.as_bytes());
        if length != key.len() || !bool::from(intact) {
            return Err(RootKeyError::Damaged);
        }
        Self::checked(key)
    }

    /// Key bytes given literally are still refused when they form a pattern.
    fn checked(key: Key32) -> Result<Self, RootKeyError> {
        match weak_pattern(key.as_slice()) {
            Some(pattern) => Err(RootKeyError::Pattern(pattern)),
            None => Ok(Self(key)),
        }
    }

    /// The form for the key file: `vvroot1:` + base64url + `:` + checksum.
    pub fn to_text(&self) -> Secret<String> {
        // Encoded in one go so that no shorter buffer with key text is left behind.
        let mut text = String::with_capacity(PREFIX.len() + 43 + 1 + 8);
        text.push_str(PREFIX);
        general_purpose::URL_SAFE_NO_PAD.encode_string(self.0.as_slice(), &mut text);
        text.push(':');
        text.push_str(&checksum_of(&self.0));
        Secret::new(text)
    }

    /// Key check value: eight hexadecimal digits that tell whether two places
    /// hold the same key. Derived one way, safe to store and to print.
    pub fn check_value(&self) -> String {
        let derived = self.derive("valueverse/v1/check-value");
        hex::encode(derived.first_chunk::<4>().copied().unwrap_or_default())
    }

    /// HKDF-SHA-256 of the root under a label.
    pub(crate) fn derive(&self, label: &str) -> Key32 {
        hkdf(
            b"valueverse/root-key/v1",
            self.0.as_slice(),
            label.as_bytes(),
        )
    }
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootKey(…)")
    }
}

/// Finds accidental damage; it is not meant to stop forgery.
fn checksum_of(key: &Key32) -> String {
    let digest = sha256(&[b"valueverse/root-key/checksum/v1", key.as_slice()]);
    hex::encode(digest.first_chunk::<4>().copied().unwrap_or_default())
}

fn decode_base64(text: &str) -> Option<Key32> {
    // 43 or 44 characters hold exactly 32 bytes.
    if !(43..=44).contains(&text.len()) {
        return None;
    }
    [BASE64_STANDARD, BASE64_URL].iter().find_map(|engine| {
        let bytes = Zeroizing::new(engine.decode(text).ok()?);
        let key: [u8; 32] = bytes.as_slice().try_into().ok()?;
        Some(Zeroizing::new(key))
    })
}

#[cfg(test)]
#[path = "root_tests.rs"]
mod tests;
