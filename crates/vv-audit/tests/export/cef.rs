use std::collections::HashMap;

use vv_audit::export::ExportFormat;
use vv_audit::leaf_hash;

use crate::sample::{ACTOR, CHAIN, EVENT, REQUEST, SESSION, Sample, opened};

/// Takes a line apart as the format's guide says: pipes that are not escaped,
/// then keys before equals signs that are not escaped.
fn read(line: &str) -> (Vec<String>, HashMap<String, String>) {
    assert_eq!(line.matches('\n').count(), 1, "one line: {line}");
    assert!(!line.contains('\r'));
    let line = line.trim_end_matches('\n');
    let mut fields = vec![String::new()];
    let mut rest = line.chars();
    while fields.len() < 8 {
        match rest.next().expect("seven pipes") {
            '\\' => fields.last_mut().expect("one").extend(rest.next()),
            '|' => fields.push(String::new()),
            c => fields.last_mut().expect("one").push(c),
        }
    }
    fields.pop();
    let extension: Vec<char> = rest.collect();
    let mut pairs = HashMap::new();
    let equals: Vec<usize> = (0..extension.len())
        .filter(|&at| extension[at] == '=' && !escaped(&extension, at))
        .collect();
    for (index, &at) in equals.iter().enumerate() {
        let start = key_start(&extension, at);
        let end = equals
            .get(index + 1)
            .map_or(extension.len(), |&next| key_start(&extension, next) - 1);
        let key: String = extension[start..at].iter().collect();
        let raw: String = extension[at + 1..end].iter().collect();
        let before = pairs.insert(key.clone(), unescaped(&raw));
        assert_eq!(before, None, "{key} twice");
    }
    (fields, pairs)
}

fn escaped(text: &[char], at: usize) -> bool {
    text[..at].iter().rev().take_while(|c| **c == '\\').count() % 2 == 1
}

fn key_start(text: &[char], at: usize) -> usize {
    let length = text[..at].iter().rev().take_while(|c| **c != ' ').count();
    at - length
}

fn unescaped(raw: &str) -> String {
    let mut chars = raw.chars();
    let mut text = String::new();
    while let Some(c) = chars.next() {
        text.push(match c {
            '\\' => match chars.next().expect("something escaped") {
                'n' => '\n',
                'r' => '\r',
                other => other,
            },
            c => c,
        });
    }
    text
}

#[test]
fn a_reader_of_the_format_finds_the_values() {
    let nasty = Sample::nasty();
    let (header, pairs) = read(&nasty.line(ExportFormat::Cef, Some(&opened())));
    assert_eq!(
        header,
        [
            "CEF:0",
            "ValueVerse",
            "Security",
            "0.1.0",
            "data.exported",
            "exported data",
            "2"
        ]
    );
    for (key, value) in [
        ("rt", "1700000000124"),
        ("start", "1700000000123"),
        ("externalId", EVENT),
        ("cat", "data"),
        ("act", "exported"),
        ("outcome", "success"),
        ("suid", ACTOR),
        ("spriv", "user"),
        ("src", "192.0.2.7"),
        ("requestClientApplication", "=curl/8 \"x\", y"),
        ("dvchost", "+node \"1\""),
        ("sourceServiceName", "valueverse"),
        ("cn1", "7"),
        ("cn1Label", "height"),
        ("cs1", CHAIN.to_string().as_str()),
        ("cs2", "ab".repeat(32).as_str()),
        ("cs3", hex::encode(leaf_hash(&nasty.leaf())).as_str()),
        ("cn2", "4096"),
        ("cs4", "fb".repeat(32).as_str()),
        ("cs5", "=cmd|' /C calc'!A0:a=b|c\\d,\"e\"\r\nf "),
        (
            "cs6",
            r#"{"list":[-1,null],"note":"line\none, \"two\"; =3|4\\5 漢\u0001"}"#,
        ),
        ("flexString1", REQUEST),
        ("flexString2", SESSION),
    ] {
        assert_eq!(
            pairs.get(key).map(String::as_str),
            Some(value),
            "{key} in {pairs:?}"
        );
    }
    // Every custom field says what it is.
    for key in pairs.keys().filter(|key| {
        let custom = ["cs", "cn", "flexString", "c6a"];
        custom.iter().any(|start| key.starts_with(start)) && !key.ends_with("Label")
    }) {
        assert!(pairs.contains_key(&format!("{key}Label")), "{key}");
    }
}

#[test]
fn severities_follow_the_scale_and_unknown_types_stay_themselves() {
    for (severity, scale) in [
        ("info", "2"),
        ("warning", "5"),
        ("error", "7"),
        ("critical", "10"),
        ("odd", "Unknown"),
    ] {
        let mut sample = Sample::new("future.thing");
        sample.severity = severity;
        let (header, _) = read(&sample.line(ExportFormat::Cef, None));
        assert_eq!(header[4..], ["future.thing", "future.thing", scale]);
    }
}

#[test]
fn addresses_go_where_their_version_belongs() {
    let sample = Sample::new("authentication.login_failed");
    let with = |address: &str| {
        let personal = [("ip".to_owned(), Some(address.to_owned()))];
        read(&sample.line(ExportFormat::Cef, Some(&personal))).1
    };
    assert_eq!(with("2001:db8::1")["c6a2"], "2001:db8::1");
    assert_eq!(with("192.0.2.1")["src"], "192.0.2.1");
    let odd = with("somewhere");
    assert!(!odd.contains_key("src") && !odd.contains_key("c6a2"));
}
