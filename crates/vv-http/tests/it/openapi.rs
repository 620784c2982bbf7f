//! The OpenAPI document is complete and consistent in itself.

use std::collections::HashSet;

use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(&vv_http::openapi_json()).expect("JSON")
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .expect("a path item")
                .iter()
                .map(move |(method, operation)| (format!("{method} {path}"), operation))
        })
        .collect()
}

#[test]
fn every_operation_says_who_may_call_it() {
    let document = document();
    for (name, operation) in operations(&document) {
        let permission = operation["x-permission"].as_str();
        let access = operation["x-access"].as_str();
        assert!(
            permission.is_some() != access.is_some(),
            "{name} needs x-permission or x-access"
        );
        let public = access == Some("public");
        let open = operation["security"] == serde_json::json!([{}]);
        assert_eq!(public, open, "{name}: public and security disagree");
    }
}

#[test]
fn operations_have_names_of_their_own_and_a_summary() {
    let document = document();
    let mut seen = HashSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().expect("operationId");
        assert!(seen.insert(id.to_owned()), "{name}: {id} is taken");
        assert!(operation["summary"].is_string(), "{name} has no summary");
        assert!(operation["tags"][0].is_string(), "{name} has no tag");
    }
    assert!(seen.len() >= 29, "only {} operations", seen.len());
}

#[test]
fn refusals_are_problem_documents() {
    let document = document();
    for (name, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let refusal = status.starts_with('4') || status.starts_with('5');
            // tlog-witness fixes what a witness answers.
            let own_form = ["get /readyz", "post /witness/add-checkpoint"];
            if refusal && !own_form.contains(&name.as_str()) {
                let schema = &response["content"]["application/problem+json"]["schema"];
                assert_eq!(
                    schema["$ref"], "#/components/schemas/ProblemDocument",
                    "{name} {status}"
                );
            }
        }
    }
}

/// A star in a parameter is axum's spelling.
#[test]
fn paths_are_spelled_as_openapi_does() {
    for (name, _) in operations(&document()) {
        assert!(!name.contains('*'), "{name}");
    }
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            if let Some(target) = map.get("$ref").and_then(Value::as_str) {
                found.push(target);
            }
            map.values().for_each(|inner| references(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| references(inner, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for target in found {
        let pointer = target.strip_prefix('#').expect("a local reference");
        assert!(document.pointer(pointer).is_some(), "{target}");
    }
}
