//! All purpose keys, derived from one or more root keys.

use crate::aead::{AeadKey, AeadKeys};
use crate::fingerprint::{AuditIndexKey, FingerprintKey};
use crate::kdf::{Key32, MacKey};
use crate::note::NoteSeeds;
use crate::pepper::PepperKey;
use crate::root::RootKey;
use crate::seal::DataKey;
use crate::subject::SubjectWrapKey;
use crate::token::{AuditSealKey, CookieKey, TokenKey};

/// Most generations one keyring lists.
const MAX_GENERATIONS: usize = 64;
/// Longest environment name, in bytes.
const MAX_ENVIRONMENT: usize = 64;

/// The versions of one key: the first is active and makes new values, all of
/// them read old ones.
pub(crate) struct Versioned<K> {
    active: (u32, K),
    older: Vec<(u32, K)>,
}

impl<K> Versioned<K> {
    pub(crate) fn active(&self) -> (u32, &K) {
        (self.active.0, &self.active.1)
    }

    pub(crate) fn get(&self, version: u32) -> Option<&K> {
        self.all()
            .find_map(|(listed, key)| (listed == version).then_some(key))
    }

    /// Active first, then in the order listed.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u32, &K)> {
        std::iter::once(&self.active)
            .chain(&self.older)
            .map(|(version, key)| (*version, key))
    }
}

/// One generation of purpose keys: a version number and the root it derives
/// from. Two generations may share a root (scheduled rotation) or have different
/// roots (the root itself was replaced).
#[derive(Debug, Clone, Copy)]
pub struct Generation<'a> {
    /// Stored beside everything made under this generation; never reused.
    pub version: u32,
    /// Where the keys of this generation derive from.
    pub root: &'a RootKey,
}

/// Why a keyring could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There is no generation at all.
    #[error("a keyring needs at least one key generation")]
    Empty,
    /// More generations than one keyring may list.
    #[error("a keyring lists at most {MAX_GENERATIONS} key generations")]
    TooMany,
    /// A version appears twice or is zero.
    #[error("key version {0} is zero or listed twice")]
    Version(u32),
    /// The environment name is empty or too long.
    #[error("the environment name must have 1 to {MAX_ENVIRONMENT} bytes")]
    Environment,
}

/// Every purpose key of one environment. Built once at start-up and shared
/// behind an `Arc`.
pub struct Keyring {
    data: DataKey,
    fingerprint: FingerprintKey,
    pepper: PepperKey,
    token: TokenKey,
    cookie: CookieKey,
    subject_wrap: SubjectWrapKey,
    audit_index: AuditIndexKey,
    audit_seal: AuditSealKey,
    note_seeds: NoteSeeds,
}

impl Keyring {
    /// The keyring of an installation that has never rotated: version 1 of every key.
    /// The environment (`production`, `development`, …) is mixed into each key.
    pub fn new(root: &RootKey, environment: &str) -> Self {
        Self::build(Generation { version: 1, root }, &[], environment)
    }

    /// A keyring with several generations. The first encrypts, all decrypt.
    pub fn with_generations(
        generations: &[Generation<'_>],
        environment: &str,
    ) -> Result<Self, KeyringError> {
        if environment.is_empty() || environment.len() > MAX_ENVIRONMENT {
            return Err(KeyringError::Environment);
        }
        let (active, older) = generations.split_first().ok_or(KeyringError::Empty)?;
        if generations.len() > MAX_GENERATIONS {
            return Err(KeyringError::TooMany);
        }
        let mut seen = std::collections::HashSet::new();
        for generation in generations {
            if generation.version == 0 || !seen.insert(generation.version) {
                return Err(KeyringError::Version(generation.version));
            }
        }
        Ok(Self::build(*active, older, environment))
    }

    fn build(active: Generation<'_>, older: &[Generation<'_>], environment: &str) -> Self {
        let derive = Derivation {
            active,
            older,
            environment,
        };
        Self {
            data: DataKey::new(AeadKeys::new(derive.aead("data"), environment)),
            fingerprint: FingerprintKey::new(derive.mac("fingerprint")),
            pepper: PepperKey::new(derive.mac("pepper")),
            token: TokenKey::new(derive.mac("token")),
            cookie: CookieKey::new(derive.mac("cookie")),
            subject_wrap: SubjectWrapKey::new(AeadKeys::new(
                derive.aead("subject-wrap"),
                environment,
            )),
            audit_index: AuditIndexKey::new(derive.mac("audit-index")),
            audit_seal: AuditSealKey::new(derive.mac("audit-seal")),
            note_seeds: NoteSeeds::derive(|purpose| derive.each(purpose, Key32::clone)),
        }
    }

