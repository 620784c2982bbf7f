//! Checks an event against the condensed schema in `tests/vectors/ocsf`.

use std::net::IpAddr;

use serde_json::{Map, Value};

/// The schema, read once per test.
pub(crate) struct Schema(Value);

impl Schema {
    pub(crate) fn read() -> Self {
        let text = include_str!("../vectors/ocsf/schema-1.9.json");
        Self(serde_json::from_str(text).expect("the schema is JSON"))
    }

    pub(crate) fn class(&self, uid: u64) -> Option<&Value> {
        self.0["classes"].get(uid.to_string())
    }

    /// Everything that is wrong with an event.
    pub(crate) fn faults(&self, event: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        let class = event["class_uid"].as_u64().and_then(|uid| self.class(uid));
        let (Some(class), Some(members)) = (class, event.as_object()) else {
            return vec!["not an event of a known class".to_owned()];
        };
        self.check(class, members, "", &mut faults);
        let uid = |name: &str| event[name].as_u64().unwrap_or(u64::MAX);
        if uid("type_uid") != uid("class_uid") * 100 + uid("activity_id") {
            faults.push("type_uid is not class_uid * 100 + activity_id".to_owned());
        }
        let named = class["activities"].get(uid("activity_id").to_string());
        if named.is_some_and(|name| *name != event["activity_name"]) {
            faults.push("activity_name is not the caption".to_owned());
        }
        if *class["caption"].as_str().unwrap_or("") != event["class_name"] {
            faults.push("class_name is not the caption".to_owned());
        }
        faults
    }

    fn check(
        &self,
        shape: &Value,
        members: &Map<String, Value>,
        at: &str,
        faults: &mut Vec<String>,
    ) {
        let attributes = shape["attributes"].as_object().expect("attributes");
        for (name, attribute) in attributes {
            if attribute["required"] == true && !members.contains_key(name) {
                faults.push(format!("{at}/{name} is required"));
            }
        }
        let choices = shape["at_least_one"].as_array().expect("a list");
        let chosen = |name: &Value| name.as_str().is_some_and(|name| members.contains_key(name));
        if !choices.is_empty() && !choices.iter().any(chosen) {
            faults.push(format!("{at} needs one of {choices:?}"));
        }
        for (name, value) in members {
            let path = format!("{at}/{name}");
            match attributes.get(name) {
                None => faults.push(format!("{path} is not in the schema")),
                Some(attribute) if attribute["array"] == true => match value.as_array() {
                    Some(items) => items
                        .iter()
                        .for_each(|item| self.value(attribute, item, &path, faults)),
                    None => faults.push(format!("{path} is not a list")),
                },
                Some(attribute) => self.value(attribute, value, &path, faults),
            }
        }
    }

    fn value(&self, attribute: &Value, value: &Value, path: &str, faults: &mut Vec<String>) {
        let kind = attribute["type"].as_str().expect("a type");
        let fits = match kind {
            "string" => value.is_string(),
            "ip" => value
                .as_str()
                .is_some_and(|text| text.parse::<IpAddr>().is_ok()),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "any" => !value.is_null(),
            object => match (object.strip_prefix("object:"), value.as_object()) {
                (Some(name), Some(members)) => {
                    self.check(&self.0["objects"][name], members, path, faults);
                    true
                }
                _ => false,
            },
        };
        if !fits {
            faults.push(format!("{path} is not of the type {kind}"));
        }
        let allowed = attribute["enum"].as_array();
        if allowed.is_some_and(|allowed| !allowed.contains(value)) {
            faults.push(format!("{path} may not be {value}"));
        }
    }
}
