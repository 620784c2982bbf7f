//! JSON as tokens may use it: one object, no key twice at any level, little nesting.
//! Parsers disagree on which of two equal keys counts, and attackers use that.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Objects and arrays inside each other, the outermost counted.
const MAX_DEPTH: u8 = 4;

/// Parses an object into `T`. Any failure is the same failure.
pub(super) fn parse_object<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    // serde would also read an array into a struct.
    if json.first() != Some(&b'{') {
        return None;
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    NoDuplicates { left: MAX_DEPTH }
        .deserialize(&mut deserializer)
        .ok()?;
    deserializer.end().ok()?;
    serde_json::from_slice(json).ok()
}

struct NoDuplicates {
    left: u8,
}

impl NoDuplicates {
    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        let left = self.left.checked_sub(1);
        left.map(|left| Self { left })
            .ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for NoDuplicates {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NoDuplicates {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated keys")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self.deeper()?)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if !seen.insert(key) {
                return Err(serde::de::Error::custom("a key is repeated"));
            }
            entries.next_value_seed(self.deeper()?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn accepted(json: &str) -> bool {
        parse_object::<Value>(json.as_bytes()).is_some()
    }

    #[test]
    fn repeated_keys_are_refused_at_every_level() {
        assert!(accepted(r#"{"a":1,"b":[{"a":null},{"a":true}],"c":1.5}"#));
        assert!(!accepted(r#"{"a":1,"a":1}"#));
        assert!(!accepted(r#"{"a":1,"\u0061":2}"#));
        assert!(!accepted(r#"{"x":[{"a":1,"a":2}]}"#));
    }

    #[test]
    fn only_one_shallow_object_is_accepted() {
        assert!(!accepted("[]"));
        assert!(!accepted(r#"{"a":1}{"b":2}"#));
        assert!(!accepted(r#"{"a":1} x"#));
        assert!(accepted(r#"{"a":[[[1]]]}"#));
        assert!(!accepted(r#"{"a":[[[[1]]]]}"#));
        assert!(!accepted(&format!("{{\"a\":{}", "[".repeat(3000))));
    }
}
