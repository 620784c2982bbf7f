//! The slow and obvious way to read and judge a body.

use std::collections::BTreeMap;

use serde_json::Value;
use vv_audit::{BodyValue, BodyView, Json, MAX_DEPTH};

/// What `serde_json` reads, as far as the subset goes.
pub(crate) fn from_serde(value: &Value, depth: usize) -> Option<Json> {
    Some(match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(number) => Json::Int(number.as_i64()?),
        Value::String(text) => Json::Text(text.clone()),
        Value::Array(items) => {
            let depth = depth.checked_sub(1)?;
            let items = items.iter().map(|item| from_serde(item, depth));
            Json::List(items.collect::<Option<_>>()?)
        }
        Value::Object(pairs) => {
            let depth = depth.checked_sub(1)?;
            let mut object = BTreeMap::new();
            for (key, item) in pairs {
                object.insert(key.clone(), from_serde(item, depth)?);
            }
            pairs.keys().all(|key| key.is_ascii()).then_some(())?;
            Json::Object(object)
        }
    })
}

pub(crate) fn to_serde(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::from(*value),
        Json::Int(value) => Value::from(*value),
        Json::Text(text) => Value::from(text.as_str()),
        Json::List(items) => items.iter().map(to_serde).collect(),
        Json::Object(pairs) => pairs
            .iter()
            .map(|(k, v)| (k.clone(), to_serde(v)))
            .collect(),
    }
}

/// Reads canonical text the slow way: read anything, write it, compare.
pub(crate) fn oracle(text: &str) -> Option<Json> {
    let value: Value = serde_json::from_str(text).ok()?;
    let json = from_serde(&value, MAX_DEPTH)?;
    (json.encode() == text).then_some(json)
}

/// The fields of format version 1, as docs/audit-format.md lists them.
pub(crate) fn has_shape(json: &Json) -> bool {
    let is_text = |json: &Json| json.text().is_some();
    let is_object = |json: &Json, keys: &[&str], fields: &dyn Fn(&str, &Json) -> bool| match json {
        Json::Object(pairs) => {
            pairs.keys().eq(keys) && pairs.iter().all(|(key, value)| fields(key, value))
        }
        _ => false,
    };
    let keys = [
        "act", "actor", "cat", "d", "eid", "occ", "out", "pii", "req", "res", "sess", "sev", "src",
        "subj", "v",
    ];
    is_object(json, &keys, &|key, value| match key {
        "actor" => is_object(value, &["ref", "type"], &|key, value| {
            is_text(value) || (key == "ref" && *value == Json::Null)
        }),
        "d" => matches!(value, Json::Object(_)),
        "occ" => matches!(value, Json::Int(_)),
        "pii" => {
            let keys = ["cm", "ct", "key_id", "nonce", "ref"];
            matches!(value, Json::List(_))
                && value
                    .list()
                    .iter()
                    .all(|item| is_object(item, &keys, &|_, v| is_text(v)))
        }
        "res" => *value == Json::Null || is_object(value, &["id", "type"], &|_, v| is_text(v)),
        "sess" => *value == Json::Null || is_text(value),
        "src" => is_object(value, &["node", "service"], &|_, v| is_text(v)),
        "subj" => matches!(value, Json::List(_)) && value.list().iter().all(is_text),
        "v" => *value == Json::Int(1),
        _ => is_text(value),
    })
}

pub(crate) fn value_of(value: &BodyValue<'_>) -> Json {
    match value {
        BodyValue::Null => Json::Null,
        BodyValue::Bool(value) => Json::Bool(*value),
        BodyValue::Int(value) => Json::Int(*value),
        BodyValue::Text(text) => Json::Text(text.decoded().into_owned()),
        BodyValue::List(raw) | BodyValue::Object(raw) => Json::decode(raw).expect("canonical"),
    }
}

/// The body that a view tells of.
pub(crate) fn rebuild(view: &BodyView<'_>) -> Json {
    let text = |text: vv_audit::BodyText<'_>| Json::Text(text.decoded().into_owned());
    let sealed = view.sealed().map(|sealed| {
        Json::object([
            ("ref", text(sealed.field)),
            ("key_id", text(sealed.key_id)),
            ("nonce", text(sealed.nonce)),
            ("ct", text(sealed.ct)),
            ("cm", text(sealed.cm)),
        ])
    });
    let details = view.details();
    let details = details.map(|(key, value)| (key.decoded().into_owned(), value_of(&value)));
    let target = view
        .target
        .map(|target| Json::object([("type", text(target.kind)), ("id", text(target.id))]));
    Json::object([
        ("v", Json::Int(1)),
        ("eid", text(view.event_id)),
        ("cat", text(view.category)),
        ("act", text(view.action)),
        ("out", text(view.outcome)),
        ("sev", text(view.severity)),
        ("occ", Json::Int(view.occurred)),
        (
            "actor",
            Json::object([
                ("type", text(view.actor_kind)),
                ("ref", Json::from(view.actor_ref.map(text))),
            ]),
        ),
        ("subj", Json::List(view.subjects().map(text).collect())),
        ("res", Json::from(target)),
        ("sess", Json::from(view.session.map(text))),
        ("req", text(view.request)),
        (
            "src",
            Json::object([("service", text(view.service)), ("node", text(view.node))]),
        ),
        ("d", Json::Object(details.collect())),
        ("pii", Json::List(sealed.collect())),
    ])
}
