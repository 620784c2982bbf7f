//! Writing, finding, and what is refused.

use reqwest::Method;
use serde_json::{Value, json};

use super::{EVENTS, Scene};
use crate::harness::api::send;
use crate::harness::people::OTTO;

#[tokio::test]
async fn an_event_is_written_and_found() {
    let scene = Scene::new().await;
    let body = json!({
        "type": "app.invoice_paid", "severity": "warning",
        "description": "Invoice settled by bank transfer",
        "target_id": "invoice:4711",
        "metadata": { "email": "ann@shop.example", "card": "4111 1111 1111 1111", "lines": 3 },
    });
    let answer = scene.write(&body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let written = answer.json();
    for query in [
        "type=app.invoice_paid",
        "type=app.*&severity=warning",
        "target=4711",
        "email=ann@shop.example",
        "q=invoice%20transfer",
        "q=sett*&from=2020-01-01T00:00:00Z",
    ] {
        assert_eq!(scene.found(query).await, ["app.invoice_paid"], "{query}");
    }
    for query in [
        "email=bob@shop.example",
        "type=app.*&severity=info",
        "to=2020-01-01T00:00:00Z",
        "q=refund",
    ] {
        assert!(scene.found(query).await.is_empty(), "{query}");
    }
    let path = format!("{EVENTS}/{}", written["event_id"].as_str().unwrap());
    let event = scene.get(&path).await;
    assert!(!event.body.contains("4111 1111"), "{}", event.body);
    let event = event.json();
    assert_eq!(event["leaf_hash"], written["leaf_hash"]);
    assert_eq!(event["personal"]["email"], "ann@shop.example");
    assert_eq!(event["details"]["metadata"]["lines"], 3);
    assert_eq!(
        (&event["target_type"], &event["target_id"]),
        (&json!("invoice"), &json!("4711"))
    );
    // What another tenant has is not there.
    let otto = scene.api.login(OTTO.email, OTTO.password).await.access;
    let foreign = scene.api.get(&path, Some(&otto)).await;
    foreign.is_problem(404, "audit.not_found");
}

fn event(member: &str, value: Value) -> Value {
    let mut event = json!({ "type": "app.x", "severity": "info", "description": "x" });
    event[member] = value;
    event
}

#[tokio::test]
async fn what_an_application_may_not_write_is_refused() {
    let scene = Scene::new().await;
    for (member, value, code) in [
        (
            "type",
            json!("authentication.logout"),
            "audit.type_reserved",
        ),
        ("type", json!("data.bought"), "audit.type_unknown"),
        ("severity", json!("loud"), "request.invalid"),
        ("description", json!(""), "request.invalid"),
        (
            "target_id",
            json!("user:ann@shop.example"),
            "request.invalid",
        ),
        ("actor_id", json!("ann"), "request.invalid"),
        ("metadata", json!([]), "request.invalid"),
        ("metadata", json!({ "rate": 0.5 }), "request.invalid"),
        ("colour", json!(1), "request.unknown_field"),
    ] {
        let answer = scene.write(&event(member, value)).await;
        answer.is_problem(422, code);
        let fault = &answer.json()["errors"][0];
        assert_eq!(fault["pointer"], format!("/{member}"), "{}", answer.body);
        assert!(!answer.body.contains("ann@"), "{}", answer.body);
    }
    let large = scene
        .write(&event("metadata", json!({ "a": "x".repeat(70_000) })))
        .await;
    large.is_problem(413, "request.body_too_large");
    let deep = format!("{}1{}", "{\"a\":".repeat(20), "}".repeat(20));
    let request = scene.api.request(Method::POST, EVENTS).body(deep);
    let request = request.header("content-type", "application/json");
    let deep = send(request.bearer_auth(&scene.token)).await;
    deep.is_problem(400, "request.malformed_json");
    assert!(scene.found("type=app.*").await.is_empty());
}

const QUERY: &str = "request.invalid_query";
const RANGE: &str = "audit.out_of_range";

#[tokio::test]
async fn questions_that_make_no_sense_are_refused() {
    let scene = Scene::new().await;
    for (path, status, code) in [
        ("events?type=a*b", 400, QUERY),
        ("events?from=yesterday", 400, QUERY),
        ("events?email=a@b.example&ip=::1", 400, QUERY),
        ("events?cursor=!", 400, "request.invalid_cursor"),
        ("events/x", 400, "request.invalid_path"),
        ("stats?days=401", 400, QUERY),
        ("verify?mode=half", 400, QUERY),
        ("export?format=pdf", 400, QUERY),
        ("proof/inclusion", 400, QUERY),
        ("proof/inclusion?height=0", 404, RANGE),
        ("proof/inclusion?height=9999", 404, RANGE),
        ("proof/consistency?from=2&to=1", 404, RANGE),
        ("receipt?height=9999", 404, RANGE),
        ("tail?after=9999", 404, RANGE),
        ("log/anchor/tile/entries/000.p/1", 404, "audit.not_found"),
        ("log/anchor/tile/x", 404, "audit.not_found"),
        ("log/none/checkpoint", 404, "audit.not_found"),
    ] {
        let answer = scene.get(&format!("/api/v1/audit/{path}")).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        answer.is_problem(status, code);
    }
}
