//! One key per data subject: destroying it makes that person's sealed fields
//! unreadable while the audit chain around them stays intact.

use subtle::ConstantTimeEq;
use vv_base::{EventId, Rng, Secret, SubjectId};
use zeroize::Zeroizing;

use crate::aead::{AeadKey, AeadKeys, OpenError, SealError, fresh_nonce};
use crate::frame::frame;
use crate::kdf::{Key32, MacKey, hkdf};

const WRAP_LABEL: &str = "valueverse/subject-key/v1";
const FIELD_LABEL: &str = "valueverse/audit-field/v1";
/// Longest field value, in bytes: an audit leaf holds 64 KiB in all.
const MAX_FIELD: usize = 32 * 1024;
const TAG_LEN: usize = 16;

/// Wraps subject keys for storage.
pub struct SubjectWrapKey(AeadKeys);

impl SubjectWrapKey {
    pub(crate) fn new(keys: AeadKeys) -> Self {
        Self(keys)
    }

    /// The version new subject keys are wrapped under.
    pub fn active_version(&self) -> u32 {
        self.0.active_version()
    }
}

impl std::fmt::Debug for SubjectWrapKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubjectWrapKey(…)")
    }
}

/// A personal field inside an audit event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedField {
    /// AES-256-GCM nonce.
    pub nonce: [u8; 12],
    /// Ciphertext and tag.
    pub ct: Vec<u8>,
    /// Commitment to key, place and plaintext. AES-GCM alone commits to none of
    /// them, and a plain hash could be guessed; once the key is gone this hides
    /// the value too.
    pub cm: [u8; 32],
}

/// The key of one data subject: 32 random bytes, wiped when dropped.
pub struct SubjectKey(Key32);

impl SubjectKey {
    /// A fresh key.
    pub fn generate(rng: &dyn Rng) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        rng.fill(key.as_mut_slice());
        Self(key)
    }

    /// The key in the form that is stored, bound to its subject.
    pub fn wrap(
        &self,
        under: &SubjectWrapKey,
        subject: SubjectId,
        rng: &dyn Rng,
    ) -> Result<Vec<u8>, SealError> {
        under
            .0
            .seal(WRAP_LABEL, &[subject.as_bytes()], self.0.as_slice(), rng)
    }

    /// Reads a stored key; refuses one that belongs to another subject.
    pub fn unwrap(
        under: &SubjectWrapKey,
        subject: SubjectId,
        wrapped: &[u8],
    ) -> Result<Self, OpenError> {
        let opened = under.0.open(WRAP_LABEL, &[subject.as_bytes()], wrapped)?;
        let mut key = Zeroizing::new([0; 32]);
        if opened.expose().len() != key.len() {
            return Err(OpenError::Malformed);
        }
        key.copy_from_slice(opened.expose());
        Ok(Self(key))
    }

    /// Seals one field of at most 32 KiB for one event of one chain. `field_ref`
    /// names the field inside the event.
    pub fn seal_field(
        &self,
        chain_id: &[u8; 16],
        event: EventId,
        field_ref: &str,
        plaintext: &[u8],
        rng: &dyn Rng,
    ) -> Result<SealedField, SealError> {
        if plaintext.len() > MAX_FIELD {
            return Err(SealError::TooLong);
        }
        let aad = field_aad(chain_id, event, field_ref);
        let nonce = fresh_nonce(rng);
        let mut ct = Vec::with_capacity(plaintext.len() + TAG_LEN);
        ct.extend_from_slice(plaintext);
        self.cipher().seal(nonce, &aad, &mut ct)?;
        let cm = self.commitment(&aad, plaintext);
        Ok(SealedField { nonce, ct, cm })
    }

    /// Opens a field and checks its commitment.
    pub fn open_field(
        &self,
        chain_id: &[u8; 16],
        event: EventId,
        field_ref: &str,
        field: &SealedField,
    ) -> Result<Secret<Vec<u8>>, OpenError> {
        if field.ct.len() < TAG_LEN || field.ct.len() > MAX_FIELD + TAG_LEN {
            return Err(OpenError::Malformed);
        }
        let aad = field_aad(chain_id, event, field_ref);
        let plaintext = self.cipher().open(field.nonce, &aad, &field.ct)?;
        let cm = self.commitment(&aad, plaintext.expose());
        if bool::from(cm.ct_eq(&field.cm)) {
            Ok(plaintext)
        } else {
            Err(OpenError::Rejected)
        }
    }

    /// Encryption and commitment use different keys derived from the subject's.
    fn cipher(&self) -> AeadKey {
        AeadKey::new(&hkdf(&[], self.0.as_slice(), b"valueverse/v1/subject/enc"))
    }

    fn commitment(&self, aad: &[u8], plaintext: &[u8]) -> [u8; 32] {
        let key = hkdf(&[], self.0.as_slice(), b"valueverse/v1/subject/cm");
        MacKey::new(key.as_slice()).framed("cm", &[aad, plaintext])
    }
}

