//! Random values and bodies.

use proptest::prelude::*;
use proptest::sample::select;
use vv_audit::Json;

pub(crate) const MAX_INTEGER: i64 = 9_007_199_254_740_991;

pub(crate) const CHARS: &[char] = &[
    'a',
    'b',
    'Z',
    '0',
    '9',
    ' ',
    '/',
    '"',
    '\\',
    '\u{0}',
    '\u{8}',
    '\t',
    '\n',
    '\u{b}',
    '\u{c}',
    '\r',
    '\u{1f}',
    '\u{7f}',
    '\u{80}',
    '\u{e9}',
    '\u{301}',
    '\u{327}',
    '\u{3b1}',
    '\u{ac00}',
    '\u{11a8}',
    '\u{20ac}',
    '\u{fb33}',
    '\u{ffff}',
    '\u{1f602}',
];

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(select(CHARS), 0..20).prop_map(|chars| chars.into_iter().collect())
}

pub(crate) fn key() -> impl Strategy<Value = String> {
    let ascii: Vec<char> = CHARS.iter().copied().filter(char::is_ascii).collect();
    prop::collection::vec(select(ascii), 0..6).prop_map(|chars| chars.into_iter().collect())
}

pub(crate) fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![
        -20_i64..20,
        -MAX_INTEGER..=MAX_INTEGER,
        select(vec![MAX_INTEGER, -MAX_INTEGER, 0]),
    ]
}

pub(crate) fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        integer().prop_map(Json::Int),
        text().prop_map(Json::Text),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::List),
            prop::collection::btree_map(key(), inner, 0..5).prop_map(Json::Object),
        ]
    })
}

pub(crate) fn text_json() -> impl Strategy<Value = Json> {
    text().prop_map(Json::Text)
}

pub(crate) fn optional(text: impl Strategy<Value = Json> + 'static) -> impl Strategy<Value = Json> {
    prop_oneof![Just(Json::Null), text]
}

pub(crate) fn body() -> impl Strategy<Value = Json> {
    let sealed = prop::collection::vec(text(), 5).prop_map(|texts| {
        let keys = ["cm", "ct", "key_id", "nonce", "ref"].map(str::to_owned);
        Json::Object(
            keys.into_iter()
                .zip(texts.into_iter().map(Json::Text))
                .collect(),
        )
    });
    let pair = |a: &'static str, b: &'static str| {
        (text_json(), text_json()).prop_map(move |(x, y)| Json::object([(a, x), (b, y)]))
    };
    let actor = (optional(text_json()), text_json())
        .prop_map(|(who, kind)| Json::object([("ref", who), ("type", kind)]));
    let texts = prop::collection::vec(text_json(), 6);
    let details = prop::collection::btree_map(key(), json(), 0..5).prop_map(Json::Object);
    let subjects = prop::collection::vec(text_json(), 0..3).prop_map(Json::List);
    let sealed = prop::collection::vec(sealed, 0..3).prop_map(Json::List);
    let first = (texts, details, integer(), actor, subjects);
    let second = (
        sealed,
        optional(pair("id", "type")),
        optional(text_json()),
        pair("node", "service"),
    );
    (first, second).prop_map(
        |((texts, details, occ, actor, subjects), (sealed, target, session, source))| {
            let mut texts = texts.into_iter();
            let mut next = || texts.next().expect("six");
            Json::object([
                ("act", next()),
                ("actor", actor),
                ("cat", next()),
                ("d", details),
                ("eid", next()),
                ("occ", Json::Int(occ)),
                ("out", next()),
                ("pii", sealed),
                ("req", next()),
                ("res", target),
                ("sess", session),
                ("sev", next()),
                ("src", source),
                ("subj", subjects),
                ("v", Json::Int(1)),
            ])
        },
    )
}
