//! The test data of RFC 8785's author.

use serde_json::Value;
use unicode_normalization::is_nfc;
use vv_audit::{Json, MAX_DEPTH};

use crate::oracle::from_serde;

const SETS: &[(&str, &str, &str)] = &[
    (
        "arrays",
        include_str!("../vectors/jcs/input/arrays.json"),
        include_str!("../vectors/jcs/output/arrays.json"),
    ),
    (
        "french",
        include_str!("../vectors/jcs/input/french.json"),
        include_str!("../vectors/jcs/output/french.json"),
    ),
    (
        "structures",
        include_str!("../vectors/jcs/input/structures.json"),
        include_str!("../vectors/jcs/output/structures.json"),
    ),
    (
        "unicode",
        include_str!("../vectors/jcs/input/unicode.json"),
        include_str!("../vectors/jcs/output/unicode.json"),
    ),
    (
        "values",
        include_str!("../vectors/jcs/input/values.json"),
        include_str!("../vectors/jcs/output/values.json"),
    ),
    (
        "weird",
        include_str!("../vectors/jcs/input/weird.json"),
        include_str!("../vectors/jcs/output/weird.json"),
    ),
];

#[test]
fn published_sets_match_or_are_refused() {
    for (name, input, output) in SETS {
        // The one whole number that is written as a fraction.
        let input = input.replace("56.0", "56");
        let value: Value = serde_json::from_str(&input).expect("JSON");
        let encoded = from_serde(&value, MAX_DEPTH).map(|json| json.encode());
        if matches!(*name, "arrays" | "structures") {
            assert_eq!(encoded.as_deref(), Some(*output), "{name}");
            assert!(Json::decode(output).is_some(), "{name}");
        } else {
            assert_ne!(encoded.as_deref(), Some(*output), "{name}");
            assert_eq!(Json::decode(output), None, "{name}");
        }
    }
}

/// Sets outside the subset still have parts within it.
#[test]
fn parts_of_the_other_sets_match() {
    let parse = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let encode = |value: &Value| {
        from_serde(value, MAX_DEPTH)
            .expect("in the subset")
            .encode()
    };
    for (name, input, output) in SETS {
        let (input, output) = (parse(input), parse(output));
        let members = input.as_object().into_iter().flatten();
        for (key, value) in members.filter(|(key, _)| *key != "numbers") {
            let canonical = serde_jcs::to_string(&output[key]).expect("JCS");
            if is_nfc(&canonical) && !canonical.contains('.') {
                let value = if *name == "structures" {
                    &output[key]
                } else {
                    value
                };
                assert_eq!(encode(value), canonical, "{name} {key}");
            } else {
                assert_eq!(*name, "unicode");
                assert_eq!(encode(value), "\"\u{c5}\"");
                assert_eq!(Json::decode(&canonical), None);
            }
        }
    }
    let values = parse(SETS[4].1);
    for number in values["numbers"].as_array().expect("numbers") {
        assert_eq!(from_serde(number, MAX_DEPTH), None);
        assert_eq!(Json::decode(&number.to_string()), None);
    }
}
