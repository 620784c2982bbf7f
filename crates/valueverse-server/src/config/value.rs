//! Kinds of values that settings have, as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vv_base::{Secret, Span};

/// What is shown in place of a secret.
pub(crate) const REDACTED: &str = "«set»";

/// Longest period accepted: ten years.
const MAX_SECONDS: i64 = 10 * 365 * 86_400;

/// A length of time: `30s`, `15m`, `8h`, `7d`, or whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Period(Span);

impl Period {
    pub(crate) const fn seconds(n: i64) -> Self {
        Self(Span::seconds(n))
    }

    pub(crate) const fn minutes(n: i64) -> Self {
        Self(Span::minutes(n))
    }

    pub(crate) const fn hours(n: i64) -> Self {
        Self(Span::hours(n))
    }

    pub(crate) const fn days(n: i64) -> Self {
        Self(Span::days(n))
    }

    pub(crate) const fn span(self) -> Span {
        self.0
    }

    pub(crate) fn duration(self) -> Duration {
        self.0.to_duration()
    }

    fn from_seconds(n: i64) -> Result<Self, String> {
        if (0..=MAX_SECONDS).contains(&n) {
            Ok(Self::seconds(n))
        } else {
            Err("expected between 0 seconds and 3650 days".to_owned())
        }
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = text.get(digits.len()..).unwrap_or_default();
        let factor = match unit {
            "" | "s" => Some(1),
            "m" => Some(60),
            "h" => Some(3_600),
            "d" => Some(86_400),
            _ => None,
        };
        let seconds =
            factor.and_then(|factor: i64| digits.trim().parse::<i64>().ok()?.checked_mul(factor));
        seconds
            .ok_or_else(|| "expected a length of time such as 30s, 15m, 8h or 7d".to_owned())
            .and_then(Self::from_seconds)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0.as_seconds();
        match n {
            n if n > 86_400 && n % 86_400 == 0 => write!(f, "{}d", n / 86_400),
            n if n != 0 && n % 3_600 == 0 => write!(f, "{}h", n / 3_600),
            n if n != 0 && n % 60 == 0 => write!(f, "{}m", n / 60),
            n => write!(f, "{n}s"),
        }
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrNumber {
            expecting: "a length of time such as 30s, 15m, 8h or 7d",
            from_text: Self::from_str,
            from_number: Self::from_seconds,
        })
    }
}

impl JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time: 30s, 15m, 8h, 7d, or whole seconds.",
            "anyOf": [
                { "type": "string", "pattern": "^[0-9]+ *[smhd]?$" },
                { "type": "integer", "minimum": 0 }
            ]
        })
    }
}

/// An amount of data: `64KiB`, `1MiB`, or whole bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ByteSize(u32);

impl ByteSize {
    pub(crate) const fn kib(n: u32) -> Self {
        Self(n.saturating_mul(1024))
    }

    /// The size for buffers and limits.
    pub(crate) fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    fn from_bytes(n: i64) -> Result<Self, String> {
        u32::try_from(n)
            .map(Self)
            .map_err(|_| "expected less than 4 GiB".to_owned())
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let factor = match text.get(digits.len()..).unwrap_or_default() {
            "" | "B" => Some(1),
            "KiB" => Some(1 << 10),
            "MiB" => Some(1 << 20),
            "GiB" => Some(1 << 30),
            _ => None,
        };
        let bytes =
            factor.and_then(|factor: i64| digits.trim().parse::<i64>().ok()?.checked_mul(factor));
        bytes
            .ok_or_else(|| "expected a size such as 64KiB or 1MiB".to_owned())
            .and_then(Self::from_bytes)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0;
        match n {
            n if n != 0 && n % (1 << 30) == 0 => write!(f, "{}GiB", n >> 30),
            n if n != 0 && n % (1 << 20) == 0 => write!(f, "{}MiB", n >> 20),
            n if n != 0 && n % (1 << 10) == 0 => write!(f, "{}KiB", n >> 10),
            n => write!(f, "{n}B"),
        }
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrNumber {
            expecting: "a size such as 64KiB or 1MiB",
            from_text: Self::from_str,
            from_number: Self::from_bytes,
        })
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An amount of data: 64KiB, 1MiB, or whole bytes.",
            "anyOf": [
                { "type": "string", "pattern": "^[0-9]+ *(B|KiB|MiB|GiB)?$" },
                { "type": "integer", "minimum": 0 }
            ]
        })
    }
}

/// A secret setting. Shown as `«set»` wherever settings are shown.
#[derive(Clone)]
pub(crate) struct SecretText(Secret<String>);

impl SecretText {
    pub(crate) fn new(text: String) -> Self {
        Self(Secret::new(text))
    }

    /// The value itself.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl JsonSchema for SecretText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "writeOnly": true })
    }
}

/// Accepts a value either as text with a unit or as a bare number.
struct TextOrNumber<T> {
    expecting: &'static str,
    from_text: fn(&str) -> Result<T, String>,
    from_number: fn(i64) -> Result<T, String>,
}

impl<T> Visitor<'_> for TextOrNumber<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.from_text)(text).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, n: i64) -> Result<T, E> {
        (self.from_number)(n).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<T, E> {
        (self.from_number)(i64::try_from(n).unwrap_or(i64::MAX)).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_read_as_people_write_them() {
        for (text, seconds) in [
            ("30s", 30),
            ("15m", 900),
            ("8h", 28_800),
            ("7d", 604_800),
            ("45", 45),
        ] {
            assert_eq!(text.parse(), Ok(Period::seconds(seconds)), "{text}");
        }
        for text in [
            "",
            "m",
            "-1s",
            "1.5h",
            "15 min",
            "9999999d",
            "99999999999999999999",
        ] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
        assert_eq!(Period::minutes(90).to_string(), "90m");
        assert_eq!(Period::seconds(0).to_string(), "0s");
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        for (text, bytes) in [("512", 512), ("64KiB", 65_536), ("1 MiB", 1_048_576)] {
            assert_eq!(
                text.parse::<ByteSize>().map(ByteSize::bytes),
                Ok(bytes),
                "{text}"
            );
        }
        for text in ["", "64kb", "-1", "4GiB", "1e9"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
        assert_eq!(ByteSize::kib(1024).to_string(), "1MiB");
    }

    #[test]
    fn a_secret_shows_itself_nowhere() {
        let secret = SecretText::new("hunter2hunter2".to_owned());
        assert_eq!(format!("{secret:?}"), REDACTED);
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"«set»\"");
    }
}