impl std::fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubjectKey(…)")
    }
}

fn field_aad(chain_id: &[u8; 16], event: EventId, field_ref: &str) -> Vec<u8> {
    frame(
        FIELD_LABEL,
        &[chain_id, event.as_bytes(), field_ref.as_bytes()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keyring, RootKey};
    use vv_base::SystemRng;
    use vv_base::Timestamp;

    const CHAIN: [u8; 16] = [7; 16];

    fn event() -> EventId {
        EventId::new(Timestamp::from_unix_seconds(1), &SystemRng)
    }

    fn subject() -> SubjectId {
        SubjectId::new(Timestamp::from_unix_seconds(1), &SystemRng)
    }

    #[test]
    fn a_wrapped_key_unwraps_for_its_subject_only() {
        let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
        let (ada, bob) = (subject(), subject());
        let key = SubjectKey::generate(&SystemRng);
        let wrapped = key.wrap(keyring.subject_wrap(), ada, &SystemRng).unwrap();
        let event = event();
        let field = key
            .seal_field(
                &CHAIN,
                event,
                "actor.email",
                b"ada@example.test",
                &SystemRng,
            )
            .unwrap();
        let again = SubjectKey::unwrap(keyring.subject_wrap(), ada, &wrapped).unwrap();
        let opened = again
            .open_field(&CHAIN, event, "actor.email", &field)
            .unwrap();
        assert_eq!(opened.expose(), b"ada@example.test");

        let stolen = SubjectKey::unwrap(keyring.subject_wrap(), bob, &wrapped);
        assert_eq!(stolen.err(), Some(OpenError::Rejected));
        let other = Keyring::new(&RootKey::generate(&SystemRng), "test");
        assert!(SubjectKey::unwrap(other.subject_wrap(), ada, &wrapped).is_err());
    }

    #[test]
    fn a_column_value_cannot_pass_for_a_wrapped_key() {
        let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
        let place = crate::Place {
            tenant: None,
            table: "t",
            row: b"r",
            column: "c",
        };
        let sealed = keyring.data().seal(&place, &[1; 32], &SystemRng).unwrap();
        let unwrapped = SubjectKey::unwrap(keyring.subject_wrap(), subject(), sealed.as_bytes());
        assert_eq!(unwrapped.err(), Some(OpenError::Rejected));
    }

    #[test]
    fn a_field_moved_or_changed_is_rejected() {
        let key = SubjectKey::generate(&SystemRng);
        let event = event();
        let field = key
            .seal_field(&CHAIN, event, "actor.ip", b"192.0.2.1", &SystemRng)
            .unwrap();
        assert!(key.open_field(&[8; 16], event, "actor.ip", &field).is_err());
        assert!(
            key.open_field(&CHAIN, self::event(), "actor.ip", &field)
                .is_err()
        );
        assert!(key.open_field(&CHAIN, event, "actor.ua", &field).is_err());
        let stranger = SubjectKey::generate(&SystemRng);
        assert!(
            stranger
                .open_field(&CHAIN, event, "actor.ip", &field)
                .is_err()
        );

        let mut variants = Vec::new();
        for position in 0..12 {
            let mut changed = field.clone();
            changed.nonce[position] ^= 1;
            variants.push(changed);
        }
        for position in 0..field.ct.len() {
            let mut changed = field.clone();
            changed.ct[position] ^= 1;
            variants.push(changed);
            let mut shorter = field.clone();
            shorter.ct.truncate(position);
            variants.push(shorter);
        }
        for position in 0..32 {
            let mut changed = field.clone();
            changed.cm[position] ^= 1;
            variants.push(changed);
        }
        for changed in variants {
            assert!(key.open_field(&CHAIN, event, "actor.ip", &changed).is_err());
        }
        assert!(key.open_field(&CHAIN, event, "actor.ip", &field).is_ok());
    }

    #[test]
    fn the_commitment_is_checked_even_when_the_tag_is_right() {
        let key = SubjectKey::generate(&SystemRng);
        let event = event();
        let seal = |value: &[u8]| {
            key.seal_field(&CHAIN, event, "r", value, &SystemRng)
                .unwrap()
        };
        let (one, two) = (seal(b"one"), seal(b"two"));
        let mixed = SealedField { cm: two.cm, ..one };
        let opened = key.open_field(&CHAIN, event, "r", &mixed);
        assert_eq!(opened.err(), Some(OpenError::Rejected));
    }

    #[test]
    fn limits_and_debug() {
        let key = SubjectKey::generate(&SystemRng);
        let big = vec![0; MAX_FIELD + 1];
        let sealed = key.seal_field(&CHAIN, event(), "r", &big, &SystemRng);
        assert_eq!(sealed, Err(SealError::TooLong));
        assert_eq!(format!("{key:?}"), "SubjectKey(…)");
    }
}
