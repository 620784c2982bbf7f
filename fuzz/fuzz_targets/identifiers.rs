//! What people type: addresses and passwords.
#![no_main]
use libfuzzer_sys::fuzz_target;
use vv_auth::{EmailAddress, PasswordContext, assess};

fuzz_target!(|text: &str| {
    if let Ok(email) = text.parse::<EmailAddress>() {
        let again: EmailAddress = email.as_str().parse().expect("its own spelling");
        assert_eq!(again.as_str(), email.as_str());
    }
    let context = PasswordContext {
        username: Some("ada lovelace"),
        email: Some(text),
        tenant: None,
    };
    let judged = assess(text, &context);
    assert!(judged.score <= 100);
    assert_eq!(judged.valid, judged.errors.is_empty());
});
