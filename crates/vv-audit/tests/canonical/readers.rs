//! Both readers read the same, and what they should.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;
use unicode_normalization::is_nfc;
use vv_audit::{BodyView, Json, MAX_DEPTH};

use crate::bodies::{MAX_INTEGER, body, json};
use crate::oracle::{has_shape, oracle, rebuild, to_serde};

/// What mutations put in: the punctuation of JSON and parts of its words.
const PIECES: &[&str] = &[
    "",
    "",
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    " ",
    "0",
    "1",
    "-",
    ".5",
    "e3",
    "null",
    "true",
    "\\u0041",
    "\\u000A",
    "\\u000a",
    "\\u001f",
    "\\/",
    "\\n",
    "\u{301}",
    "\u{e9}",
    "\n",
    "\"a\":1,",
    ",\"z\":[]",
    "{}",
    "[[",
    "]]",
    "9007199254740992",
    "v",
];

/// Puts a piece in the place of a few characters.
fn mutate(text: &str, at: Index, gone: usize, piece: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = at.index(chars.len() + 1);
    let (head, tail) = chars.split_at(at);
    head.iter()
        .copied()
        .chain(piece.chars())
        .chain(tail.iter().copied().skip(gone))
        .collect()
}

fn check_readers(text: &str) -> Result<(), TestCaseError> {
    let expected = oracle(text);
    prop_assert_eq!(Json::decode(text), expected.clone(), "{}", text);
    let view = BodyView::parse(text);
    let shaped = expected.as_ref().is_some_and(has_shape);
    prop_assert_eq!(view.is_some(), shaped, "{}", text);
    if let Some(view) = view {
        prop_assert_eq!(Some(rebuild(&view)), expected);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn encoded_values_are_canonical_for_others_too(json in json()) {
        let text = json.encode();
        let value: Value = serde_json::from_str(&text).expect("JSON");
        prop_assert_eq!(&serde_jcs::to_string(&value).expect("JCS"), &text);
        prop_assert_eq!(&serde_json_canonicalizer::to_string(&value).expect("JCS"), &text);
        prop_assert!(json.fits());
        prop_assert_eq!(Json::decode(&text), oracle(&text));
        prop_assert!(Json::decode(&text).is_some());
        if is_nfc(&serde_jcs::to_string(&to_serde(&json)).expect("JCS")) {
            prop_assert_eq!(serde_jcs::to_string(&to_serde(&json)).expect("JCS"), text);
        }
    }

    #[test]
    fn readers_agree_on_bodies(body in body()) {
        let text = body.encode();
        prop_assert!(BodyView::parse(&text).is_some(), "{}", text);
        check_readers(&text)?;
    }

    #[test]
    fn readers_agree_on_damaged_bodies(
        body in body(),
        edits in prop::collection::vec((any::<Index>(), 0_usize..3, select(PIECES)), 1..4),
    ) {
        let mut text = body.encode();
        for (at, gone, piece) in edits {
            text = mutate(&text, at, gone, piece);
            check_readers(&text)?;
        }
    }

    #[test]
    fn readers_agree_on_damaged_values(
        json in json(),
        at in any::<Index>(), gone in 0_usize..3, piece in select(PIECES),
    ) {
        check_readers(&mutate(&json.encode(), at, gone, piece))?;
    }
}

#[test]
fn what_does_not_fit_is_not_read_back() {
    let deep = (0..MAX_DEPTH).fold(Json::Null, |inner, _| Json::List(vec![inner]));
    assert!(deep.fits() && Json::decode(&deep.encode()).is_some());
    for json in [
        Json::List(vec![deep]),
        Json::Int(MAX_INTEGER + 1),
        Json::object([("\u{e9}", Json::Null)]),
    ] {
        let text = json.encode();
        assert!(!json.fits() && Json::decode(&text) != Some(json), "{text}");
    }
}

/// Escapes part the pieces of a text for normalisation: `n` and a tilde would
/// compose, a line feed written as `\n` and a tilde do not.
#[test]
fn normal_forms_are_judged_without_the_escapes() {
    for text in ["\n\u{303}", "\\\u{303}", "\u{b}\u{301}a\u{327}\u{301}"] {
        let encoded = Json::from(text).encode();
        assert_eq!(Json::decode(&encoded), oracle(&encoded), "{encoded}");
    }
    assert_eq!(
        Json::decode("\"\\n\u{303}\""),
        Some(Json::from("\n\u{303}"))
    );
    assert_eq!(Json::decode("\"n\u{303}\""), None);
}
