//! Paths of tiles and entry bundles: one spelling for each, and what decodes
//! encodes to the same bytes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use vv_audit::tree::{TilePath, decode_bundle, encode_bundle};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(path) = text.parse::<TilePath>()
    {
        assert_eq!(path.to_string(), text);
        assert!((1..=256).contains(&path.width));
        assert!(path.tile().width_in(u64::MAX) <= 256);
    }
    if let Ok(entries) = decode_bundle(bytes) {
        assert_eq!(encode_bundle(entries).as_deref(), Ok(bytes));
    }
});
