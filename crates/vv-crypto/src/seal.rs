//! Values at rest, sealed so that they open only where they were put.

use vv_base::{Rng, Secret, TenantId};

use crate::aead::{AeadKeys, OpenError, SealError, version_of};
use crate::frame::optional_id;

const LABEL: &str = "valueverse/sealed-column/v1";

/// Where a sealed value lives. It is authenticated with the value, so a
/// ciphertext copied to another tenant, table, row or column does not open.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Whose row it is; `None` for rows of the installation itself.
    pub tenant: Option<TenantId>,
    /// Table name.
    pub table: &'static str,
    /// Primary key of the row as bytes.
    pub row: &'a [u8],
    /// Column name.
    pub column: &'static str,
}

/// A sealed value as it goes into a column.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The bytes to store.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
    /// The bytes to store, borrowed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Sealed {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Seals columns at rest with AES-256-GCM (NIST SP 800-38D).
pub struct DataKey(AeadKeys);

impl DataKey {
    pub(crate) fn new(keys: AeadKeys) -> Self {
        Self(keys)
    }

    /// Seals a value of at most 16 MiB for one place under the active key version.
    pub fn seal(
        &self,
        place: &Place<'_>,
        plaintext: &[u8],
        rng: &dyn Rng,
    ) -> Result<Sealed, SealError> {
        with_fields(place, |fields| self.0.seal(LABEL, fields, plaintext, rng)).map(Sealed)
    }

    /// Opens a value found at this place, under whichever listed version it names.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Secret<Vec<u8>>, OpenError> {
        with_fields(place, |fields| self.0.open(LABEL, fields, sealed))
    }

    /// The version new values are sealed under.
    pub fn active_version(&self) -> u32 {
        self.0.active_version()
    }

    /// Whether a stored value should be sealed anew because its key version is
    /// not the active one.
    pub fn is_outdated(&self, sealed: &[u8]) -> Result<bool, OpenError> {
        Ok(version_of(sealed)? != self.0.active_version())
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(…)")
    }
}

