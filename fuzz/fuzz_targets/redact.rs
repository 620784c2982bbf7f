//! What applications say about their events: cleaning never fails on text of
//! allowed length, cleaning twice is cleaning once, and what is kept fits a body.
#![no_main]
use libfuzzer_sys::fuzz_target;
use vv_audit::Json;
use vv_audit::redact::{Findings, RedactionPolicy};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let metadata = serde_json::from_str(text).unwrap_or_default();
    let policy = RedactionPolicy::default();
    let Ok(once) = policy.redact(text, &metadata) else {
        return;
    };
    let details = Json::Object(once.details.clone());
    assert!(details.fits());
    let again = details.encode();
    assert!(Json::decode(&again).is_some());
    let again = serde_json::from_str(&again).expect("canonical JSON");
    // Masks are longer than short values, so only the second run may hit the cap.
    if let Ok(twice) = policy.redact(&once.description, &again) {
        assert_eq!(twice.description, once.description);
        assert_eq!(twice.details, once.details);
        assert_eq!(twice.findings, Findings::default());
    }
});
