//! Several nodes on one Redis.

use std::sync::Arc;

use vv_base::{Clock, Id, SessionId, Span, SystemRng, UserId};
use vv_shared::{LeaseKey, OnceKey, Revocation, RevocationKey, Shared, Subject, Window};

use crate::clock::MockClock;
use crate::server::{Server, common_url, config, connect};
use crate::shared_suite::conformance;

/// Two nodes on the shared server.
async fn two_nodes() -> Option<(Shared, Shared, Arc<MockClock>)> {
    let config = config(&common_url()?);
    let clock = Arc::new(MockClock::default());
    let first = connect(&config, &clock).await;
    let second = connect(&config, &clock).await;
    Some((first, second, clock))
}

fn id<K>(clock: &MockClock) -> Id<K> {
    Id::new(clock.now(), &SystemRng)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms() {
    let Some((shared, _, clock)) = two_nodes().await else {
        return;
    };
    assert_eq!(shared.kind(), "redis");
    conformance(&shared, &clock).await;
}

#[tokio::test]
async fn nodes_see_each_others_revocations_and_count_together() {
    let Some((first, second, clock)) = two_nodes().await else {
        return;
    };
    let session: SessionId = id(&clock);
    let key = RevocationKey::session(session);
    assert_eq!(second.is_revoked(&key).await, Revocation::NotSeen);
    let until = clock.now().plus(Span::minutes(10));
    first.revoke(&key, until).await.unwrap();
    assert_eq!(second.is_revoked(&key).await, Revocation::Revoked);

    let window = Window::new("login", session, 3, Span::minutes(10));
    assert!(first.hit(&window, 1).await.allowed);
    assert!(second.hit(&window, 1).await.allowed);
    assert!(first.hit(&window, 1).await.allowed);
    assert!(!second.hit(&window, 1).await.allowed);

    let lease = LeaseKey::new("sweep", session);
    assert_eq!(first.lease(&lease, "a", Span::minutes(1)).await, Ok(true));
    assert_eq!(second.lease(&lease, "b", Span::minutes(1)).await, Ok(false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_callers_on_two_nodes_one_wins() {
    let Some((first, second, clock)) = two_nodes().await else {
        return;
    };
    let key = OnceKey::new("code", id::<vv_base::kind::User>(&clock));
    let mut tasks = tokio::task::JoinSet::new();
    for node in [first, second] {
        for _ in 0..100 {
            let node = node.clone();
            tasks.spawn(async move { node.set_once(&key, Span::minutes(1)).await });
        }
    }
    let answers = tasks.join_all().await;
    let won = answers.iter().filter(|a| **a == Ok(true)).count();
    let lost = answers.iter().filter(|a| **a == Ok(false)).count();
    assert_eq!((won, lost), (1, 199));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_hits_never_pass_more_than_the_limit() {
    let Some((first, second, clock)) = two_nodes().await else {
        return;
    };
    let window = Window::new("api", id::<vv_base::kind::User>(&clock), 37, Span::hours(1));
    let mut tasks = tokio::task::JoinSet::new();
    for node in [first, second] {
        for _ in 0..100 {
            let node = node.clone();
            tasks.spawn(async move { node.hit(&window, 1).await });
        }
    }
    let hits = tasks.join_all().await;
    assert!(hits.iter().all(|hit| !hit.degraded));
    assert_eq!(hits.iter().filter(|hit| hit.allowed).count(), 37);
}

/// Redis may come back empty. The tombstone is gone then and nobody here can
/// know; this is why the caller checks the epoch in SQL as well.
#[tokio::test]
async fn a_flushed_redis_forgets_revocations() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let clock = Arc::new(MockClock::default());
    let shared = connect(&config(&server.url()), &clock).await;
    let key = RevocationKey::user(id::<vv_base::kind::User>(&clock));
    let until = clock.now().plus(Span::minutes(10));
    shared.revoke(&key, until).await.unwrap();
    assert_eq!(shared.is_revoked(&key).await, Revocation::Revoked);
    server.raw(&["FLUSHALL"]).await;
    // Scripts are cached by the server too; losing them must not hurt.
    server.raw(&["SCRIPT", "FLUSH"]).await;
    assert_eq!(shared.is_revoked(&key).await, Revocation::NotSeen);
    shared.revoke(&key, until).await.unwrap();
    assert_eq!(shared.is_revoked(&key).await, Revocation::Revoked);
}

#[tokio::test]
async fn values_of_somebody_else_are_never_taken_as_leave() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let clock = Arc::new(MockClock::default());
    let config = config(&server.url());
    let shared = connect(&config, &clock).await;
    let user = UserId::nil();
    let subject = Subject::from(user);
    for key in ["w:t", "o:t", "r:u"] {
        let key = format!("{}{key}:{subject}", config.prefix);
        server.raw(&["SET", &key, "garbage"]).await;
    }
    let window = Window::new("t", user, 5, Span::minutes(1));
    assert!(!shared.hit(&window, 1).await.allowed);
    let once = OnceKey::new("t", user);
    assert_eq!(shared.set_once(&once, Span::minutes(1)).await, Ok(false));
    let tombstone = RevocationKey::user(user);
    assert_eq!(shared.is_revoked(&tombstone).await, Revocation::Unknown);
    let until = clock.now().plus(Span::minutes(1));
    shared.revoke(&tombstone, until).await.unwrap();
    assert_eq!(shared.is_revoked(&tombstone).await, Revocation::Revoked);
}

#[tokio::test]
async fn nothing_stays_in_redis_for_ever() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let clock = Arc::new(MockClock::default());
    let shared = connect(&config(&server.url()), &clock).await;
    let user = UserId::nil();
    let minute = Span::minutes(1);
    shared.hit(&Window::new("t", user, 5, minute), 1).await;
    shared
        .set_once(&OnceKey::new("t", user), minute)
        .await
        .unwrap();
    let until = clock.now().plus(minute);
    shared
        .revoke(&RevocationKey::user(user), until)
        .await
        .unwrap();
    shared
        .lease(&LeaseKey::new("t", user), "a", minute)
        .await
        .unwrap();
    let keys: Vec<String> = redis::from_redis_value(server.raw(&["KEYS", "*"]).await).unwrap();
    assert_eq!(keys.len(), 4);
    for key in keys {
        let left: i64 = redis::from_redis_value(server.raw(&["PTTL", &key]).await).unwrap();
        assert!(left > 0 && left <= 61_000, "{key}: {left}");
    }
}
