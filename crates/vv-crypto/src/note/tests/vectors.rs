//! The Wycheproof vectors; the layout of the files is told in their README.

use super::*;
use crate::kdf::sha256;

struct Case {
    id: u16,
    valid: bool,
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap()
    }

    fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// A field in runs: literal bytes, then zeros, in turn; perhaps as the
    /// difference to the field before.
    fn field(&mut self, before: &[u8]) -> Vec<u8> {
        let length = usize::from(self.number());
        let is_difference = self.byte() == 1;
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let (literal, zeros) = (self.number(), self.number());
            bytes.extend_from_slice(self.0.split_off(..usize::from(literal)).unwrap());
            bytes.resize(bytes.len() + usize::from(zeros), 0);
        }
        if is_difference {
            bytes.iter_mut().zip(before).for_each(|(b, p)| *b ^= p);
        }
        bytes
    }

    fn cases(mut self) -> Vec<Case> {
        let keys: Vec<_> = (0..self.number()).map(|_| self.field(&[])).collect();
        let mut before = Vec::new();
        let cases = (0..self.number())
            .map(|_| {
                let id = self.number();
                let valid = self.byte() == 1;
                let key = keys[usize::from(self.byte())].clone();
                let message = self.field(&[]);
                let signature = self.field(&before);
                before.clone_from(&signature);
                Case {
                    id,
                    valid,
                    key,
                    message,
                    signature,
                }
            })
            .collect();
        assert!(self.0.is_empty(), "the whole file was read");
        cases
    }
}

/// Counts of valid and invalid cases, all of which came out as they should.
fn run(file: &[u8], kind: SignatureType) -> (usize, usize) {
    let cases = Reader(file).cases();
    for case in &cases {
        let accepted = VerifierKey::new(name("wycheproof"), kind, &case.key)
            .is_ok_and(|key| key.accepts(&case.message, &case.signature));
        assert_eq!(accepted, case.valid, "case {}", case.id);
    }
    let valid = cases.iter().filter(|case| case.valid).count();
    (valid, cases.len() - valid)
}

#[test]
fn wycheproof_ed25519() {
    let file = include_bytes!("../../../tests/vectors/ed25519_verify.bin");
    assert_eq!(run(file, SignatureType::Ed25519), (88, 63));
}

#[test]
fn wycheproof_ml_dsa_44() {
    let file = include_bytes!("../../../tests/vectors/mldsa44_verify.bin");
    assert_eq!(run(file, SignatureType::MlDsa44Cosignature), (75, 98));
}

/// The vectors for signing have signatures without hedging, which we do not
/// make; what can be compared is the key that grows from a seed.
#[test]
fn wycheproof_ml_dsa_44_seeds() {
    use aws_lc_rs::signature::{KeyPair as _, ML_DSA_44_SIGNING, PqdsaKeyPair};
    let file = include_str!("../../../tests/vectors/mldsa44_seeds.txt");
    for line in file.lines() {
        let (seed, expected) = line.split_once(' ').unwrap();
        let seed = hex::decode(seed).unwrap();
        let key = PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, &seed).unwrap();
        let public = sha256(&[key.public_key().as_ref()]);
        assert_eq!(hex::encode(public), expected);
    }
    assert_eq!(file.lines().count(), 23);
}