    /// Seals columns at rest.
    pub fn data(&self) -> &DataKey {
        &self.data
    }
    /// Blind indexes for exact lookup of sealed values, such as an e-mail address.
    pub fn fingerprint(&self) -> &FingerprintKey {
        &self.fingerprint
    }
    /// Keyed hash in front of the password hash.
    pub fn pepper(&self) -> &PepperKey {
        &self.pepper
    }
    /// Keyed hashes of one-time tokens and of refresh tokens.
    pub fn token(&self) -> &TokenKey {
        &self.token
    }
    /// MACs over values that a browser keeps for us.
    pub fn cookie(&self) -> &CookieKey {
        &self.cookie
    }
    /// Wraps the keys of data subjects.
    pub fn subject_wrap(&self) -> &SubjectWrapKey {
        &self.subject_wrap
    }
    /// Blind indexes over personal fields of the audit trail.
    pub fn audit_index(&self) -> &AuditIndexKey {
        &self.audit_index
    }
    /// Check values over the head of each audit chain.
    pub fn audit_seal(&self) -> &AuditSealKey {
        &self.audit_seal
    }
    /// What the signers of notes grow their keys from.
    pub(crate) fn note_seeds(&self) -> &NoteSeeds {
        &self.note_seeds
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring")
            .field("active_version", &self.data.active_version())
            .finish_non_exhaustive()
    }
}

struct Derivation<'a> {
    active: Generation<'a>,
    older: &'a [Generation<'a>],
    environment: &'a str,
}

