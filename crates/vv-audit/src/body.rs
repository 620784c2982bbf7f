//! The body of a leaf: a subset of JSON in its canonical form (RFC 8785) that
//! has only one spelling. No floating-point numbers, keys in ASCII and sorted,
//! strings in Unicode NFC.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use crate::view::{Reader, plain_run};

/// Deepest nesting of arrays and objects in a body.
pub const MAX_DEPTH: usize = 8;

/// Largest integer a JSON reader with IEEE doubles keeps exactly: 2^53 − 1.
pub(crate) const MAX_INTEGER: i64 = 9_007_199_254_740_991;

/// A value that a body may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number, |n| ≤ 2^53 − 1; larger ones are clamped when encoded.
    Int(i64),
    /// Text, brought to NFC when encoded.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// Named values; the map keeps them sorted. Names are ASCII, where the
    /// order of UTF-8 is that of UTF-16 which RFC 8785 demands.
    Object(BTreeMap<String, Json>),
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Json {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Json {
    /// An object from pairs.
    pub fn object<const N: usize>(pairs: [(&str, Json); N]) -> Self {
        Self::Object(
            pairs
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }

    /// The canonical text.
    pub fn encode(&self) -> String {
        let mut out = String::with_capacity(512);
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => {
                let value = (*value).clamp(-MAX_INTEGER, MAX_INTEGER);
                let _ = write!(out, "{value}");
            }
            Self::Text(text) => write_text(out, text),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(pairs) => {
                out.push('{');
                for (index, (key, value)) in pairs.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(out, key);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Whether [`Json::decode`] will read the encoded text back as this value,
    /// apart from text brought to NFC: it nests at most [`MAX_DEPTH`] deep, names
    /// are ASCII and numbers within ±(2^53 − 1).
    pub fn fits(&self) -> bool {
        self.fits_in(MAX_DEPTH)
    }

    fn fits_in(&self, depth: usize) -> bool {
        let deeper = depth.checked_sub(1);
        match self {
            Self::Null | Self::Bool(_) | Self::Text(_) => true,
            Self::Int(value) => (-MAX_INTEGER..=MAX_INTEGER).contains(value),
            Self::List(items) => {
                deeper.is_some_and(|depth| items.iter().all(|item| item.fits_in(depth)))
            }
            Self::Object(pairs) => deeper.is_some_and(|depth| {
                let mut pairs = pairs.iter();
                pairs.all(|(key, value)| key.is_ascii() && value.fits_in(depth))
            }),
        }
    }

    /// Reads canonical text back; `None` when it is not a body of this subset
    /// or not in its one spelling.
    pub fn decode(text: &str) -> Option<Self> {
        let mut reader = Reader::new(text);
        let json = Self::read(&mut reader, MAX_DEPTH)?;
        reader.end()?;
        Some(json)
    }

    fn read(reader: &mut Reader<'_>, depth: usize) -> Option<Self> {
        Some(match reader.peek()? {
            b'n' => reader.literal("null").map(|()| Self::Null)?,
            b't' => reader.literal("true").map(|()| Self::Bool(true))?,
            b'f' => reader.literal("false").map(|()| Self::Bool(false))?,
            b'"' => Self::Text(reader.string()?.decoded().into_owned()),
            b'[' => {
                let depth = depth.checked_sub(1)?;
                reader.literal("[")?;
                let mut items = Vec::new();
                while reader.more(items.is_empty(), b']')? {
                    items.push(Self::read(reader, depth)?);
                }
                Self::List(items)
            }
            b'{' => {
                let depth = depth.checked_sub(1)?;
                reader.literal("{")?;
                let mut pairs = BTreeMap::new();
                let mut before = None;
                while reader.more(before.is_none(), b'}')? {
                    let key = reader.key(before)?;
                    before = Some(key);
                    let value = Self::read(reader, depth)?;
                    pairs.insert(key.decoded().into_owned(), value);
                }
                Self::Object(pairs)
            }
            _ => Self::Int(reader.int()?),
        })
    }

    /// The value under a key, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(pairs) => pairs.get(key),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The list, if this is one; nothing counts as an empty list.
    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }
}

/// RFC 8785 §3.2.2.2: the short escapes where they exist, `\u00xx` for other
/// control characters, everything else as it is.
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    if plain_run(text.as_bytes()) == text.len() {
        out.push_str(text);
    } else if is_nfc(text) {
        text.chars().for_each(|c| write_char(out, c));
    } else {
        text.nfc().for_each(|c| write_char(out, c));
    }
    out.push('"');
}

fn write_char(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{8}' => out.push_str("\\b"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\u{c}' => out.push_str("\\f"),
        '\r' => out.push_str("\\r"),
        '\0'..='\u{1f}' => {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
        _ => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_text_is_normalised() {
        let body = Json::object([
            ("z", Json::Int(1)),
            ("a", Json::from("e\u{301}")),
            ("m", Json::List(vec![Json::Null, Json::Bool(true)])),
        ]);
        assert_eq!(
            body.encode(),
            "{\"a\":\"\u{e9}\",\"m\":[null,true],\"z\":1}"
        );
    }

    /// The string row of the RFC 8785 §3.2.2.2 example.
    #[test]
    fn escapes_follow_rfc_8785() {
        let text = "\u{20ac}$\u{f}\nA'\u{42}\"\\\\\"/";
        assert_eq!(
            Json::from(text).encode(),
            "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\""
        );
    }

    #[test]
    fn only_the_canonical_spelling_decodes() {
        let canonical = "{\"a\":1,\"b\":[\"x\"]}";
        assert_eq!(
            Json::decode(canonical).map(|json| json.encode()).as_deref(),
            Some(canonical)
        );
        for other in [
            "{\"b\":[\"x\"],\"a\":1}",
            "{\"a\": 1,\"b\":[\"x\"]}",
            "{\"a\":1.0,\"b\":[\"x\"]}",
            "{\"a\":1,\"a\":1}",
            "{\"a\":\"\\u0041\"}",
            "{\"\u{e9}\":1}",
            "[1e3]",
        ] {
            assert_eq!(Json::decode(other), None, "{other}");
        }
    }

    #[test]
    fn nesting_is_capped() {
        let deep = format!("{}{}", "[".repeat(9), "]".repeat(9));
        assert_eq!(Json::decode(&deep), None);
        let deepest = format!("{}{}", "[".repeat(8), "]".repeat(8));
        assert!(Json::decode(&deepest).is_some());
    }

    #[test]
    fn integers_stay_where_every_reader_keeps_them() {
        assert_eq!(Json::Int(i64::MAX).encode(), "9007199254740991");
        assert_eq!(Json::Int(i64::MIN).encode(), "-9007199254740991");
    }
}
