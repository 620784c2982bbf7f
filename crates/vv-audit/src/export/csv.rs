//! Comma-separated values after RFC 4180, safe to open in a spreadsheet.

use std::borrow::Cow;

use super::json::{Object, display, hex};
use super::jsonl;
use super::record::ExportRecord;

const COLUMNS: &[u8] = b"chain,height,time,occurred,event_id,kind,severity,outcome,actor_type,\
    actor,target_type,target,request,session,service,node,details,personal,prev_hash,leaf_hash,\
    checkpoint_size,checkpoint_root\r\n";

pub(super) fn header(out: &mut Vec<u8>) {
    out.extend_from_slice(COLUMNS);
}

pub(super) fn line(out: &mut Vec<u8>, record: &ExportRecord<'_>) {
    let (header, body) = (&record.header, &record.body);
    let target = body.target;
    display(out, &header.chain);
    out.push(b',');
    display(out, &header.height);
    out.push(b',');
    display(out, &header.seq_ts);
    out.push(b',');
    display(out, &record.occurred());
    let kind = record.kind();
    let empty = Cow::Borrowed("");
    let decoded = |text: Option<crate::view::BodyText<'_>>| {
        text.map_or(empty.clone(), |text| {
            Cow::Owned(text.decoded().into_owned())
        })
    };
    let cells: [Cow<'_, str>; 14] = [
        body.event_id.decoded(),
        Cow::Borrowed(&kind),
        body.severity.decoded(),
        body.outcome.decoded(),
        body.actor_kind.decoded(),
        decoded(body.actor_ref),
        decoded(target.map(|target| target.kind)),
        decoded(target.map(|target| target.id)),
        body.request.decoded(),
        decoded(body.session),
        body.service.decoded(),
        body.node.decoded(),
        Cow::Borrowed(body.details_text()),
        personal(record),
    ];
    for cell in &cells {
        out.push(b',');
        field(out, cell);
    }
    out.push(b',');
    hex(out, &header.prev);
    out.push(b',');
    hex(out, &record.leaf_hash);
    out.push(b',');
    if let Some(checkpoint) = record.checkpoint {
        display(out, &checkpoint.size);
    }
    out.push(b',');
    if let Some(checkpoint) = record.checkpoint {
        hex(out, &checkpoint.root);
    }
    out.extend_from_slice(b"\r\n");
}

/// The opened fields as JSON; nothing when the fields stay sealed.
fn personal(record: &ExportRecord<'_>) -> Cow<'static, str> {
    if record.personal.is_none() {
        return Cow::Borrowed("");
    }
    let mut json = Vec::new();
    Object::write(&mut json, |object| jsonl::personal(object, record));
    Cow::Owned(String::from_utf8(json).unwrap_or_default())
}

/// One value. What a spreadsheet would take for a formula gets an apostrophe
/// in front, which shows as nothing there; the leaf hash tells the true text.
fn field(out: &mut Vec<u8>, value: &str) {
    let formula = starts_like_a_formula(value);
    let quoted = value.contains([',', '"', '\r', '\n'])
        || value.starts_with(char::is_whitespace)
        || value.ends_with(char::is_whitespace);
    if quoted {
        out.push(b'"');
    }
    if formula {
        out.push(b'\'');
    }
    for byte in value.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    if quoted {
        out.push(b'"');
    }
}

/// Some programs skip blanks before a formula, and some read the fullwidth
/// forms of the signs as the signs.
fn starts_like_a_formula(value: &str) -> bool {
    let risky = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    value.starts_with(['\t', '\r', '\n']) || value.trim_start().starts_with(risky)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_and_formulas_disarmed() {
        for (value, cell) in [
            ("", ""),
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("two\nlines", "\"two\nlines\""),
            (" led", "\" led\""),
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-1", "'-1"),
            ("@sum", "'@sum"),
            ("  =1", "\"'  =1\""),
            ("\t=1", "\"'\t=1\""),
            ("\rx", "\"'\rx\""),
            ("＝1", "'＝1"),
            ("=a,\"b\"", "\"'=a,\"\"b\"\"\""),
            ("{\"a\":1}", "\"{\"\"a\"\":1}\""),
            ("a-b", "a-b"),
        ] {
            let mut out = Vec::new();
            field(&mut out, value);
            assert_eq!(String::from_utf8_lossy(&out), cell, "{value:?}");
        }
    }
}
