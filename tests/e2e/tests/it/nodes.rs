//! Two servers on one database.

use std::time::Duration;

use crate::harness::api::{Api, Tokens};
use crate::harness::eventually;
use crate::harness::launch::Launch;
use crate::harness::people::ADA;
use crate::harness::place::Place;

const ROOT: &str = "8d1f6e0b93a24c57f0e1b2d3c4a5968778695a4b3c2d1e0f9a8b7c6d5e4f3021";
const OTHER_ROOT: &str = "1c0b6f9e58d7a3429e8f7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a3928";
/// Without Redis, nodes hear of an ended session by asking the database:
/// at most five seconds later, and one for a slow machine.
const POLLED: Duration = Duration::from_secs(6);

fn node(place: &Place, name: &str) -> Launch {
    place.launch_in(name).env("PCI_MASTER_KEY", ROOT)
}

/// Both nodes have seen the session alive, so that neither can refuse it out of ignorance.
async fn signed_in_everywhere(a: &Api, b: &Api) -> Tokens {
    let tokens = a.login(ADA.email, ADA.password).await;
    for api in [a, b] {
        let answer = api.get("/api/v1/me", Some(&tokens.access)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    tokens
}

#[tokio::test]
async fn with_redis_a_logout_counts_everywhere_at_once() {
    let Some(place) = Place::postgres_and_redis(2).await else {
        return;
    };
    let (mut a, mut b) = (node(&place, "a").start(), node(&place, "b").start());
    ADA.set_up(&a).await;
    let (api_a, api_b) = (Api::new(&a.url), Api::new(&b.url));
    for _ in 0..5 {
        let tokens = signed_in_everywhere(&api_a, &api_b).await;
        assert_eq!(api_a.logout(&tokens.access).await.status, 204);
        let refused = api_b.get("/api/v1/me", Some(&tokens.access)).await;
        refused.is_problem(401, "session.expired");
    }
    // The second node prints a link, too, and it is as dead as the first one.
    assert_eq!(api_b.get(b.setup_path(), None).await.status, 404);
    a.stop();
    b.stop();
    place.clear().await;
}

#[tokio::test]
async fn without_redis_a_logout_counts_everywhere_soon() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let (mut a, mut b) = (node(&place, "a").start(), node(&place, "b").start());
    ADA.set_up(&a).await;
    let (api_a, api_b) = (Api::new(&a.url), Api::new(&b.url));
    let tokens = signed_in_everywhere(&api_a, &api_b).await;
    assert_eq!(api_b.logout(&tokens.access).await.status, 204);
    eventually("refused on the other node", POLLED, async || {
        api_a.get("/api/v1/me", Some(&tokens.access)).await.status == 401
    })
    .await;
    a.stop();
    b.stop();
    place.clear().await;
}

#[tokio::test]
async fn another_root_key_is_refused() {
    let Some(place) = Place::postgres().await else {
        return;
    };
    let mut first = node(&place, "a").start();
    let foreign = place.launch_in("b").env("PCI_MASTER_KEY", OTHER_ROOT);
    for verb in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["audit", "verify"],
    ] {
        let refused = foreign.run(verb);
        refused.fails(2, "root key");
        assert!(refused.stderr.contains("PCI_MASTER_KEY"));
        assert!(!refused.stderr.contains(OTHER_ROOT));
    }
    // A generated key is another key as well.
    place
        .launch_in("c")
        .run(&["serve", "--listen", "127.0.0.1:0"])
        .fails(2, "root key");
    first.stop();
    place.clear().await;
}
