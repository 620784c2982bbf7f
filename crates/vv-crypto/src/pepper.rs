use vv_base::Secret;

use crate::kdf::MacKey;
use crate::keyring::Versioned;

/// Keyed hash applied to a password before the slow hash, so that a stolen
/// database alone cannot be attacked offline. The version is stored with the
/// password hash.
pub struct PepperKey(Versioned<MacKey>);

impl PepperKey {
    pub(crate) fn new(keys: Versioned<MacKey>) -> Self {
        Self(keys)
    }

    /// The version to use for new password hashes.
    pub fn active_version(&self) -> u32 {
        self.0.active().0
    }

    /// HMAC-SHA-256 of the password under the given version; `None` if the
    /// keyring no longer holds that version, in which case the hash cannot be checked.
    pub fn mac(&self, version: u32, password: &[u8]) -> Option<Secret<[u8; 32]>> {
        let key = self.0.get(version)?;
        Some(Secret::new(key.framed("password", &[password])))
    }

    /// The active version and the MAC under it, for a new password hash.
    pub fn mac_active(&self, password: &[u8]) -> (u32, Secret<[u8; 32]>) {
        let (version, key) = self.0.active();
        (version, Secret::new(key.framed("password", &[password])))
    }
}

impl std::fmt::Debug for PepperKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PepperKey(…)")
    }
}
