//! Walks through metadata: checks its size, sorts its fields.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde_json::{Map, Number, Value};

use super::mask::{self, REDACTED};
use super::policy::{Meaning, RedactionPolicy};
use super::{
    Findings, MAX_METADATA, MAX_METADATA_DEPTH, MAX_METADATA_KEY, MAX_METADATA_KEYS, MAX_PERSONAL,
    RedactError, Redacted, pan,
};
use crate::body::{Json, MAX_INTEGER};

/// Most bytes that details and personal fields have once cleaned. Text can become
/// longer in NFC and paths repeat names. A leaf has room for as much after sealing.
const MAX_STORED: usize = MAX_METADATA + MAX_METADATA / 2;

/// Details and personal fields, with an empty description.
pub(super) fn clean(policy: &RedactionPolicy, metadata: &Value) -> Result<Redacted, RedactError> {
    let object = match metadata {
        Value::Null => return Ok(Redacted::default()),
        Value::Object(object) => object,
        _ => return Err(RedactError::NotAnObject),
    };
    // Depth first, because measuring the size walks down as well.
    check_depth(metadata, MAX_METADATA_DEPTH)?;
    serde_json::to_writer(Counter(MAX_METADATA), metadata).map_err(|_| RedactError::TooLarge)?;
    let mut walk = Walk {
        policy,
        personal: Vec::new(),
        names: BTreeSet::new(),
        findings: Findings::default(),
    };
    let details = walk.object("", object)?;
    let found = Redacted {
        description: String::new(),
        details,
        personal: walk.personal,
        findings: walk.findings,
    };
    let personal = found.personal.iter();
    let personal: usize = personal.map(|(name, text)| name.len() + text.len()).sum();
    let kept = Json::Object(found.details.clone()).encode().len();
    if kept + personal > MAX_STORED {
        return Err(RedactError::TooLarge);
    }
    Ok(found)
}

fn check_depth(value: &Value, depth: usize) -> Result<(), RedactError> {
    let deeper = || depth.checked_sub(1).ok_or(RedactError::TooDeep);
    match value {
        Value::Array(items) => {
            let depth = deeper()?;
            items.iter().try_for_each(|item| check_depth(item, depth))
        }
        Value::Object(pairs) => {
            let depth = deeper()?;
            pairs.values().try_for_each(|item| check_depth(item, depth))
        }
        _ => Ok(()),
    }
}

/// Takes so many bytes and no more.
struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(bytes.len())
            .ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Walk<'p> {
    policy: &'p RedactionPolicy,
    personal: Vec<(String, String)>,
    names: BTreeSet<String>,
    findings: Findings,
}

impl Walk<'_> {
    fn object(
        &mut self,
        path: &str,
        object: &Map<String, Value>,
    ) -> Result<BTreeMap<String, Json>, RedactError> {
        if object.len() > MAX_METADATA_KEYS {
            return Err(RedactError::TooManyKeys);
        }
        let mut kept = BTreeMap::new();
        for (name, value) in object {
            self.check_name(name)?;
            let path = join(path, name);
            let json = match self.policy.meaning(name) {
                Meaning::Secret => Some(self.secret(value)),
                Meaning::Personal => self.take(&path, value)?,
                Meaning::Ordinary => Some(self.value(&path, value)?),
            };
            if let Some(json) = json {
                kept.insert(name.clone(), json);
            }
        }
        Ok(kept)
    }

    fn value(&mut self, path: &str, value: &Value) -> Result<Json, RedactError> {
        Ok(match value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(number) => self.number(number)?,
            Value::String(text) => {
                Json::Text(mask::free_text(self.policy, text, &mut self.findings))
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                Json::List(
                    items
                        .map(|(index, item)| self.value(&join(path, &index.to_string()), item))
                        .collect::<Result<_, _>>()?,
                )
            }
            Value::Object(object) => Json::Object(self.object(path, object)?),
        })
    }

    /// A value that may not be kept in any form. Whether it is set may be told.
    fn secret(&mut self, value: &Value) -> Json {
        match value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::String(text) if text == REDACTED => Json::from(REDACTED),
            _ => {
                self.findings.secrets += 1;
                Json::from(REDACTED)
            }
        }
    }

    /// Takes a personal value out, each part of it under a name of its own.
    /// Nothing is left behind but a null.
    fn take(&mut self, path: &str, value: &Value) -> Result<Option<Json>, RedactError> {
        let text = match value {
            Value::Null => return Ok(Some(Json::Null)),
            Value::Bool(value) => value.to_string(),
            Value::Number(number) => match self.number(number)? {
                Json::Text(masked) => masked,
                _ => number.to_string(),
            },
            Value::String(text) => mask::personal_text(self.policy, text, &mut self.findings),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.take(&join(path, &index.to_string()), item)?;
                }
                return Ok(None);
            }
            Value::Object(object) => {
                if object.len() > MAX_METADATA_KEYS {
                    return Err(RedactError::TooManyKeys);
                }
                for (name, item) in object {
                    self.check_name(name)?;
                    if self.policy.meaning(name) == Meaning::Secret {
                        self.secret(item);
                    } else {
                        self.take(&join(path, name), item)?;
                    }
                }
                return Ok(None);
            }
        };
        if self.personal.len() == MAX_PERSONAL {
            return Err(RedactError::TooManyPersonal);
        }
        // Names with dots in them can make two paths read the same.
        let mut name = path.to_owned();
        while !self.names.insert(name.clone()) {
            name.push('\'');
        }
        self.personal.push((name, text));
        Ok(None)
    }

    fn number(&mut self, number: &Number) -> Result<Json, RedactError> {
        let signed = number.as_i64();
        let digits = signed.map_or_else(|| number.as_u64(), |value| Some(value.unsigned_abs()));
        if self.policy.pan
            && let Some(last) = digits.and_then(pan::last_four)
        {
            self.findings.pans += 1;
            return Ok(Json::Text(mask::masked_pan(last)));
        }
        signed
            .filter(|value| (-MAX_INTEGER..=MAX_INTEGER).contains(value))
            .map(Json::Int)
            .ok_or(RedactError::Number)
    }

    /// Names stay in clear, so they may not say anything themselves.
    fn check_name(&self, name: &str) -> Result<(), RedactError> {
        let allowed = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/' | b' ')
        };
        let fine = (1..=MAX_METADATA_KEY).contains(&name.len())
            && name.bytes().all(allowed)
            && mask::is_clean(self.policy, name);
        fine.then_some(()).ok_or(RedactError::Key)
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
