use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use vv_audit::export::{
    AnchorProof, ExportError, ExportFormat, ExportHeader, ExportRecord, ExportTrailer, Exporter,
    JSONL_FORMAT, Selection,
};
use vv_audit::{LeafError, leaf_hash};
use vv_base::Timestamp;

use crate::sample::{ACTOR, CHAIN, CHECKPOINT, EVENT, REQUEST, SESSION, Sample, opened};

fn parsed(line: &str) -> Value {
    assert_eq!(line.matches('\n').count(), 1, "one line: {line}");
    assert!(!line.contains('\r'));
    serde_json::from_str(line).expect("JSON")
}

#[test]
fn the_same_leaf_comes_back() {
    for sample in [Sample::new("authentication.logout"), Sample::nasty()] {
        let line = parsed(&sample.line(ExportFormat::Jsonl, None));
        let leaf = STANDARD
            .decode(line["leaf"].as_str().expect("text"))
            .expect("base64");
        assert_eq!(leaf, sample.leaf());
        assert_eq!(line["leaf_hash"], hex::encode(leaf_hash(&leaf)));
        assert_eq!(line["prev_hash"], hex::encode(&leaf[37..69]));
    }
}

#[test]
fn an_event_has_the_documented_members() {
    let line = parsed(&Sample::nasty().line(ExportFormat::Jsonl, None));
    let mut expected = json!({
        "type": "event",
        "chain": CHAIN.to_string(),
        "height": 7,
        "time": "2023-11-14T22:13:20.124456Z",
        "occurred": "2023-11-14T22:13:20.123456Z",
        "event_id": EVENT,
        "kind": "data.exported",
        "severity": "info",
        "outcome": "success",
        "actor": {"type": "user", "ref": ACTOR},
        "target": {"type": "=cmd|' /C calc'!A0", "id": "a=b|c\\d,\"e\"\r\nf\u{2028}"},
        "request": REQUEST,
        "session": SESSION,
        "service": "valueverse",
        "node": "+node\t\"1\"",
        "details": {"note": "line\none, \"two\"; =3|4\\5 漢\u{1}", "list": [-1, null]},
        "sealed": [{"field": "ip", "subject": ACTOR}],
        "checkpoint": {"size": CHECKPOINT.size, "root": "fb".repeat(32)},
    });
    for key in ["leaf", "leaf_hash", "prev_hash"] {
        expected[key] = line[key].clone();
    }
    assert_eq!(line, expected);
}

#[test]
fn what_is_not_there_is_null() {
    let mut sample = Sample::new("system.started");
    sample.actor = ("system", None);
    sample.target = None;
    sample.session = None;
    let leaf = sample.leaf();
    let mut out = Vec::new();
    Exporter::new(ExportFormat::Jsonl, "0.1.0")
        .line(&mut out, &ExportRecord::read(&leaf).expect("a leaf"));
    let line = parsed(&String::from_utf8(out).expect("UTF-8"));
    for pointer in ["/actor/ref", "/target", "/session", "/checkpoint"] {
        assert_eq!(line.pointer(pointer), Some(&Value::Null), "{pointer}");
    }
}

/// Without being asked for, nothing personal is in an export.
#[test]
fn personal_fields_are_there_only_when_opened() {
    let sample = Sample::new("authentication.login_succeeded");
    for format in ExportFormat::ALL {
        let redacted = sample.line(format, None);
        let open = sample.line(format, Some(&opened()));
        assert!(!redacted.contains("192.0.2.7"), "{redacted}");
        assert!(!redacted.contains("curl"), "{redacted}");
        assert!(open.contains("192.0.2.7"), "{open}");
        assert!(open.contains("curl"), "{open}");
    }
    let line = parsed(&sample.line(ExportFormat::Jsonl, Some(&opened())));
    assert_eq!(
        line["personal"],
        json!([
            {"field": "ip", "value": "192.0.2.7"},
            {"field": "user_agent", "value": "=curl/8 \"x\", y"},
            {"field": "email", "value": null},
        ])
    );
}

const NOTE: &str = "origin\n4096\nroot\n\n\u{2014} key sig\n";

fn opening(header: &ExportHeader<'_>) -> Value {
    let mut out = Vec::new();
    Exporter::new(ExportFormat::Jsonl, "0.1.0").open(&mut out, header);
    parsed(&String::from_utf8(out).expect("UTF-8"))
}

fn closing(trailer: &ExportTrailer<'_>) -> Value {
    let mut out = Vec::new();
    Exporter::new(ExportFormat::Jsonl, "0.1.0").close(&mut out, trailer);
    parsed(&String::from_utf8(out).expect("UTF-8"))
}

#[test]
fn the_header_says_what_a_verifier_needs() {
    let keys = ["example+deadbeef+AAAA".to_owned()];
    let mut header = ExportHeader {
        chain: CHAIN,
        from: 4,
        to: 9,
        selection: Selection::Everything,
        exported_at: Timestamp::from_unix_seconds(1_700_000_000),
        start: &[[1; 32], [2; 32]],
        checkpoint: Some(NOTE),
        anchor: Some(AnchorProof {
            leaf: b"VVN1",
            index: 3,
            inclusion: &[[3; 32]],
            checkpoint: NOTE,
        }),
        verifier_keys: &keys,
    };
    let expected = json!({
        "type": "header",
        "format": JSONL_FORMAT,
        "product": "ValueVerse Security 0.1.0",
        "exported_at": "2023-11-14T22:13:20Z",
        "chain": CHAIN.to_string(),
        "from": 4,
        "to": 9,
        "selection": null,
        "start": {"size": 3, "hashes": ["01".repeat(32), "02".repeat(32)]},
        "checkpoint": NOTE,
        "anchor": {
            "leaf": "VlZOMQ==",
            "index": 3,
            "inclusion": ["03".repeat(32)],
            "checkpoint": NOTE,
        },
        "verifier_keys": keys,
    });
    assert_eq!(opening(&header), expected);
    header.selection = Selection::Found("kind=\"x\"");
    header.anchor = None;
    let line = opening(&header);
    assert_eq!(line["selection"], "kind=\"x\"");
    assert_eq!(line["anchor"], Value::Null);
}

#[test]
fn the_trailer_says_where_the_export_ended() {
    let mut trailer = ExportTrailer {
        count: 6,
        last_hash: Some([4; 32]),
        root: Some([5; 32]),
        consistency: &[[6; 32]],
    };
    let full = json!({
        "type": "trailer",
        "count": 6,
        "last_hash": "04".repeat(32),
        "root": "05".repeat(32),
        "consistency": ["06".repeat(32)],
    });
    assert_eq!(closing(&trailer), full);
    trailer.last_hash = None;
    trailer.root = None;
    trailer.consistency = &[];
    let bare =
        json!({"type": "trailer", "count": 6, "last_hash": null, "root": null, "consistency": []});
    assert_eq!(closing(&trailer), bare);
}

#[test]
fn what_is_no_leaf_is_not_exported() {
    let good = Sample::new("data.created").leaf();
    assert!(ExportRecord::read(&good).is_ok());
    let cut = ExportRecord::read(&good[..40]).map(|_| ());
    assert_eq!(cut, Err(ExportError::Leaf(LeafError::Truncated)));
    let mut spaced = good.clone();
    spaced.push(b' ');
    assert_eq!(
        ExportRecord::read(&spaced).map(|_| ()),
        Err(ExportError::Body)
    );
}
