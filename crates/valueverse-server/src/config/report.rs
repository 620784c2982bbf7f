//! Shows the settings and their schema.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::environment::path;
use super::{Config, Origin, Settings, secrets};

impl Settings {
    /// The settings as TOML that can be read back, each with its origin in a comment.
    /// What is not set and what is secret stands in a comment altogether.
    pub(crate) fn to_toml(&self) -> String {
        let mut text = String::new();
        for (section, keys) in self.sections() {
            if !section.is_empty() {
                // Writing into a String cannot fail, here and below.
                let _ = write!(text, "\n[{section}]\n");
            }
            for (key, value) in keys {
                let origin = self.origin(&section, &key);
                let hidden = is_hidden(&section, &key);
                let _ = match value {
                    Value::Null => writeln!(text, "# {key} is not set"),
                    Value::String(shown) if hidden => {
                        writeln!(text, "# {key} = {shown}  ({origin})")
                    }
                    value => writeln!(text, "{key} = {}  # {origin}", toml_value(&value)),
                };
            }
        }
        text
    }

    /// The settings as `{"section.key": {"value": …, "origin": …}}`; null is not set.
    pub(crate) fn to_json(&self) -> Value {
        let mut all = Map::new();
        for (section, keys) in self.sections() {
            for (key, value) in keys {
                let origin = self.origin(&section, &key);
                all.insert(
                    path(&section, &key),
                    json!({ "value": value, "origin": origin }),
                );
            }
        }
        Value::Object(all)
    }

    /// Section by section, the top level first.
    fn sections(&self) -> Vec<(String, Map<String, Value>)> {
        let Ok(Value::Object(config)) = serde_json::to_value(&self.config) else {
            return Vec::new();
        };
        let mut sections = vec![(String::new(), Map::new())];
        for (name, value) in config {
            match value {
                Value::Object(keys) => sections.push((name, keys)),
                value => {
                    if let Some((_, top)) = sections.first_mut() {
                        top.insert(name, value);
                    }
                }
            }
        }
        sections
    }

    fn origin(&self, section: &str, key: &str) -> Origin {
        self.origins
            .get(&path(section, key))
            .cloned()
            .unwrap_or(Origin::Default)
    }
}

fn is_hidden(section: &str, key: &str) -> bool {
    secrets()
        .iter()
        .any(|(name, keys)| *name == section && keys.contains(&key))
}

/// JSON text of scalars and lists is TOML too, save for one character that TOML wants escaped.
fn toml_value(value: &Value) -> String {
    value.to_string().replace('\u{7f}', "\\u007F")
}

/// The schema derived from the sections, with the `_file` twin of every secret added.
pub(crate) fn schema() -> Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    for (section, keys) in secrets() {
        let name = schema
            .pointer(&format!("/properties/{section}/$ref"))
            .and_then(Value::as_str)
            .and_then(|reference| reference.strip_prefix('#'))
            .map(ToOwned::to_owned);
        let properties = name
            .and_then(|pointer| schema.pointer_mut(&format!("{pointer}/properties")))
            .and_then(Value::as_object_mut);
        let Some(properties) = properties else {
            continue;
        };
        for key in keys {
            let twin = json!({
                "type": "string",
                "description": format!("File that holds `{key}`; use either of the two."),
            });
            properties.insert(format!("{key}_file"), twin);
        }
    }
    schema
}
