//! Taking the trail out, keeping it.

use reqwest::Method;
use serde_json::json;
use vv_audit::{Verdict, verify_export};

use super::Scene;
use crate::harness::api::send;

const HOLDS: &str = "/api/v1/audit/holds";

#[tokio::test]
async fn an_export_is_verified_by_whoever_gets_it() {
    let scene = Scene::new().await;
    let body = json!({
        "type": "data.created", "severity": "info", "description": "A customer",
        "metadata": { "email": "ann@shop.example" },
    });
    assert_eq!(scene.write(&body).await.status, 201);
    let sealed = scene.get("/api/v1/audit/export").await;
    assert_eq!(sealed.header("content-type"), "application/x-ndjson");
    let name = sealed.header("content-disposition");
    assert!(name.starts_with("attachment; filename=\"audit-"), "{name}");
    assert!(!sealed.body.contains("ann@shop.example"));
    let keys = scene.keys().await;
    let check = |text: &str| verify_export(text.as_bytes(), &keys).unwrap();
    let whole = check(&sealed.body);
    assert!(whole.verified && whole.anchor == Verdict::Ok, "{whole:?}");
    assert!(!check(&sealed.body.replacen("\"height\":2", "\"height\":3", 1)).verified);
    let shorter: Vec<&str> = sealed.body.split_inclusive('\n').collect();
    assert!(!check(&shorter[..shorter.len() - 1].concat()).verified);
    let opened = scene
        .get("/api/v1/audit/export?opened=true&type=data.created")
        .await;
    assert!(opened.body.contains("ann@shop.example"), "{}", opened.body);
    for (format, start) in [("csv", "chain,"), ("cef", "CEF:"), ("ocsf", "{")] {
        let answer = scene
            .get(&format!("/api/v1/audit/export?format={format}"))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let at = answer.body.trim_start_matches('\u{feff}');
        assert!(
            at.contains(start) && at.lines().count() > 3,
            "{format}: {at}"
        );
    }
    let exports = scene.found("type=audit.events_exported").await;
    assert_eq!(exports.len(), 5, "each export is on record");
    let counted = scene.get("/api/v1/audit/stats?days=2").await.json();
    assert_eq!(counted["by_type"]["audit.events_exported"], 5, "{counted}");
    let full = scene.get("/api/v1/audit/verify").await.json();
    assert_eq!(full["verified"], true, "{full}");
    let more = scene
        .get("/api/v1/audit/verify?mode=incremental")
        .await
        .json();
    assert_eq!(more["verified"], true, "{more}");
    assert!(more["after"].as_u64() > Some(0), "{more}");
}

#[tokio::test]
async fn legal_holds_are_placed_and_released_once() {
    let scene = Scene::new().await;
    let token = Some(scene.token.as_str());
    let empty = scene
        .api
        .post(HOLDS, token, &json!({ "reason": " " }))
        .await;
    empty.is_problem(422, "request.invalid");
    let placed = scene
        .api
        .post(HOLDS, token, &json!({ "reason": "matter 4711" }))
        .await;
    assert_eq!(placed.status, 201, "{}", placed.body);
    let hold = placed.json()["hold_id"].as_str().unwrap().to_owned();
    let listed = scene.get(HOLDS).await.json();
    assert_eq!(listed["items"][0]["hold_id"], hold);
    assert_eq!(listed["items"][0]["active"], true);
    let release = || {
        let request = scene
            .api
            .request(Method::DELETE, &format!("{HOLDS}/{hold}"));
        send(request.bearer_auth(&scene.token))
    };
    assert_eq!(release().await.status, 204);
    release().await.is_problem(404, "audit.no_hold");
    assert_eq!(scene.get(HOLDS).await.json()["items"][0]["active"], false);
    let recorded = scene.found("type=audit.*").await;
    assert_eq!(
        recorded,
        ["audit.legal_hold_released", "audit.legal_hold_placed"]
    );
    let segments = scene.get("/api/v1/audit/segments").await.json();
    assert_eq!(segments, json!({ "items": [] }));
}
