//! AES-256-GCM with versioned keys and one fixed layout:
//! format (1 byte) ‖ key version (4, big-endian) ‖ nonce (12) ‖ ciphertext ‖ tag (16).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use vv_base::{Rng, Secret};
use zeroize::{Zeroize, Zeroizing};

use crate::frame::frame;
use crate::keyring::Versioned;

/// The only layout so far.
const FORMAT: u8 = 1;
const TAG_LEN: usize = 16;
/// Longest plaintext sealed in one piece, in bytes.
pub(crate) const MAX_PLAINTEXT: usize = 16 * 1024 * 1024;

/// Why something could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The plaintext is over the size limit (16 MiB; 32 KiB for an audit field).
    #[error("the value is too long to be sealed")]
    TooLong,
    /// The cipher refused to work.
    #[error("the cipher refused to seal the value")]
    Cipher,
}

/// Why sealed bytes could not be opened. It never says more than the reader
/// could see without the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not the layout of sealed bytes: too short, too long or an unknown format.
    #[error("the bytes are not in the layout of a sealed value")]
    Malformed,
    /// Sealed under a key version that is not listed in the keyring.
    #[error("sealed under key version {0}, which this keyring does not hold")]
    UnknownVersion(u32),
    /// Changed after sealing, moved from another place, or sealed under another key.
    #[error("the sealed value was changed, moved or sealed under another key")]
    Rejected,
}

/// One AES-256-GCM key. Nonces are random, so a key must seal fewer than 2^32
/// values (NIST SP 800-38D §8.3).
pub(crate) struct AeadKey(LessSafeKey);

impl AeadKey {
    #[expect(
        clippy::expect_used,
        reason = "aws-lc refuses only keys of a wrong length, and the type fixes the length"
    )]
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let unbound = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes 32 bytes");
        Self(LessSafeKey::new(unbound))
    }

    /// Encrypts in place and appends the tag.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_in_place_append_tag(nonce, Aad::from(aad), buffer)
            .map_err(|_| SealError::Cipher)
    }

    /// Checks the tag, then decrypts. Nothing is given out when the tag is wrong.
    pub(crate) fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        ciphertext: &[u8],
    ) -> Result<Secret<Vec<u8>>, OpenError> {
        // Wiped on every way out except success, where it moves into the secret.
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let length = self
            .0
            .open_in_place(nonce, Aad::from(aad), buffer.as_mut_slice())
            .map_err(|_| OpenError::Rejected)?
            .len();
        buffer.truncate(length);
        Ok(Secret::new(std::mem::take(&mut *buffer)))
    }
}

/// All versions of the AEAD key of one purpose, tied to one environment.
pub(crate) struct AeadKeys {
    keys: Versioned<AeadKey>,
    environment: String,
}

impl AeadKeys {
    pub(crate) fn new(keys: Versioned<AeadKey>, environment: &str) -> Self {
        Self {
            keys,
            environment: environment.to_owned(),
        }
    }

    /// Key version, environment and format are authenticated with the caller's fields.
    fn aad(&self, version: u32, label: &str, fields: &[&[u8]]) -> Vec<u8> {
        let version = version.to_be_bytes();
        let mut parts: Vec<&[u8]> = vec![&[FORMAT], self.environment.as_bytes(), &version];
        parts.extend_from_slice(fields);
        frame(label, &parts)
    }

    /// Seals under the active version.
    pub(crate) fn seal(
        &self,
        label: &str,
        fields: &[&[u8]],
        plaintext: &[u8],
        rng: &dyn Rng,
    ) -> Result<Vec<u8>, SealError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(SealError::TooLong);
        }
        let (version, key) = self.keys.active();
        let nonce = fresh_nonce(rng);
        // Full capacity at once, so that growing leaves no plaintext behind.
        let mut body = Vec::with_capacity(plaintext.len() + TAG_LEN);
        body.extend_from_slice(plaintext);
        if let Err(error) = key.seal(nonce, &self.aad(version, label, fields), &mut body) {
            body.zeroize();
            return Err(error);
        }
        let mut out = Vec::with_capacity(1 + 4 + NONCE_LEN + body.len());
        out.push(FORMAT);
        out.extend_from_slice(&version.to_be_bytes());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&body);
        Ok(out)
    }

    /// Opens with exactly the version named in the bytes; other keys are not tried.
    pub(crate) fn open(
        &self,
        label: &str,
        fields: &[&[u8]],
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, OpenError> {
        let (version, nonce, body) = split(sealed)?;
        let key = self
            .keys
            .get(version)
            .ok_or(OpenError::UnknownVersion(version))?;
        key.open(nonce, &self.aad(version, label, fields), body)
    }

    pub(crate) fn active_version(&self) -> u32 {
        self.keys.active().0
    }
}

/// The key version the bytes name, read without any key and not authenticated.
pub(crate) fn version_of(sealed: &[u8]) -> Result<u32, OpenError> {
    split(sealed).map(|(version, _, _)| version)
}

fn split(sealed: &[u8]) -> Result<(u32, [u8; NONCE_LEN], &[u8]), OpenError> {
    let rest = sealed.strip_prefix(&[FORMAT]).ok_or(OpenError::Malformed)?;
    let (version, rest) = rest.split_first_chunk::<4>().ok_or(OpenError::Malformed)?;
    let (nonce, body) = rest
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(OpenError::Malformed)?;
    if body.len() < TAG_LEN || body.len() > MAX_PLAINTEXT + TAG_LEN {
        return Err(OpenError::Malformed);
    }
    Ok((u32::from_be_bytes(*version), *nonce, body))
}

/// A random 96-bit nonce.
pub(crate) fn fresh_nonce(rng: &dyn Rng) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    rng.fill(&mut nonce);
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    // McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13, 14 and 16,
    // which NIST took over for AES-256.
    #[test]
    fn gcm_known_answers() {
        let cases = [
            (
                "0000000000000000000000000000000000000000000000000000000000000000",
                "000000000000000000000000",
                "",
                "",
                "530f8afbc74536b9a963b4f1c4cb738b",
            ),
            (
                "0000000000000000000000000000000000000000000000000000000000000000",
                "000000000000000000000000",
                "",
                "00000000000000000000000000000000",
                "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
            ),
            (
                "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
                "cafebabefacedbaddecaf888",
                "feedfacedeadbeeffeedfacedeadbeefabaddad2",
                "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
              1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
              8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662\
              76fc6ece0f4e1768cddf8853bb2d551b",
            ),
        ];
        for (key, nonce, aad, plaintext, expected) in cases {
            let key = AeadKey::new(&bytes(key));
            let (nonce, aad) = (bytes(nonce), hex::decode(aad).unwrap());
            let mut buffer = hex::decode(plaintext).unwrap();
            key.seal(nonce, &aad, &mut buffer).unwrap();
            assert_eq!(hex::encode(&buffer), expected);
            let opened = key.open(nonce, &aad, &buffer).unwrap();
            assert_eq!(hex::encode(opened.expose()), plaintext);
        }
    }

    #[test]
    fn short_or_foreign_layouts_are_malformed() {
        for length in 0..1 + 4 + 12 + 16 {
            let mut bytes = vec![0; length];
            if let Some(first) = bytes.first_mut() {
                *first = FORMAT;
            }
            assert_eq!(version_of(&bytes), Err(OpenError::Malformed), "{length}");
        }
        let mut bytes = vec![0; 33];
        assert_eq!(version_of(&bytes), Err(OpenError::Malformed));
        bytes[0] = FORMAT;
        assert_eq!(version_of(&bytes), Ok(0));
    }
}
