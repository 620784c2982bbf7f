//! Whatever stands in an event, a line stays one line and says the same.

use proptest::prelude::*;
use serde_json::Value;
use vv_audit::export::{ExportFormat, OpenedField};
use vv_audit::{BodyView, Json};

use crate::sample::Sample;

/// Texts in which the marks of all formats are frequent.
fn text() -> impl Strategy<Value = String> {
    let marks: Vec<char> = "=+-@|\\\"',;{}[]\t\r\n\0\u{1b}\u{85}\u{2028}\u{feff}＝ é漢"
        .chars()
        .collect();
    let character = prop_oneof![proptest::sample::select(marks), any::<char>()];
    proptest::collection::vec(character, 0..24).prop_map(String::from_iter)
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).expect("JSON")
}

proptest! {
    #[test]
    fn lines_stay_whole(target in text(), node in text(), note in text(), agent in text()) {
        let mut sample = Sample::new("app.note");
        sample.target = Some((target.clone(), target));
        sample.node = node;
        sample.details = vec![("note", Json::from(note))];
        let personal: [OpenedField; 1] = [("user_agent".to_owned(), Some(agent.clone()))];
        // What is stored is in NFC.
        let body = sample.body().encode();
        let stored = BodyView::parse(&body).expect("canonical");
        let stored_target = stored.target.expect("a target").id.decoded().into_owned();
        let stored_node = stored.node.decoded();
        let line = |format| sample.line(format, Some(&personal));

        let event = json(&line(ExportFormat::Jsonl));
        prop_assert_eq!(event["target"]["id"].as_str(), Some(&*stored_target));
        prop_assert_eq!(event["node"].as_str(), Some(&*stored_node));
        prop_assert_eq!(&event["details"], &json(stored.details_text()));
        prop_assert_eq!(event["personal"][0]["value"].as_str(), Some(&*agent));

        let event = json(&line(ExportFormat::Ocsf));
        prop_assert_eq!(event["device"]["uid"].as_str(), Some(&*stored_node));
        prop_assert_eq!(event["http_request"]["user_agent"].as_str(), Some(&*agent));
        prop_assert_eq!(event["unmapped"]["target"]["id"].as_str(), Some(&*stored_target));

        for format in [ExportFormat::Jsonl, ExportFormat::Ocsf, ExportFormat::Cef] {
            let line = line(format);
            prop_assert_eq!(line.matches(['\n', '\r']).count(), 1);
        }

        let row = line(ExportFormat::Csv);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(row.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("RFC 4180");
        prop_assert_eq!(rows.len(), 1);
        prop_assert_eq!(rows[0].len(), 22);
        let cell = &rows[0][11];
        prop_assert!(cell == stored_target || cell.strip_prefix('\'') == Some(&*stored_target));
    }
}
