//! SHA-256, HMAC-SHA-256 and HKDF-SHA-256 on aws-lc.

use aws_lc_rs::{digest, hkdf, hmac};
use zeroize::Zeroizing;

use crate::frame::length;

/// Thirty-two secret bytes that are wiped when dropped.
pub(crate) type Key32 = Zeroizing<[u8; 32]>;

/// SHA-256 (FIPS 180-4) of the parts joined without separators. Callers that
/// hash fields of variable length must frame them themselves.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    array(context.finish().as_ref())
}

/// HKDF-SHA-256 (RFC 5869), extract and expand, 32 bytes out.
#[expect(
    clippy::expect_used,
    reason = "HKDF refuses only outputs over 8160 bytes; going on with an unfilled key would be worse than stopping"
)]
pub(crate) fn hkdf(salt: &[u8], secret: &[u8], info: &[u8]) -> Key32 {
    let mut out = Zeroizing::new([0; 32]);
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    prk.expand(&[info], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(out.as_mut_slice()))
        .expect("32 bytes is within the limit of HKDF-SHA-256");
    out
}

/// A key for HMAC-SHA-256 (RFC 2104). The state inside is wiped by aws-lc.
pub(crate) struct MacKey(hmac::Key);

impl MacKey {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The MAC of the label and the parts, each behind its length, in the
    /// layout of [`crate::frame::frame`] but without building it in memory.
    pub(crate) fn framed(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&length(label.as_bytes()));
        context.update(label.as_bytes());
        for part in parts {
            context.update(&length(part));
            context.update(part);
        }
        array(context.sign().as_ref())
    }
}

/// Copies the output of a 32-byte function; both lengths are fixed by the algorithm.
fn array(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(bytes);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::frame;

    fn raw_mac(key: &[u8], data: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hex::encode(hmac::sign(&key, data))
    }

    #[test]
    fn sha256_known_answer() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex::encode(sha256(&[b"a", b"bc"])), abc);
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex::encode(sha256(&[])), empty);
    }

    // RFC 4231 §4.2, §4.3, §4.7.
    #[test]
    fn hmac_known_answers() {
        assert_eq!(
            raw_mac(&[0x0b; 20], b"Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            raw_mac(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            raw_mac(
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            ),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn the_framed_mac_is_the_mac_of_the_frame() {
        let streamed = MacKey::new(b"Jefe").framed("label", &[b"one", b"", b"three"]);
        let joined = raw_mac(b"Jefe", &frame("label", &[b"one", b"", b"three"]));
        assert_eq!(hex::encode(streamed), joined);
    }

    // RFC 5869 A.1 and A.3: the first 32 bytes of the output keying material.
    #[test]
    fn hkdf_known_answers() {
        let salt: Vec<u8> = (0x00..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        assert_eq!(
            hex::encode(*hkdf(&salt, &[0x0b; 22], &info)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
        );
        assert_eq!(
            hex::encode(*hkdf(&[], &[0x0b; 22], &[])),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
        );
    }
}
