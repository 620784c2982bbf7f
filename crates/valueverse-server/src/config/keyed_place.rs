//! `PLACE KEY [KEY…]`: a log or a witness, and the keys that its signatures are checked with.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use vv_crypto::VerifierKey;

/// Keys of one place at most: two kinds, and two generations of each while keys are replaced.
const MAX_KEYS: usize = 8;
/// Longest address or origin.
const MAX_PLACE: usize = 2_048;

/// A place and its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyedPlace {
    /// An address, or the origin of a log.
    pub(crate) place: String,
    /// At least one.
    pub(crate) keys: Vec<VerifierKey>,
}

impl FromStr for KeyedPlace {
    type Err = String;

    /// Without a place it is the name of the first key, which is what logs call themselves.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace().peekable();
        let named = words.peek().and_then(|word| VerifierKey::parse(word).ok());
        let place = match named {
            Some(key) => key.name().as_str().to_owned(),
            None => words.next().unwrap_or_default().to_owned(),
        };
        let (place, first) = match place.split_once('=') {
            Some((place, key)) if VerifierKey::parse(key).is_ok() => {
                (place.to_owned(), Some(key.to_owned()))
            }
            _ => (place, None),
        };
        if place.is_empty() || place.len() > MAX_PLACE {
            return Err("expected an address or origin and its verifier keys".to_owned());
        }
        let keys: Result<Vec<_>, _> = first
            .as_deref()
            .into_iter()
            .chain(words)
            .map(VerifierKey::parse)
            .collect();
        let keys = keys.map_err(|error| format!("a key of {place} cannot be used: {error}"))?;
        if keys.is_empty() || keys.len() > MAX_KEYS {
            return Err(format!("{place} needs 1 to {MAX_KEYS} verifier keys"));
        }
        Ok(Self { place, keys })
    }
}

impl fmt::Display for KeyedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)?;
        self.keys.iter().try_for_each(|key| write!(f, " {key}"))
    }
}

impl Serialize for KeyedPlace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyedPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl JsonSchema for KeyedPlace {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "KeyedPlace".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use vv_crypto::{Keyring, RootKey};

    use super::*;

    fn keys() -> Vec<String> {
        // Not a secret of anything.
        let text = "9f1c3a7be04d5826c7f09a61b3d4e8f25a6b7c80d19e2f43a5b6c7d8e9f01234";
        let root = RootKey::parse(text).unwrap();
        let keyring = Keyring::new(&root, "test");
        let signer = keyring.witness_signer("witness.example").unwrap();
        let keys = signer.verifier_keys().unwrap();
        keys.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn place_and_keys_are_told_apart() {
        let keys = keys();
        let (one, two) = (&keys[0], &keys[1]);
        for text in [
            format!("https://w.example/a {one} {two}"),
            format!("  https://w.example/a\t{one}  {two} "),
            format!("https://w.example/a={one} {two}"),
        ] {
            let read: KeyedPlace = text.parse().unwrap();
            assert_eq!(read.place, "https://w.example/a", "{text}");
            assert_eq!(read.keys.len(), 2);
            assert_eq!(read.to_string().parse(), Ok(read));
        }
        let named: KeyedPlace = one.parse().unwrap();
        assert_eq!(
            (named.place.as_str(), named.keys.len()),
            ("witness.example", 1)
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let one = keys().remove(0);
        let fault = |text: &str| text.parse::<KeyedPlace>().unwrap_err();
        let expected = "expected an address or origin and its verifier keys";
        assert_eq!(fault(""), expected);
        assert_eq!(fault(&format!("={one}")), expected);
        assert_eq!(
            fault("log.example"),
            "log.example needs 1 to 8 verifier keys"
        );
        let nine = format!("log.example {}", [one.as_str(); 9].join(" "));
        assert_eq!(fault(&nine), "log.example needs 1 to 8 verifier keys");
        let cut = one.get(..one.len() - 4).unwrap();
        let text = fault(&format!("log.example {cut}"));
        assert!(
            text.starts_with("a key of log.example cannot be used: "),
            "{text}"
        );
    }
}