impl Derivation<'_> {
    fn mac(&self, purpose: &'static str) -> Versioned<MacKey> {
        self.each(purpose, |key| MacKey::new(key.as_slice()))
    }

    fn aead(&self, purpose: &'static str) -> Versioned<AeadKey> {
        self.each(purpose, |key| AeadKey::new(key))
    }

    fn each<K>(&self, purpose: &'static str, make: impl Fn(&Key32) -> K) -> Versioned<K> {
        let one = |generation: &Generation<'_>| {
            // Purposes are fixed words without a slash and the version is a
            // number, so no two labels are equal whatever the environment is called.
            let label = format!(
                "valueverse/v1/{}/{purpose}/{}",
                self.environment, generation.version
            );
            (generation.version, make(&generation.root.derive(&label)))
        };
        Versioned {
            active: one(&self.active),
            older: self.older.iter().map(one).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vv_base::SystemRng;

    fn root() -> RootKey {
        RootKey::parse("8f1c0e5db7a94c3f62d80b1ea5f7934c0db86a21e4793cf5582b9de01467ac3f").unwrap()
    }

    #[test]
    fn derived_keys_never_change() {
        // Pinned: a change here would make every stored value unreadable. Computed
        // with another language's HMAC, not with this code.
        let key = root().derive("valueverse/v1/production/fingerprint/1");
        assert_eq!(
            hex::encode(*key),
            "9751ad247f4cbc3b1b68a9492b8ac49bf5dbf6664b61d26689889ed341e5e9d8"
        );
        let index = Keyring::new(&root(), "production")
            .fingerprint()
            .index("email", "a@b.example");
        assert_eq!(
            hex::encode(index),
            "6ba99121a0a975a2079f23f5d8cd6e819ab5c964cfbedff675751749a6c74d9b"
        );
        assert_eq!(root().check_value(), "33398b23");
    }

    #[test]
    fn purposes_environments_and_versions_have_different_keys() {
        let root = root();
        let mut seen = std::collections::HashSet::new();
        for environment in ["production", "development"] {
            for purpose in [
                "data",
                "fingerprint",
                "pepper",
                "token",
                "cookie",
                "subject-wrap",
                "audit-index",
                "audit-seal",
                "checkpoint-ed25519",
                "checkpoint-mldsa44",
                "witness-ed25519",
                "witness-mldsa44",
                "manifest-ed25519",
            ] {
                for version in 1..4 {
                    let label = format!("valueverse/v1/{environment}/{purpose}/{version}");
                    assert!(seen.insert(*root.derive(&label)));
                }
            }
        }
        let (one, two) = (
            Keyring::new(&root, "production"),
            Keyring::new(&root, "development"),
        );
        assert_ne!(
            one.fingerprint().index("email", "x"),
            two.fingerprint().index("email", "x")
        );
        assert_ne!(
            one.fingerprint().index("email", "x"),
            one.token().hash("email", b"x")
        );
    }

    #[test]
    fn impossible_generations_are_refused() {
        let root = root();
        let generation = |version| Generation {
            version,
            root: &root,
        };
        let build = |list: &[Generation<'_>]| Keyring::with_generations(list, "test").err();
        assert_eq!(build(&[]), Some(KeyringError::Empty));
        assert_eq!(build(&[generation(0)]), Some(KeyringError::Version(0)));
        assert_eq!(
            build(&[generation(2), generation(1), generation(2)]),
            Some(KeyringError::Version(2))
        );
        let many: Vec<_> = (1..=65).map(generation).collect();
        assert_eq!(build(&many), Some(KeyringError::TooMany));
        assert_eq!(build(&[generation(2), generation(1)]), None);
        let unnamed = Keyring::with_generations(&[generation(1)], "");
        assert_eq!(unnamed.err(), Some(KeyringError::Environment));
    }

    #[test]
    fn lookups_find_values_of_older_generations() {
        let (old, new) = (root(), RootKey::generate(&SystemRng));
        let before = Keyring::new(&old, "test");
        let after = Keyring::with_generations(
            &[
                Generation {
                    version: 2,
                    root: &new,
                },
                Generation {
                    version: 1,
                    root: &old,
                },
            ],
            "test",
        )
        .unwrap();
        let old_index = before.fingerprint().index("email", "x");
        assert_ne!(after.fingerprint().index("email", "x"), old_index);
        assert_eq!(
            after.fingerprint().candidates("email", "x").get(1),
            Some(&old_index)
        );
        assert_eq!(
            after.audit_index().candidates(None, "ip", "x").get(1),
            Some(&before.audit_index().index(None, "ip", "x"))
        );
        assert!(
            after
                .token()
                .matches("setup", b"t", &before.token().hash("setup", b"t"))
        );
        assert!(
            !before
                .token()
                .matches("setup", b"t", &after.token().hash("setup", b"t"))
        );
        assert!(
            after
                .token()
                .matches("setup", b"t", &after.token().hash("setup", b"t"))
        );
        let (version, mac) = before.pepper().mac_active(b"password");
        assert_eq!(version, 1);
        let again = after.pepper().mac(1, b"password").unwrap();
        assert!(again.matches(mac.expose()));
        assert!(before.pepper().mac(2, b"password").is_none());
    }

    #[test]
    fn debug_output_shows_no_key() {
        let root = root();
        let keyring = Keyring::new(&root, "test");
        let shown = format!(
            "{root:?} {keyring:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            keyring.data(),
            keyring.fingerprint(),
            keyring.pepper(),
            keyring.token(),
            keyring.cookie(),
            keyring.subject_wrap(),
            keyring.audit_index(),
            Generation {
                version: 1,
                root: &root
            },
        );
        assert_eq!(
            shown,
            "RootKey(…) Keyring { active_version: 1, .. } DataKey(…) FingerprintKey(…) \
             PepperKey(…) TokenKey(…) CookieKey(…) SubjectWrapKey(…) AuditIndexKey(…) \
             Generation { version: 1, root: RootKey(…) }"
        );
    }
}
