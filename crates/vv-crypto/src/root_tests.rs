use super::*;
use proptest::prelude::*;
use vv_base::SystemRng;

const HEX: &str = "8f1c0e5db7a94c3f62d80b1ea5f7934c0db86a21e4793cf5582b9de01467ac3f";

fn same(a: &RootKey, b: &RootKey) -> bool {
    a.0.as_slice() == b.0.as_slice()
}

#[test]
fn the_file_form_round_trips() {
    let key = RootKey::generate(&SystemRng);
    let text = key.to_text();
    assert_eq!(text.expose().len(), 60);
    assert!(same(&key, &RootKey::parse(text.expose()).unwrap()));
    let with_newline = format!("{}\n", text.expose());
    assert!(same(&key, &RootKey::parse(&with_newline).unwrap()));
}

#[test]
fn a_damaged_file_is_never_another_key() {
    let text = RootKey::parse(HEX).unwrap().to_text();
    let text = text.expose();
    for position in PREFIX.len()..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[position] = if changed[position] == b'A' {
            b'B'
        } else {
            b'A'
        };
        let changed = String::from_utf8(changed).unwrap();
        let parsed = RootKey::parse(&changed);
        assert_eq!(parsed.err(), Some(RootKeyError::Damaged), "{position}");
    }
    for length in PREFIX.len()..text.len() {
        let parsed = RootKey::parse(&text[..length]);
        assert_eq!(parsed.err(), Some(RootKeyError::Damaged), "{length}");
    }
    let longer = RootKey::parse(&format!("{text}0"));
    assert_eq!(longer.err(), Some(RootKeyError::Damaged));
}

#[test]
fn one_key_has_the_same_bytes_in_hex_and_base64() {
    let key = RootKey::parse(HEX).unwrap();
    assert_eq!(hex::encode(key.0.as_slice()), HEX);
    assert!(same(&key, &RootKey::parse(&HEX.to_uppercase()).unwrap()));
    let bytes = hex::decode(HEX).unwrap();
    for text in [
        general_purpose::STANDARD.encode(&bytes),
        general_purpose::STANDARD_NO_PAD.encode(&bytes),
        general_purpose::URL_SAFE.encode(&bytes),
        general_purpose::URL_SAFE_NO_PAD.encode(&bytes),
    ] {
        assert!(same(&key, &RootKey::parse(&text).unwrap()), "{text}");
    }
}

#[test]
fn other_random_text_is_condensed_and_every_character_counts() {
    let one = RootKey::parse("q7!Lz#pW2@vX9$kD4%mB6^tR8&yU1*oE").unwrap();
    let two = RootKey::parse("q7!Lz#pW2@vX9$kD4%mB6^tR8&yU1*oF").unwrap();
    assert!(!same(&one, &two));
    let long_hex = RootKey::parse(&format!("{HEX}a1b2c3d4")).unwrap();
    assert!(!same(&long_hex, &RootKey::parse(HEX).unwrap()));
}

#[test]
fn unfit_keys_are_refused_each_with_its_reason() {
    let cases = [
        (String::new(), RootKeyError::Empty),
        (" \n".to_owned(), RootKeyError::Empty),
        ("q7!Lz#pW2@vX9$k".to_owned(), RootKeyError::TooShort),
        (HEX[..62].to_owned(), RootKeyError::TooShort),
        (HEX[..32].to_owned(), RootKeyError::TooShort),
        (HEX.repeat(17), RootKeyError::TooLong),
        ("changeme".to_owned(), RootKeyError::Placeholder),
        ("<from-hsm-or-kms>".to_owned(), RootKeyError::Placeholder),
        ("secret".to_owned(), RootKeyError::Placeholder),
        ("0".repeat(64), RootKeyError::Pattern(Weakness::Repeated)),
        (
            "secretkey1".repeat(5),
            RootKeyError::Pattern(Weakness::Repeated),
        ),
        (
            // Thirty-two bytes counted up, hidden in hexadecimal.
            hex::encode((0..32).collect::<Vec<u8>>()),
            RootKeyError::Pattern(Weakness::Sequence),
        ),
        (
            // Sixteen bytes twice, hidden in base64.
            general_purpose::STANDARD.encode(b"kV3!pQ8#zR6@wT1%".repeat(2)),
            RootKeyError::Pattern(Weakness::Repeated),
        ),
        (format!("{HEX}\u{0}"), RootKeyError::Characters),
        (
            format!("{}\n{}", &HEX[..32], &HEX[32..]),
            RootKeyError::Characters,
        ),
        ("vvroot1:".to_owned(), RootKeyError::Damaged),
        ("vvroot1:abc:00000000".to_owned(), RootKeyError::Damaged),
    ];
    for (text, expected) in cases {
        assert_eq!(RootKey::parse(&text).err(), Some(expected), "{text}");
    }
}

#[test]
fn the_check_value_tells_keys_apart() {
    let key = RootKey::parse(HEX).unwrap();
    assert_eq!(key.check_value(), key.clone().check_value());
    assert_eq!(key.check_value().len(), 8);
    assert_ne!(
        key.check_value(),
        RootKey::generate(&SystemRng).check_value()
    );
    assert!(!HEX.contains(&key.check_value()));
}

proptest! {
    #[test]
    fn parsing_never_panics(text in any::<String>(), prefixed: bool) {
        let text = if prefixed { format!("{PREFIX}{text}") } else { text };
        if let Ok(key) = RootKey::parse(&text) {
            prop_assert!(!prefixed);
            prop_assert!(same(&key, &RootKey::parse(key.to_text().expose()).unwrap()));
        }
    }

    #[test]
    fn any_random_key_round_trips_in_every_form(bytes: [u8; 32]) {
        prop_assume!(weak_pattern(&bytes).is_none());
        let key = RootKey(Zeroizing::new(bytes));
        for text in [hex::encode(bytes), general_purpose::STANDARD.encode(bytes), key.to_text().expose().clone()] {
            prop_assert!(same(&key, &RootKey::parse(&text).unwrap()));
        }
    }
}
