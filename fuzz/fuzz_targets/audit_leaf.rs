//! Leaves and their bodies: what decodes encodes to the same bytes.
#![no_main]
use libfuzzer_sys::fuzz_target;
use vv_audit::{Json, Leaf};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(leaf) = Leaf::decode(bytes) {
        assert_eq!(leaf.header.encode(leaf.body).as_deref(), Ok(bytes));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Some(json) = Json::decode(text)
    {
        assert_eq!(json.encode(), text);
    }
});
