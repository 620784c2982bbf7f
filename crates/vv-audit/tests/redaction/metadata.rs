//! Fields of metadata, limits and the policy.

use serde_json::{Value, json};
use vv_audit::Json;
use vv_audit::redact::{MAX_DESCRIPTION, MAX_METADATA, MAX_PERSONAL, RedactError};

use crate::clean::{describe, details, policy, redact};

#[test]
fn metadata_is_sorted_into_clear_secret_and_personal() {
    let found = redact(&json!({
        "order": 4711, "note": "call ada@example.org", "ok": true, "none": null,
        "Password": "hunter2", "x-api-key": "k", "userToken": ["a"], "cvv": 123, "pin": null,
        "password_changed": true, "max_tokens": 5, "shipping_method": "air",
        "card": 4_111_111_111_111_111_u64, "long": 6_304_000_000_000_000_000_u64,
        "email": "ada@example.org", "IP-Address": "192.0.2.1", "dob": null,
        "customer": { "first_name": "Ada", "tier": 3, "phones": [] },
        "billing_address": { "street": "Main 1", "zip": 12345, "token": "t" },
        "items": [ { "name": "Ada 4111111111111111" }, 1 ]
    }));
    assert_eq!(
        Json::Object(found.details).encode(),
        concat!(
            r#"{"Password":"[redacted]","card":"[pan ****1111]","customer":{"phones":[],"tier":3},"#,
            r#""cvv":"[redacted]","dob":null,"items":[{},1],"long":"[pan ****0000]","#,
            r#""max_tokens":5,"none":null,"note":"call [email]","ok":true,"order":4711,"#,
            r#""password_changed":true,"pin":null,"shipping_method":"air","#,
            r#""userToken":"[redacted]","x-api-key":"[redacted]"}"#
        )
    );
    let mut personal = found.personal;
    personal.sort();
    let expected = [
        ("IP-Address", "192.0.2.1"),
        ("billing_address.street", "Main 1"),
        ("billing_address.zip", "12345"),
        ("customer.first_name", "Ada"),
        ("email", "ada@example.org"),
        ("items.0.name", "Ada [pan ****1111]"),
    ];
    assert_eq!(
        personal,
        expected.map(|(name, text)| (name.to_owned(), text.to_owned()))
    );
    let findings = found.findings;
    assert_eq!((findings.pans, findings.emails, findings.ips), (3, 1, 0));
    assert_eq!(findings.secrets, 5);
}

#[test]
fn names_of_personal_fields_are_unique() {
    let found = redact(&json!({ "a": { "b.email": "1" }, "a.b": { "email": "2" } }));
    let names: Vec<&str> = found.personal.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["a.b.email", "a.b.email'"]);
}

#[test]
fn clear_text_of_personal_fields_stays_out_of_debug() {
    let found = redact(&json!({ "email": "ada@example.org" }));
    let debug = format!("{found:?}");
    assert!(
        debug.contains("email") && !debug.contains("ada@"),
        "{debug}"
    );
}

#[test]
fn the_policy_can_be_changed() {
    let metadata =
        json!({ "Badge-No": "7", "Formula": "x", "n": "192.0.2.1 a@b.example 4111111111111111" });
    let changed = policy()
        .personal_keys(["badge_no"])
        .secret_keys(["formula"]);
    let found = changed
        .redact("formula=x", &metadata)
        .expect("within limits");
    assert_eq!(found.personal, [("Badge-No".to_owned(), "7".to_owned())]);
    assert_eq!(found.details["Formula"], Json::from("[redacted]"));
    assert_eq!(found.description, "formula=[secret]");
    let open = policy().pan(false).emails(false).ips(false);
    let found = open.redact("", &metadata).expect("within limits");
    assert_eq!(
        found.details["n"],
        Json::from("192.0.2.1 a@b.example 4111111111111111")
    );
}

fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
}

#[test]
fn limits_have_reasons() {
    let many = |count: usize| -> Value {
        let pairs = (0..count).map(|n| (format!("k{n}"), Value::from(1)));
        Value::Object(pairs.collect())
    };
    let list = |count: usize| json!({ "phone": vec!["1"; count] });
    // {"a":"…"} has eight bytes around the text.
    let long = |length: usize| json!({ "a": "x".repeat(length - 8) });
    for (metadata, expected) in [
        (nested(6), None),
        (nested(7), Some("metadata_too_deep")),
        (json!({ "a": [[[[[1]]]]] }), None),
        (json!({ "a": [[[[[[1]]]]]] }), Some("metadata_too_deep")),
        (nested(200), Some("metadata_too_deep")),
        (many(64), None),
        (many(65), Some("metadata_too_many_keys")),
        (
            json!({ "address": many(65) }),
            Some("metadata_too_many_keys"),
        ),
        (list(MAX_PERSONAL), None),
        (list(MAX_PERSONAL + 1), Some("metadata_too_many_personal")),
        (long(MAX_METADATA), None),
        (long(MAX_METADATA + 1), Some("metadata_too_large")),
        (
            json!({ "a": "\u{1d160}".repeat(4_000) }),
            Some("metadata_too_large"),
        ),
        (json!([]), Some("metadata_not_object")),
        (json!("a"), Some("metadata_not_object")),
        (json!({ "a": 1.5 }), Some("metadata_number")),
        (json!({ "a": 9_007_199_254_740_991_i64 }), None),
        (
            json!({ "a": 9_007_199_254_740_992_i64 }),
            Some("metadata_number"),
        ),
        (json!({ "email": 1e300 }), Some("metadata_number")),
        (json!({ "": 1 }), Some("metadata_key")),
        (json!({ "x".repeat(65): 1 }), Some("metadata_key")),
        (json!({ "caf\u{e9}": 1 }), Some("metadata_key")),
        (json!({ "a@b.example": 1 }), Some("metadata_key")),
        (json!({ "4111 1111 1111 1111": 1 }), Some("metadata_key")),
        (json!({ "192.0.2.1": 1 }), Some("metadata_key")),
    ] {
        let reason = policy()
            .redact("", &metadata)
            .err()
            .map(RedactError::reason);
        assert_eq!(
            reason,
            expected,
            "{}",
            metadata.to_string().get(..60).unwrap_or_default()
        );
    }
    let text = "x".repeat(MAX_DESCRIPTION + 1);
    let refused = policy().redact(&text, &Value::Null);
    assert_eq!(refused, Err(RedactError::DescriptionTooLong));
    assert_eq!(describe(&text[1..]), text[1..]);
}

/// Whatever is accepted fits into a leaf with room for the sealed fields.
#[test]
fn what_is_accepted_fits_into_a_body() {
    let found = redact(&nested(6));
    let body = Json::object([("d", Json::Object(found.details))]);
    assert!(body.fits());
    assert_eq!(
        details(&json!({ "b": 1, "a": [true, "e\u{301}"] })),
        "{\"a\":[true,\"\u{e9}\"],\"b\":1}"
    );
}