fn with_fields<T>(place: &Place<'_>, f: impl FnOnce(&[&[u8]]) -> T) -> T {
    let tenant = optional_id(place.tenant.as_ref().map(TenantId::as_bytes));
    f(&[
        &tenant,
        place.table.as_bytes(),
        place.row,
        place.column.as_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Generation, Keyring, RootKey};
    use proptest::prelude::*;
    use vv_base::{Rng, SystemRng, Timestamp};

    fn tenant(n: i64) -> TenantId {
        TenantId::new(Timestamp::from_unix_seconds(n), &SystemRng)
    }

    fn place(tenant: Option<TenantId>) -> Place<'static> {
        Place {
            tenant,
            table: "users",
            row: b"row-1",
            column: "email",
        }
    }

    #[test]
    fn a_value_opens_where_it_was_sealed() {
        let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
        let place = place(Some(tenant(1)));
        for plaintext in [&b""[..], b"a", b"ada@example.test"] {
            let sealed = keyring.data().seal(&place, plaintext, &SystemRng).unwrap();
            assert_eq!(sealed.as_bytes().len(), 33 + plaintext.len());
            let opened = keyring.data().open(&place, sealed.as_bytes()).unwrap();
            assert_eq!(opened.expose(), plaintext);
        }
    }

    #[test]
    fn the_same_value_never_looks_the_same_twice() {
        let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
        let one = keyring.data().seal(&place(None), b"x", &SystemRng).unwrap();
        let two = keyring.data().seal(&place(None), b"x", &SystemRng).unwrap();
        assert_ne!(one, two);
    }

    #[test]
    fn a_value_moved_to_another_place_is_rejected() {
        let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
        let (a, b) = (tenant(1), tenant(2));
        let home = place(Some(a));
        let elsewhere = [
            Place {
                tenant: Some(b),
                ..home
            },
            Place {
                tenant: None,
                ..home
            },
            Place {
                table: "user",
                ..home
            },
            Place {
                row: b"row-2",
                ..home
            },
            Place {
                column: "name",
                ..home
            },
            // The same letters with the border between table and row moved.
            Place {
                table: "usersrow",
                row: b"-1",
                ..home
            },
        ];
        let sealed = keyring.data().seal(&home, b"secret", &SystemRng).unwrap();
        for other in elsewhere {
            let opened = keyring.data().open(&other, sealed.as_bytes());
            assert_eq!(opened.err(), Some(OpenError::Rejected), "{other:?}");
        }
        assert!(keyring.data().open(&home, sealed.as_bytes()).is_ok());
    }

    #[test]
    fn two_rows_swapped_in_the_database_are_both_rejected() {
        let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
        let one = Place {
            row: b"1",
            ..place(None)
        };
        let two = Place {
            row: b"2",
            ..place(None)
        };
        let first = keyring.data().seal(&one, b"first", &SystemRng).unwrap();
        let second = keyring.data().seal(&two, b"second", &SystemRng).unwrap();
        for (place, sealed) in [(&one, &second), (&two, &first)] {
            let opened = keyring.data().open(place, sealed.as_bytes());
            assert_eq!(opened.err(), Some(OpenError::Rejected));
        }
    }

    #[test]
    fn another_environment_or_root_is_rejected() {
        let root = RootKey::generate(&SystemRng);
        let sealed = Keyring::new(&root, "production")
            .data()
            .seal(&place(None), b"x", &SystemRng)
            .unwrap();
        let others = [
            Keyring::new(&root, "development"),
            Keyring::new(&RootKey::generate(&SystemRng), "production"),
        ];
        for other in others {
            let opened = other.data().open(&place(None), sealed.as_bytes());
            assert_eq!(opened.err(), Some(OpenError::Rejected));
        }
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
        let sealed = keyring
            .data()
            .seal(&place(None), b"some plaintext", &SystemRng)
            .unwrap()
            .into_bytes();
        for position in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[position] ^= 1 << bit;
                let opened = keyring.data().open(&place(None), &changed);
                assert!(opened.is_err(), "byte {position} bit {bit}");
            }
        }
        for length in 0..sealed.len() {
            assert!(
                keyring
                    .data()
                    .open(&place(None), &sealed[..length])
                    .is_err()
            );
        }
        let longer = [sealed.as_slice(), &[0]].concat();
        assert!(keyring.data().open(&place(None), &longer).is_err());
    }

    #[test]
    fn after_rotation_old_values_open_and_new_ones_use_the_new_key() {
        let (old, new) = (RootKey::generate(&SystemRng), RootKey::generate(&SystemRng));
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
        let place = place(None);
        let sealed_old = before.data().seal(&place, b"old", &SystemRng).unwrap();
        let sealed_new = after.data().seal(&place, b"new", &SystemRng).unwrap();
        let opened = after.data().open(&place, sealed_old.as_bytes()).unwrap();
        assert_eq!(opened.expose(), b"old");
        assert_eq!(after.data().is_outdated(sealed_old.as_bytes()), Ok(true));
        assert_eq!(after.data().is_outdated(sealed_new.as_bytes()), Ok(false));
        assert_eq!(
            before.data().open(&place, sealed_new.as_bytes()).err(),
            Some(OpenError::UnknownVersion(2))
        );
    }

    #[test]
    fn a_relabelled_key_version_is_rejected() {
        let root = RootKey::generate(&SystemRng);
        let both = [
            Generation {
                version: 2,
                root: &root,
            },
            Generation {
                version: 1,
                root: &root,
            },
        ];
        let keyring = Keyring::with_generations(&both, "test").unwrap();
        let mut sealed = keyring
            .data()
            .seal(&place(None), b"x", &SystemRng)
            .unwrap()
            .into_bytes();
        assert_eq!(sealed[1..5], [0, 0, 0, 2]);
        sealed[4] = 1;
        let opened = keyring.data().open(&place(None), &sealed);
        assert_eq!(opened.err(), Some(OpenError::Rejected));
    }

    /// Hands out 1, 2, 3, … so that a nonce is known beforehand.
    struct CountingRng;

    impl Rng for CountingRng {
        fn fill(&self, buffer: &mut [u8]) {
            for (slot, value) in buffer.iter_mut().zip(1_u8..) {
                *slot = value;
            }
        }
    }

    // Pinned: the layout and the authenticated fields, written out by hand.
    #[test]
    fn the_stored_layout_never_changes() {
        let root = RootKey::generate(&SystemRng);
        let list = [Generation {
            version: 258,
            root: &root,
        }];
        let keyring = Keyring::with_generations(&list, "prod").unwrap();
        let tenant = TenantId::nil();
        let place = Place {
            tenant: Some(tenant),
            table: "t",
            row: b"ro",
            column: "col",
        };
        let sealed = keyring
            .data()
            .seal(&place, b"plaintext", &CountingRng)
            .unwrap();

        let mut aad = Vec::new();
        let fields: [&[u8]; 8] = [
            b"valueverse/sealed-column/v1",
            &[1],
            b"prod",
            &[0, 0, 1, 2],
            &[&[1][..], &[0; 16]].concat(),
            b"t",
            b"ro",
            b"col",
        ];
        for field in fields {
            aad.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, u8::try_from(field.len()).unwrap()]);
            aad.extend_from_slice(field);
        }
        let nonce = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        let mut body = b"plaintext".to_vec();
        crate::aead::AeadKey::new(&root.derive("valueverse/v1/prod/data/258"))
            .seal(nonce, &aad, &mut body)
            .unwrap();
        let expected = [&[1, 0, 0, 1, 2][..], &nonce, &body].concat();
        assert_eq!(sealed.as_bytes(), expected);
    }

    #[test]
    fn an_oversized_value_is_refused() {
        let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
        let big = vec![0; crate::aead::MAX_PLAINTEXT + 1];
        let sealed = keyring.data().seal(&place(None), &big, &SystemRng);
        assert_eq!(sealed, Err(SealError::TooLong));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_open(bytes in proptest::collection::vec(any::<u8>(), 0..200), framed: bool) {
            let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
            let mut bytes = bytes;
            if framed {
                bytes.splice(0..0, [1, 0, 0, 0, 1]);
            }
            prop_assert!(keyring.data().open(&place(None), &bytes).is_err());
        }

        #[test]
        fn any_value_survives(plaintext in proptest::collection::vec(any::<u8>(), 0..500), row in proptest::collection::vec(any::<u8>(), 0..40)) {
            let keyring = Keyring::new(&RootKey::generate(&SystemRng), "test");
            let place = Place { row: &row, ..place(None) };
            let sealed = keyring.data().seal(&place, &plaintext, &SystemRng).unwrap();
            let opened = keyring.data().open(&place, sealed.as_bytes()).unwrap();
            prop_assert_eq!(opened.expose(), &plaintext);
        }
    }
}
