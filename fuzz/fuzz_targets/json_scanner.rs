//! The scanner in front of serde: whatever it lets pass, serde_json can read,
//! apart from numbers out of range.
#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = vv_http::json::check(bytes);
});
