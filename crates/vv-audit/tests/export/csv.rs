use std::collections::HashMap;

use vv_audit::export::{ExportFormat, ExportHeader, Exporter, Selection};
use vv_audit::leaf_hash;
use vv_base::Timestamp;

use crate::sample::{ACTOR, CHAIN, EVENT, REQUEST, SESSION, Sample, opened};

fn table(samples: &[Sample], open: bool) -> Vec<HashMap<String, String>> {
    let header = ExportHeader {
        chain: CHAIN,
        from: 1,
        to: 9,
        selection: Selection::Everything,
        exported_at: Timestamp::from_unix_micros(0),
        start: &[],
        checkpoint: None,
        anchor: None,
        verifier_keys: &[],
    };
    let mut text = Vec::new();
    Exporter::new(ExportFormat::Csv, "0.1.0").open(&mut text, &header);
    let fields = opened();
    for sample in samples {
        let personal = open.then_some(fields.as_slice());
        text.extend(sample.line(ExportFormat::Csv, personal).bytes());
    }
    // The reader refuses rows of another length than the first.
    csv::Reader::from_reader(text.as_slice())
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("RFC 4180")
}

#[test]
fn another_reader_finds_the_same_values() {
    let nasty = Sample::nasty();
    let mut bare = Sample::new("system.started");
    bare.actor = ("system", None);
    bare.target = None;
    bare.session = None;
    let rows = table(&[nasty.clone(), bare], false);
    let details = r#"{"list":[-1,null],"note":"line\none, \"two\"; =3|4\\5 漢\u0001"}"#;
    for (column, value) in [
        ("chain", CHAIN.to_string().as_str()),
        ("height", "7"),
        ("time", "2023-11-14T22:13:20.124456Z"),
        ("occurred", "2023-11-14T22:13:20.123456Z"),
        ("event_id", EVENT),
        ("kind", "data.exported"),
        ("severity", "info"),
        ("outcome", "success"),
        ("actor_type", "user"),
        ("actor", ACTOR),
        // Disarmed: it began like a formula.
        ("target_type", "'=cmd|' /C calc'!A0"),
        ("target", "a=b|c\\d,\"e\"\r\nf\u{2028}"),
        ("request", REQUEST),
        ("session", SESSION),
        ("service", "valueverse"),
        ("node", "'+node\t\"1\""),
        ("details", details),
        ("personal", ""),
        ("prev_hash", "ab".repeat(32).as_str()),
        ("leaf_hash", hex::encode(leaf_hash(&nasty.leaf())).as_str()),
        ("checkpoint_size", "4096"),
        ("checkpoint_root", "fb".repeat(32).as_str()),
    ] {
        assert_eq!(rows[0][column], value, "{column}");
    }
    assert_eq!(rows[0].len(), 22);
    for column in ["actor", "target_type", "target", "session"] {
        assert_eq!(rows[1][column], "", "{column}");
    }
}

#[test]
fn no_cell_starts_a_formula() {
    for start in ["=", "+", "-", "@", "\t", "\r", "\n", " =", "＝", "＠"] {
        let mut sample = Sample::new("app.note");
        sample.target = Some((format!("{start}1"), format!("{start}HYPERLINK(\"x\")")));
        sample.node = format!("{start}n");
        for row in table(&[sample], true) {
            for (column, cell) in row {
                let risky = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
                assert!(!cell.starts_with(risky), "{column}: {cell:?}");
            }
        }
    }
}

#[test]
fn opened_fields_are_json_in_one_cell() {
    let rows = table(&[Sample::new("authentication.login_succeeded")], true);
    let cell: serde_json::Value = serde_json::from_str(&rows[0]["personal"]).expect("JSON");
    assert_eq!(cell["personal"][0]["value"], "192.0.2.7");
    assert_eq!(cell["personal"][2]["value"], serde_json::Value::Null);
}
