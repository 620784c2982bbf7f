//! JSON straight into the buffer of a line.

use std::io::Write as _;

use base64::engine::general_purpose::STANDARD;
use base64::{Engine as _, encoded_len};

use crate::view::BodyText;

/// An object that is being written.
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl Object<'_> {
    /// Writes an object.
    pub(super) fn write(out: &mut Vec<u8>, members: impl FnOnce(&mut Object<'_>)) {
        out.push(b'{');
        members(&mut Object {
            out: &mut *out,
            first: true,
        });
        out.push(b'}');
    }

    /// A member's name; what is then pushed is its value.
    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        string(self.out, name);
        self.out.push(b':');
        self.out
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        string(self.name(name), value);
    }

    /// Text of a body, whose escapes are those of JSON.
    pub(super) fn body(&mut self, name: &str, value: BodyText<'_>) {
        let out = self.name(name);
        out.push(b'"');
        out.extend_from_slice(value.raw().as_bytes());
        out.push(b'"');
    }

    /// Text of a body, or null.
    pub(super) fn body_or_null(&mut self, name: &str, value: Option<BodyText<'_>>) {
        match value {
            Some(value) => self.body(name, value),
            None => self.canonical(name, "null"),
        }
    }

    pub(super) fn number(&mut self, name: &str, value: impl std::fmt::Display) {
        display(self.name(name), &value);
    }

    pub(super) fn flag(&mut self, name: &str, value: bool) {
        self.canonical(name, if value { "true" } else { "false" });
    }

    /// The `Display` form as text, of a type whose form needs no escapes: ids and times.
    pub(super) fn shown(&mut self, name: &str, value: impl std::fmt::Display) {
        let out = self.name(name);
        out.push(b'"');
        display(out, &value);
        out.push(b'"');
    }

    /// A hash in lowercase hex.
    pub(super) fn hash(&mut self, name: &str, value: &[u8; 32]) {
        let out = self.name(name);
        hash_text(out, value);
    }

    /// A hash in lowercase hex, or null.
    pub(super) fn hash_or_null(&mut self, name: &str, value: Option<&[u8; 32]>) {
        match value {
            Some(value) => self.hash(name, value),
            None => self.canonical(name, "null"),
        }
    }

    /// Bytes in base64 (RFC 4648 §4).
    pub(super) fn bytes(&mut self, name: &str, value: &[u8]) {
        let out = self.name(name);
        out.push(b'"');
        base64(out, value);
        out.push(b'"');
    }

    /// A value that is JSON already.
    pub(super) fn canonical(&mut self, name: &str, json: &str) {
        self.name(name).extend_from_slice(json.as_bytes());
    }

    pub(super) fn object(&mut self, name: &str, members: impl FnOnce(&mut Object<'_>)) {
        Object::write(self.name(name), members);
    }

    /// A list; `item` writes one value.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut item: impl FnMut(&mut Vec<u8>, T),
    ) {
        let out = self.name(name);
        out.push(b'[');
        for (index, value) in items.into_iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            item(out, value);
        }
        out.push(b']');
    }
}

/// A string with its quotes.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    // Writing to a vector cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// A hash in lowercase hex with quotes.
pub(super) fn hash_text(out: &mut Vec<u8>, hash: &[u8; 32]) {
    out.push(b'"');
    hex(out, hash);
    out.push(b'"');
}

/// A hash in lowercase hex.
pub(super) fn hex(out: &mut Vec<u8>, hash: &[u8; 32]) {
    let mut text = [0_u8; 64];
    // The length fits.
    let _ = hex::encode_to_slice(hash, &mut text);
    out.extend_from_slice(&text);
}

fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    // A leaf is far below the length at which this is `None`.
    let length = encoded_len(bytes.len(), true).unwrap_or(0);
    out.resize(start + length, b'=');
    if let Some(place) = out.get_mut(start..) {
        let _ = STANDARD.encode_slice(bytes, place);
    }
}

/// The `Display` form.
pub(super) fn display(out: &mut Vec<u8>, value: &dyn std::fmt::Display) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{value}");
}
