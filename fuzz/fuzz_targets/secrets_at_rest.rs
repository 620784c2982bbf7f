//! Key files and sealed columns.
#![no_main]
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use vv_base::SystemRng;
use vv_crypto::{Keyring, Place, RootKey};

static KEYRING: LazyLock<Keyring> =
    LazyLock::new(|| Keyring::new(&RootKey::generate(&SystemRng), "fuzz"));

fuzz_target!(|bytes: &[u8]| {
    let place = Place {
        tenant: None,
        table: "t",
        row: b"r",
        column: "c",
    };
    assert!(KEYRING.data().open(&place, bytes).is_err());
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(key) = RootKey::parse(text)
    {
        let again = RootKey::parse(key.to_text().expose()).expect("its own text form");
        assert_eq!(again.check_value(), key.check_value());
    }
});
