//! A whole export, checked from its lines alone as a stranger would.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use vv_audit::export::{
    ExportFormat, ExportHeader, ExportRecord, ExportTrailer, Exporter, Selection,
};
use vv_audit::leaf_hash;
use vv_audit::tree::{CompactRange, root_of};
use vv_base::Timestamp;

use crate::sample::{CHAIN, Sample};

const FROM: u64 = 6;
const TO: u64 = 20;

/// Events 6 to 20 of a chain, and the root at 20.
fn export() -> (String, [u8; 32]) {
    let exporter = Exporter::new(ExportFormat::Jsonl, "0.1.0");
    let mut leaves = Vec::new();
    let mut hashes = Vec::new();
    let mut prev = [0; 32];
    for height in 1..=TO {
        let leaf = Sample {
            height,
            prev,
            ..Sample::nasty()
        }
        .leaf();
        prev = leaf_hash(&leaf);
        hashes.push(prev);
        leaves.push(leaf);
    }
    let before = usize::try_from(FROM - 1).expect("small");
    let mut start = CompactRange::new();
    for hash in &hashes[..before] {
        start.push(*hash).expect("room");
    }
    let root = root_of(&hashes);
    let mut out = Vec::new();
    let header = ExportHeader {
        chain: CHAIN,
        from: FROM,
        to: TO,
        selection: Selection::Everything,
        exported_at: Timestamp::from_unix_micros(0),
        start: start.hashes(),
        checkpoint: None,
        anchor: None,
        verifier_keys: &[],
    };
    exporter.open(&mut out, &header);
    for leaf in &leaves[before..] {
        exporter.line(&mut out, &ExportRecord::read(leaf).expect("a leaf"));
    }
    let trailer = ExportTrailer {
        count: TO - FROM + 1,
        last_hash: Some(prev),
        root: Some(root),
        consistency: &[],
    };
    exporter.close(&mut out, &trailer);
    (String::from_utf8(out).expect("UTF-8"), root)
}

/// Follows chain and tree through the lines; says what is wrong.
fn verify(text: &str, root: [u8; 32]) -> Result<(), &'static str> {
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).map_err(|_| "JSON"))
        .collect::<Result<_, _>>()?;
    let [header, events @ .., trailer] = lines.as_slice() else {
        return Err("too short");
    };
    if header["type"] != "header" || trailer["type"] != "trailer" {
        return Err("header or trailer missing");
    }
    let hash =
        |value: &Value| -> Option<[u8; 32]> { hex::decode(value.as_str()?).ok()?.try_into().ok() };
    let start = header["start"]["hashes"].as_array().ok_or("start")?;
    let start: Option<Vec<_>> = start.iter().map(hash).collect();
    let size = header["start"]["size"].as_u64().ok_or("size")?;
    let mut range = CompactRange::from_parts(size, start.ok_or("start")?).map_err(|_| "start")?;
    let mut prev = None;
    for event in events {
        let leaf = event["leaf"].as_str().ok_or("leaf")?;
        let leaf = STANDARD.decode(leaf).map_err(|_| "leaf")?;
        if leaf[5..13] != (range.size() + 1).to_be_bytes() {
            return Err("height");
        }
        if prev.is_some_and(|prev: [u8; 32]| prev != leaf[37..69]) {
            return Err("link");
        }
        let own = leaf_hash(&leaf);
        if hash(&event["leaf_hash"]) != Some(own) {
            return Err("leaf hash");
        }
        range.push(own).map_err(|_| "full")?;
        prev = Some(own);
    }
    if trailer["count"] != events.len() || hash(&trailer["last_hash"]) != prev {
        return Err("count or last hash");
    }
    if range.root() != root || hash(&trailer["root"]) != Some(root) {
        return Err("root");
    }
    Ok(())
}

#[test]
fn an_export_verifies_from_its_lines_alone() {
    let (text, root) = export();
    assert_eq!(verify(&text, root), Ok(()));
}

#[test]
fn a_changed_export_does_not_verify() {
    let (text, root) = export();
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.len() - 1;
    for left_out in 0..=last {
        let mut fewer = lines.clone();
        fewer.remove(left_out);
        assert!(verify(&fewer.join("\n"), root).is_err(), "line {left_out}");
    }
    for first in 1..last - 1 {
        let mut swapped = lines.clone();
        swapped.swap(first, first + 1);
        assert_eq!(verify(&swapped.join("\n"), root), Err("height"));
    }
    let mut wrong = root;
    wrong[0] ^= 1;
    assert_eq!(verify(&text, wrong), Err("root"));
    // Another leaf with its own right hash breaks the link of the next.
    let forged = Sample {
        height: FROM + 1,
        ..Sample::new("data.viewed")
    };
    let forged = forged.line(ExportFormat::Jsonl, None);
    let mut replaced = lines.clone();
    replaced[2] = forged.trim_end();
    assert_eq!(verify(&replaced.join("\n"), root), Err("link"));
}
