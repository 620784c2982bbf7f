//! Blind indexes: equal values give equal bytes, and nothing else can be learnt
//! without the key.

use vv_base::TenantId;

use crate::frame::optional_id;
use crate::kdf::MacKey;
use crate::keyring::Versioned;

/// Blind indexes over sealed columns. Normalise the value (case, Unicode form)
/// before it comes here.
pub struct FingerprintKey(Versioned<MacKey>);

impl FingerprintKey {
    pub(crate) fn new(keys: Versioned<MacKey>) -> Self {
        Self(keys)
    }

    /// HMAC-SHA-256 of the value under the active version, separated by field name.
    pub fn index(&self, field: &'static str, value: &str) -> [u8; 32] {
        fingerprint(self.0.active().1, field, value)
    }

    /// The index under every listed version, active first: what a lookup must
    /// ask for while a rotation is under way.
    pub fn candidates(&self, field: &'static str, value: &str) -> Vec<[u8; 32]> {
        self.0
            .all()
            .map(|(_, key)| fingerprint(key, field, value))
            .collect()
    }

    /// The version [`Self::index`] uses.
    pub fn active_version(&self) -> u32 {
        self.0.active().0
    }
}

fn fingerprint(key: &MacKey, field: &str, value: &str) -> [u8; 32] {
    key.framed("fingerprint", &[field.as_bytes(), value.as_bytes()])
}

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FingerprintKey(…)")
    }
}

/// Blind indexes over personal fields of the audit trail. The tenant is part of
/// the input: one tenant's index says nothing about another's.
pub struct AuditIndexKey(Versioned<MacKey>);

impl AuditIndexKey {
    pub(crate) fn new(keys: Versioned<MacKey>) -> Self {
        Self(keys)
    }

    /// HMAC-SHA-256 under the active version, separated by tenant and field name.
    /// `None` is the system chain.
    pub fn index(&self, tenant: Option<TenantId>, field: &str, value: &str) -> [u8; 32] {
        audit_index(self.0.active().1, tenant, field, value)
    }

    /// The index under every listed version, active first.
    pub fn candidates(&self, tenant: Option<TenantId>, field: &str, value: &str) -> Vec<[u8; 32]> {
        self.0
            .all()
            .map(|(_, key)| audit_index(key, tenant, field, value))
            .collect()
    }
}

fn audit_index(key: &MacKey, tenant: Option<TenantId>, field: &str, value: &str) -> [u8; 32] {
    let tenant = optional_id(tenant.as_ref().map(TenantId::as_bytes));
    key.framed(
        "audit-index",
        &[&tenant, field.as_bytes(), value.as_bytes()],
    )
}

impl std::fmt::Debug for AuditIndexKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuditIndexKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use crate::{Keyring, RootKey};
    use vv_base::{SystemRng, TenantId, Timestamp};

    #[test]
    fn indexes_are_separated_by_field_tenant_and_value() {
        let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
        let key = keyring.fingerprint();
        assert_eq!(key.index("email", "x"), key.index("email", "x"));
        assert_ne!(key.index("email", "x"), key.index("phone", "x"));
        assert_ne!(key.index("email", "x"), key.index("emai", "lx"));
        assert_ne!(key.index("email", "x"), key.index("email", "X"));

        let audit = keyring.audit_index();
        let tenant = TenantId::new(Timestamp::from_unix_seconds(1), &SystemRng);
        assert_ne!(
            audit.index(Some(tenant), "ip", "x"),
            audit.index(None, "ip", "x")
        );
        assert_ne!(
            audit.index(Some(TenantId::nil()), "ip", "x"),
            audit.index(None, "ip", "x")
        );
        assert_ne!(key.index("ip", "x"), audit.index(None, "ip", "x"));
    }
}
