//! The table of settings in the README is made from the schema and the defaults.

use serde_json::Value;

use super::{Config, schema};

const README: &str = include_str!("../../../../README.md");

/// Every setting with its default as JSON, the top level first.
fn settings() -> Vec<(String, Value)> {
    let Ok(Value::Object(config)) = serde_json::to_value(Config::default()) else {
        panic!("the settings are an object");
    };
    let (sections, top): (Vec<_>, Vec<_>) =
        config.into_iter().partition(|(_, value)| value.is_object());
    let nested = sections.into_iter().flat_map(|(section, keys)| {
        let keys = keys.as_object().cloned().unwrap_or_default();
        keys.into_iter()
            .map(move |(key, default)| (format!("{section}.{key}"), default))
    });
    top.into_iter().chain(nested).collect()
}

fn description(schema: &Value, setting: &str) -> String {
    let keys = match setting.split_once('.') {
        None => schema,
        Some((section, _)) => {
            let reference = &schema["properties"][section]["$ref"];
            let pointer = reference.as_str().unwrap().trim_start_matches('#');
            schema.pointer(pointer).unwrap()
        }
    };
    let key = setting.rsplit('.').next().unwrap();
    let text = keys["properties"][key]["description"].as_str().unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The variables that set it: the well-known name if there is one, else the regular one.
fn variable(setting: &str, text: &str) -> String {
    let regular = setting.replace('.', "__").to_uppercase();
    let known = text.split("lso `").nth(1);
    let known = known.and_then(|rest| rest.split('`').next());
    known
        .filter(|name| !name.starts_with("--"))
        .map_or_else(|| format!("VALUEVERSE__{regular}"), str::to_owned)
}

/// The description without what stands in columns of its own.
fn meaning(text: &str) -> String {
    let meaning = text.split(" Default:").next().unwrap_or_default();
    match meaning.split_once(" Also `") {
        Some((before, after)) if !after.starts_with("--") => {
            let rest = after.split_once('.').map_or("", |(_, rest)| rest);
            format!("{before}{rest}")
        }
        _ => meaning
            .split("; also `")
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

fn table() -> String {
    let schema = schema();
    let mut table =
        String::from("| Setting | Environment | Default | Meaning |\n|---|---|---|---|\n");
    for (setting, default) in settings() {
        let text = description(&schema, &setting);
        let said = text.split("Default: ").nth(1).unwrap_or_default();
        let real = match &default {
            Value::Null => "not set".to_owned(),
            Value::Array(list) if list.is_empty() => "none".to_owned(),
            Value::String(text) => format!("`{text}`"),
            value => format!("`{value}`"),
        };
        assert!(said.starts_with(&real), "{setting}: {said:?} but {real}");
        let cells = [
            format!("`{setting}`"),
            format!("`{}`", variable(&setting, &text)),
            said.trim_end_matches('.').replace('|', "\\|"),
            meaning(&text).replace('|', "\\|"),
        ];
        table += "| ";
        table += &cells.join(" | ");
        table += " |\n";
    }
    table
}

#[test]
fn the_readme_lists_exactly_the_settings_there_are() {
    let table = table();
    assert!(
        README.contains(&format!("\n\n{table}\n")),
        "put this table into README.md:\n\n{table}"
    );
}

#[test]
fn the_variables_in_the_readme_set_what_they_stand_beside() {
    let schema = schema();
    for (setting, _) in settings() {
        let name = variable(&setting, &description(&schema, &setting));
        let env: super::EnvVars = [(name.clone(), "x".into())].into_iter().collect();
        let found = env.settings(&mut Vec::new());
        let found: Vec<String> = found
            .iter()
            .map(|found| super::environment::path(&found.section, &found.key))
            .collect();
        assert_eq!(found, [setting], "{name}");
    }
}
