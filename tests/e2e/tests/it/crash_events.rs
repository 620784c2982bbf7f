//! SIGKILL while applications write events: what was answered is in the chain
//! once, on both engines, round after round on the same data.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::api::{Api, try_send};
use crate::harness::launch::Launch;
use crate::harness::people::ADA;
use crate::harness::place::Place;

/// Rounds unless the setting says otherwise.
const ROUNDS: usize = 3;
const CLIENTS: usize = 12;
/// Answered events of a round after which the server dies.
const ENOUGH: usize = 40;

fn rounds() -> usize {
    vv_testkit::stores::setting("VALUEVERSE_TEST_KILL_ROUNDS")
        .map_or(ROUNDS, |rounds| rounds.parse().unwrap())
}

#[tokio::test]
async fn on_sqlite_no_acknowledged_event_is_lost_or_doubled() {
    let place = Place::lite();
    survives(&place.launch()).await;
}

#[tokio::test]
async fn on_postgresql_no_acknowledged_event_is_lost_or_doubled() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    survives(&place.launch()).await;
    place.clear().await;
}

async fn survives(launch: &Launch) {
    ADA.create(launch);
    // Event id and height of every event that was answered.
    let mut acknowledged: BTreeMap<String, u64> = BTreeMap::new();
    for round in 0..rounds() {
        let mut server = launch.start();
        let api = Api::new(&server.url);
        let token = api.login(ADA.email, ADA.password).await.access;
        let answered = Arc::new(AtomicUsize::new(0));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (api, token) = (Api::new(&server.url), token.clone());
            let answered = Arc::clone(&answered);
            clients.spawn(async move { writes_until_the_end(&api, &token, &answered).await });
        }
        while answered.load(Ordering::SeqCst) < ENOUGH + round {
            assert!(!clients.is_empty(), "somebody is still writing");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        server.kill();
        for (id, height) in clients.join_all().await.into_iter().flatten() {
            assert_eq!(acknowledged.insert(id, height), None, "answered twice");
        }
    }
    let found = launch.run(&["audit", "verify"]);
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
    let recorded = recorded(launch);
    for (id, height) in &acknowledged {
        assert_eq!(recorded.get(id), Some(&vec![*height]), "event {id}");
    }
    assert!(acknowledged.len() >= rounds() * ENOUGH);
}

async fn writes_until_the_end(
    api: &Api,
    token: &str,
    answered: &AtomicUsize,
) -> Vec<(String, u64)> {
    let mut events = Vec::new();
    let body = json!({"type": "app.order_paid", "severity": "info", "description": "paid"});
    loop {
        let request = api.request(reqwest::Method::POST, "/api/v1/audit/events");
        let Ok(answer) = try_send(request.bearer_auth(token).json(&body)).await else {
            return events;
        };
        if answer.status == 201 {
            let said = answer.json();
            let id = said["event_id"].as_str().unwrap().to_owned();
            events.push((id, said["height"].as_u64().unwrap()));
            answered.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Heights of every application event, from an export on the command line.
fn recorded(launch: &Launch) -> BTreeMap<String, Vec<u64>> {
    let chains = launch.run(&["audit", "verify", "--json"]);
    let chains: Value = serde_json::from_str(&chains.stdout).unwrap();
    let tenant = chains["chains"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|chain| chain["chain"].as_str()?.strip_prefix("tenant "))
        .unwrap()
        .to_owned();
    let export = launch.run(&[
        "audit", "export", "--format", "jsonl", "--chain", &tenant, "--out", "-",
    ]);
    assert_eq!(export.code, Some(0), "{}", export.stderr);
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for line in export.stdout.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["type"] == "event" {
            let id = line["event_id"].as_str().unwrap().to_owned();
            let height = line["height"].as_u64().unwrap();
            found.entry(id).or_default().push(height);
        }
    }
    found
}
