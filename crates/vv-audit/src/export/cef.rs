//! The Common Event Format, version 0: seven header fields behind pipes, then
//! `key=value` pairs.

use std::net::IpAddr;

use super::json::{display, hex};
use super::record::{ExportRecord, phrase};
use super::{PRODUCT, VENDOR};
use crate::catalogue::EventType;
use crate::view::BodyText;

/// The longest value of a custom string in the format, characters.
const MAX_STRING: usize = 4000;

pub(super) fn line(out: &mut Vec<u8>, version: &str, record: &ExportRecord<'_>) {
    let kind = record.kind();
    let known = EventType::by_name(&kind);
    let product = PRODUCT.strip_prefix(VENDOR).unwrap_or(PRODUCT).trim();
    out.extend_from_slice(b"CEF:0");
    for value in [
        VENDOR,
        product,
        version,
        &kind,
        &phrase(known.as_ref(), &kind),
        severity(&record.body.severity.decoded()),
    ] {
        out.push(b'|');
        header_value(out, value);
    }
    out.push(b'|');
    extension(&mut Extension { out, first: true }, record);
    out.push(b'\n');
}

/// The scale of the format goes from 0 to 10.
fn severity(name: &str) -> &'static str {
    match name {
        "info" => "2",
        "warning" => "5",
        "error" => "7",
        "critical" => "10",
        _ => "Unknown",
    }
}

fn extension(ext: &mut Extension<'_>, record: &ExportRecord<'_>) {
    let (header, body) = (&record.header, &record.body);
    ext.number("rt", header.seq_ts.unix_millis());
    ext.number("start", record.occurred().unix_millis());
    ext.body("externalId", body.event_id);
    ext.body("cat", body.category);
    ext.body("act", body.action);
    ext.body("outcome", body.outcome);
    ext.body("dvchost", body.node);
    ext.body("sourceServiceName", body.service);
    ext.body("spriv", body.actor_kind);
    if let Some(actor) = body.actor_ref {
        ext.body("suid", actor);
    }
    source(ext, record);
    ext.number("cn1", header.height);
    ext.text("cn1Label", "height");
    ext.number("cs1", header.chain);
    ext.text("cs1Label", "chain");
    ext.hash("cs2", &header.prev);
    ext.text("cs2Label", "prevHash");
    ext.hash("cs3", &record.leaf_hash);
    ext.text("cs3Label", "leafHash");
    if let Some(checkpoint) = record.checkpoint {
        ext.number("cn2", checkpoint.size);
        ext.text("cn2Label", "checkpointSize");
        ext.hash("cs4", &checkpoint.root);
        ext.text("cs4Label", "checkpointRoot");
    }
    if let Some(target) = body.target {
        let (kind, id) = (target.kind.decoded(), target.id.decoded());
        ext.text("cs5", &format!("{kind}:{id}"));
        ext.text("cs5Label", "target");
    }
    let details = body.details_text();
    if details != "{}" {
        ext.text("cs6", details);
        ext.text("cs6Label", "details");
    }
    ext.body("flexString1", body.request);
    ext.text("flexString1Label", "request");
    if let Some(session) = body.session {
        ext.body("flexString2", session);
        ext.text("flexString2Label", "session");
    }
}

/// Where the request came from, when it was opened.
fn source(ext: &mut Extension<'_>, record: &ExportRecord<'_>) {
    match record.personal_text("ip").map(|text| (text, text.parse())) {
        Some((text, Ok(IpAddr::V4(_)))) => ext.text("src", text),
        Some((text, Ok(IpAddr::V6(_)))) => {
            ext.text("c6a2", text);
            ext.text("c6a2Label", "Source IPv6 Address");
        }
        Some((_, Err(_))) | None => {}
    }
    if let Some(agent) = record.personal_text("user_agent") {
        ext.text("requestClientApplication", agent);
    }
}

/// The pairs that are being written.
struct Extension<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl Extension<'_> {
    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b' ');
        }
        self.first = false;
        self.out.extend_from_slice(key.as_bytes());
        self.out.push(b'=');
        self.out
    }

    fn text(&mut self, key: &str, value: &str) {
        extension_value(self.key(key), value);
    }

    fn body(&mut self, key: &str, value: BodyText<'_>) {
        self.text(key, &value.decoded());
    }

    fn number(&mut self, key: &str, value: impl std::fmt::Display) {
        display(self.key(key), &value);
    }

    fn hash(&mut self, key: &str, value: &[u8; 32]) {
        hex(self.key(key), value);
    }
}

/// In the header, backslash and pipe are escaped and there are no line breaks.
fn header_value(out: &mut Vec<u8>, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => out.extend_from_slice(b"\\\\"),
            '|' => out.extend_from_slice(b"\\|"),
            c if breaks_lines(c) => out.push(b' '),
            c => push(out, c),
        }
    }
}

/// In a value, backslash, equals sign and line breaks are escaped. A longer
/// text than the format allows ends with an ellipsis.
fn extension_value(out: &mut Vec<u8>, value: &str) {
    for (index, c) in value.chars().enumerate() {
        if index == MAX_STRING - 1 && value.chars().nth(MAX_STRING).is_some() {
            push(out, '…');
            return;
        }
        match c {
            '\\' => out.extend_from_slice(b"\\\\"),
            '=' => out.extend_from_slice(b"\\="),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            c if breaks_lines(c) => out.push(b' '),
            c => push(out, c),
        }
    }
}

/// Control characters and the line separators of Unicode: some collectors cut there.
fn breaks_lines(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn push(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(write: fn(&mut Vec<u8>, &str), text: &str) -> String {
        let mut out = Vec::new();
        write(&mut out, text);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn escapes_are_those_of_the_format() {
        for (text, in_header, in_value) in [
            ("plain", "plain", "plain"),
            ("a|b", "a\\|b", "a|b"),
            ("a\\b", "a\\\\b", "a\\\\b"),
            ("a=b", "a=b", "a\\=b"),
            ("a\nb\rc", "a b c", "a\\nb\\rc"),
            ("a\tb\0c", "a b c", "a b c"),
            ("a\u{2028}b\u{85}c", "a b c", "a b c"),
            ("\\=|", "\\\\=\\|", "\\\\\\=|"),
            ("ü 漢", "ü 漢", "ü 漢"),
        ] {
            assert_eq!(escaped(header_value, text), in_header, "{text:?}");
            assert_eq!(escaped(extension_value, text), in_value, "{text:?}");
        }
    }

    #[test]
    fn long_values_end_with_an_ellipsis() {
        let fits = "ü".repeat(MAX_STRING);
        assert_eq!(escaped(extension_value, &fits), fits);
        let long = escaped(extension_value, &"=".repeat(MAX_STRING + 1));
        assert_eq!(long.matches("\\=").count(), MAX_STRING - 1);
        assert!(long.ends_with('…'));
    }
}
