//! SIGKILL at bad moments.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use vv_base::{Rng as _, SystemRng};

use crate::harness::api::{Api, try_send};
use crate::harness::launch::Launch;
use crate::harness::people::{ADA, create, setup_token};
use crate::harness::place::Place;
use crate::harness::site::Site;

const ROUNDS: usize = 10;
const CLIENTS: u8 = 16;
const ACCOUNTS: u8 = 8;
/// Answered sign-ins after which the server dies.
const ENOUGH: usize = 20;

/// Evenly spread enough for a moment to die at.
fn random_below(bound: u64) -> u64 {
    let mut bytes = [0; 8];
    SystemRng.fill(&mut bytes);
    u64::from_be_bytes(bytes) % bound
}

fn verifies(launch: &Launch) {
    let found = launch.run(&["audit", "verify"]);
    assert_eq!(found.code, Some(0), "{}{}", found.stdout, found.stderr);
}

#[tokio::test]
async fn during_set_up_it_is_all_or_nothing() {
    let mut completed = 0;
    for _ in 0..ROUNDS {
        let place = Place::lite();
        let launch = place.launch();
        let mut server = launch.start();
        let mut site = Site::new(&server.url);
        site.open(server.setup_path()).await;
        let token = setup_token(&server).to_owned();
        let form = ADA.setup_form(&token);
        let moment = Duration::from_millis(random_below(120));
        let (answer, ()) = tokio::join!(site.try_submit("/setup", &form), async {
            tokio::time::sleep(moment).await;
            server.kill();
        });

        let mut server = launch.start();
        let done = server.setup_link.is_none();
        if answer == Some(303) {
            assert!(done, "it was acknowledged");
        }
        if done {
            completed += 1;
        } else {
            ADA.set_up(&server).await;
        }
        let api = Api::new(&server.url);
        api.login(ADA.email, ADA.password).await;
        server.stop();
        verifies(&launch);
    }
    println!("{completed} of {ROUNDS} set-ups were complete when the server died");
}

#[tokio::test]
async fn under_load_no_acknowledged_sign_in_is_lost() {
    let place = Place::lite();
    let launch = place.launch();
    for account in 0..ACCOUNTS {
        create(&launch, ADA.tenant, &email(account), ADA.password);
    }
    let mut server = launch.start();
    let answered = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        // Addresses of their own, because tries are counted by address.
        let from = Ipv4Addr::new(127, 0, 1, client + 1);
        let api = Api::from_address(&server.url, from);
        let answered = Arc::clone(&answered);
        clients
            .spawn(async move { signs_in_until_the_end(&api, client % ACCOUNTS, &answered).await });
    }
    // In the middle of it: budgets allow several times as many.
    while answered.load(Ordering::SeqCst) < ENOUGH {
        assert!(!clients.is_empty(), "somebody is still signing in");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.kill();
    let acknowledged: BTreeSet<String> = clients.join_all().await.into_iter().flatten().collect();
    assert!(acknowledged.len() >= ENOUGH, "{}", acknowledged.len());

    verifies(&launch);
    let mut server = launch.start();
    let api = Api::new(&server.url);
    let recorded = recorded_sign_ins(&api).await;
    let lost: Vec<&String> = acknowledged.difference(&recorded).collect();
    assert!(lost.is_empty(), "{lost:?} of {}", acknowledged.len());
    server.stop();
}

fn email(account: u8) -> String {
    format!("user{account}@acme.example")
}

/// Session ids of the sign-ins that were answered.
async fn signs_in_until_the_end(api: &Api, account: u8, answered: &AtomicUsize) -> Vec<String> {
    let mut sessions = Vec::new();
    loop {
        let body = serde_json::json!({
            "identifier": email(account),
            "password": ADA.password,
        });
        let request = api.request(reqwest::Method::POST, "/api/v1/auth/login");
        let Ok(answer) = try_send(request.json(&body)).await else {
            return sessions;
        };
        // The budget of an account is small; beyond it there is nothing more to do.
        if answer.status == 429 {
            return sessions;
        }
        if answer.status != 200 {
            continue;
        }
        let tokens = answer.tokens();
        sessions.push(tokens.session.clone());
        answered.fetch_add(1, Ordering::SeqCst);
        let request = api.request(reqwest::Method::GET, "/api/v1/users?limit=200");
        if try_send(request.bearer_auth(&tokens.access)).await.is_err() {
            return sessions;
        }
    }
}

/// Sessions that the audit trail knows of.
async fn recorded_sign_ins(api: &Api) -> BTreeSet<String> {
    let tokens = api.login(&email(0), ADA.password).await;
    let path = "/api/v1/audit/events?limit=200&type=authentication.login_succeeded";
    let mut found = BTreeSet::new();
    let mut next = path.to_owned();
    loop {
        let page = api.get(&next, Some(&tokens.access)).await.json();
        let items = page["items"].as_array().unwrap();
        found.extend(
            items
                .iter()
                .filter(|event| event["target_type"] == "session")
                .filter_map(|event| event["target_id"].as_str().map(ToOwned::to_owned)),
        );
        match &page["next_cursor"] {
            Value::String(cursor) => next = format!("{path}&cursor={cursor}"),
            _ => return found,
        }
    }
}
