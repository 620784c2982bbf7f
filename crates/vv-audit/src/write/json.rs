//! Rows for statements that take many of them as one JSON text. Thousands a
//! second, so they are written without a tree of values in between.

use std::fmt::Write as _;

/// A list of objects under way.
#[derive(Default)]
pub(super) struct JsonRows {
    out: String,
}

/// One object under way. Names are plain: letters only.
pub(super) struct JsonRow<'a> {
    out: &'a mut String,
}

impl JsonRows {
    pub(super) fn row(&mut self, fill: impl FnOnce(&mut JsonRow<'_>)) {
        self.out
            .push_str(if self.out.is_empty() { "[{" } else { ",{" });
        fill(&mut JsonRow { out: &mut self.out });
        self.out.push('}');
    }

    pub(super) fn end(mut self) -> String {
        self.out
            .push_str(if self.out.is_empty() { "[]" } else { "]" });
        self.out
    }
}

impl JsonRow<'_> {
    fn name(&mut self, name: &str) {
        self.out
            .push_str(if self.out.ends_with('{') { "\"" } else { ",\"" });
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    pub(super) fn int(&mut self, name: &str, value: i64) {
        self.name(name);
        // Writing into a string cannot fail.
        let _ = write!(self.out, "{value}");
    }

    pub(super) fn hex(&mut self, name: &str, bytes: &[u8]) {
        self.name(name);
        self.out.push('"');
        push_hex(self.out, bytes);
        self.out.push('"');
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        let _ = write!(self.out, "{}", serde_json::Value::from(value));
    }
}

/// Adds bytes in hex.
pub(super) fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            out.extend(DIGITS.get(usize::from(nibble)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_json() {
        let mut rows = JsonRows::default();
        for n in [-1, 7] {
            rows.row(|to| {
                to.int("n", n);
                to.hex("h", &[0, 0x9f]);
                to.text("t", "a \"{\u{1}é");
            });
        }
        let value: serde_json::Value = serde_json::from_str(&rows.end()).unwrap();
        let row = |n| serde_json::json!({"n": n, "h": "009f", "t": "a \"{\u{1}é"});
        assert_eq!(value, serde_json::json!([row(-1), row(7)]));
        assert_eq!(JsonRows::default().end(), "[]");
    }
}
