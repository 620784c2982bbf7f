//! What holds for all text.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use vv_audit::Json;

use crate::clean::{describe, details, policy, redact};

/// Digits of a card: an issued prefix, random digits and the check digit.
fn card() -> impl Strategy<Value = Vec<u8>> {
    let brands = select(vec![
        ("4", 13),
        ("4", 16),
        ("4", 19),
        ("51", 16),
        ("55", 16),
        ("2221", 16),
        ("2720", 16),
        ("34", 15),
        ("37", 15),
        ("6011", 16),
        ("65", 19),
        ("622126", 16),
        ("3528", 16),
        ("3589", 19),
        ("36", 14),
        ("300", 14),
        ("3095", 16),
        ("62", 17),
        ("50", 13),
        ("6759", 18),
        ("2200", 16),
        ("81", 16),
        ("60", 16),
        ("9792", 16),
    ]);
    (brands, prop::collection::vec(0_u8..10, 19)).prop_map(|((prefix, length), random)| {
        let mut digits: Vec<u8> = prefix
            .bytes()
            .map(|byte| byte - b'0')
            .chain(random)
            .collect();
        digits.truncate(length - 1);
        let sum: u32 = digits
            .iter()
            .rev()
            .enumerate()
            .map(|(place, digit)| {
                let doubled = u32::from(*digit) * if place % 2 == 0 { 2 } else { 1 };
                doubled / 10 + doubled % 10
            })
            .sum();
        digits.push(u8::try_from((10 - sum % 10) % 10).expect("a digit"));
        digits
    })
}

/// A card number as people write it: separators now and then, odd digits.
fn written(digits: &[u8], separators: &[&str], zeros: &[u32]) -> String {
    let mut text = String::new();
    for (index, digit) in digits.iter().enumerate() {
        if index > 0 {
            text.push_str(separators[index % separators.len()]);
        }
        let zero = zeros[index % zeros.len()];
        text.extend(char::from_u32(zero + u32::from(*digit)));
    }
    text
}

fn noise() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "a",
        "Z",
        " ",
        "-",
        "7",
        "42",
        ".",
        "@",
        ":",
        "=",
        "\"",
        "\\",
        "\n",
        "[",
        "]",
        "eyJ",
        "password",
        "token=",
        "Bearer ",
        "-----BEGIN ",
        "PRIVATE KEY-----",
        "://",
        "%40",
        "1.2.3.4",
        "::",
        "fe80",
        "x@y.example",
        "4111",
        "^",
        ";",
        "?",
        "cvv ",
        "ghp_",
        "[pan ****1111]",
        "[email]",
        "\u{e9}",
        "e\u{301}",
        "\u{ff20}",
        "\u{200b}",
        "\u{ff14}",
        "\u{301}",
        "\u{20ac}",
        "\u{338}",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_card_number_survives(
        digits in card(),
        separators in prop::collection::vec(select(vec!["", "", " ", "-", "\u{a0}", "\u{2011}", "\u{200b}"]), 1..5),
        zeros in prop::collection::vec(select(vec![0x30, 0x30, 0xff10, 0x660, 0x1d7ce]), 1..4),
        before in noise(), after in noise(),
    ) {
        let card = written(&digits, &separators, &zeros);
        // Other text joins only where no digit touches the card's own.
        let text = format!("{before}/{card}/{after}");
        let plain: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        let kept = |text: &str| -> bool {
            let folded: String = text.chars().filter_map(|c| {
                let zero = [0x30, 0xff10, 0x660, 0x1d7ce].into_iter()
                    .find(|zero| (*zero..*zero + 10).contains(&u32::from(c)))?;
                char::from_digit(u32::from(c) - zero, 10)
            }).collect();
            folded.contains(&plain)
        };
        prop_assert!(kept(&text));
        let clean = describe(&text);
        prop_assert!(!kept(&clean), "{} became {}", text, clean);
        let found = redact(&json!({ "a": { "b": [text.clone()] }, "name": text }));
        prop_assert!(!kept(&Json::Object(found.details).encode()));
        prop_assert!(found.personal.iter().all(|(_, clear)| !kept(clear)));
    }

    #[test]
    fn card_numbers_as_numbers_are_masked(digits in card()) {
        let number = digits.iter().fold(0_u64, |n, digit| n * 10 + u64::from(*digit));
        let last = digits[digits.len() - 4..].iter().fold(0, |n, digit| n * 10 + u32::from(*digit));
        let expected = format!("{{\"n\":\"[pan ****{last:04}]\"}}");
        prop_assert_eq!(details(&json!({ "n": number })), expected);
    }

    #[test]
    fn cleaning_twice_is_cleaning_once(text in noise(), more in noise()) {
        let once = policy()
            .redact(&text, &json!({ "note": more, "list": [{ "password": text }], "n": 5 }))
            .expect("within limits");
        let metadata: Value = serde_json::from_str(&Json::Object(once.details.clone()).encode())
            .expect("JSON");
        let twice = policy().redact(&once.description, &metadata).expect("within limits");
        prop_assert_eq!(&twice.description, &once.description);
        prop_assert_eq!(&twice.details, &once.details);
        prop_assert_eq!(twice.findings, vv_audit::redact::Findings::default());
    }
}
