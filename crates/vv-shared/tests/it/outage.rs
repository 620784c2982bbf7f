//! What happens when Redis is killed or stops answering. The clock is moved
//! by hand, so the circuit breaker's pauses pass exactly when a test says so.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusBuilder;
use vv_base::{Clock, Secret, Span, UserId};
use vv_shared::{
    Health, LeaseKey, OnceKey, RedisConfig, Revocation, RevocationKey, Shared, Topic, Window,
};

use crate::clock::MockClock;
use crate::server::{Server, config, connect};

/// Failures after which the circuit has to be open.
const THRESHOLD: usize = 3;
const MINUTE: Span = Span::minutes(1);

fn once() -> OnceKey {
    OnceKey::new("once", UserId::nil())
}

fn tombstone() -> RevocationKey {
    RevocationKey::user(UserId::nil())
}

/// Twenty per minute; the share of one of four nodes is five.
fn window() -> Window {
    Window::new("api", UserId::nil(), 20, MINUTE)
}

/// Every verb follows its outage rule.
async fn assert_outage_rules(shared: &Shared) {
    assert!(shared.set_once(&once(), MINUTE).await.is_err());
    assert_eq!(shared.is_revoked(&tombstone()).await, Revocation::Unknown);
    let lease = LeaseKey::new("lease", UserId::nil());
    assert!(shared.lease(&lease, "a", MINUTE).await.is_err());
    assert!(shared.release(&lease, "a").await.is_err());
    assert!(shared.publish(Topic::new("t"), "x").await.is_err());
    assert!(matches!(shared.health(), Health::Degraded { .. }));
}

async fn break_the_circuit(shared: &Shared) {
    for tries in 1..=THRESHOLD {
        assert!(!shared.circuit_open(), "open after {tries} tries");
        assert!(shared.set_once(&once(), MINUTE).await.is_err());
    }
    assert!(shared.circuit_open());
}

#[tokio::test]
async fn a_killed_redis() {
    let Some(mut server) = Server::start(&[]).await else {
        return;
    };
    let clock = Arc::new(MockClock::default());
    let shared = connect(&config(&server.url()), &clock).await;
    let until = clock.now().plus(Span::hours(1));
    shared.revoke(&tombstone(), until).await.unwrap();
    assert_eq!(shared.hit(&window(), 1).await.remaining, 19);

    server.kill();
    let outage = clock.now();
    break_the_circuit(&shared).await;
    assert_outage_rules(&shared).await;
    assert_eq!(shared.health(), Health::Degraded { since: outage });

    // Neither unlimited nor all refused: this node's share of the limit.
    let mut passed = 0;
    for _ in 0..100 {
        let hit = shared.hit(&window(), 1).await;
        assert!(hit.degraded);
        assert_eq!(hit.limit, 5);
        passed += u32::from(hit.allowed);
    }
    assert_eq!(passed, 5);

    // The server is back, but nobody may ask before the pause is over.
    server.restart().await;
    assert!(shared.set_once(&once(), MINUTE).await.is_err());
    clock.advance(Span::seconds(1));
    assert_eq!(shared.set_once(&once(), MINUTE).await, Ok(true));
    assert!(!shared.circuit_open());
    assert_eq!(shared.health(), Health::Ok);
    assert!(!shared.hit(&window(), 1).await.degraded);
    // It came back empty; SQL knows better.
    assert_eq!(shared.is_revoked(&tombstone()).await, Revocation::NotSeen);
}

#[tokio::test]
async fn a_redis_that_hangs() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let clock = Arc::new(MockClock::default());
    let shared = connect(&config(&server.url()), &clock).await;
    let until = clock.now().plus(Span::hours(1));
    shared.revoke(&tombstone(), until).await.unwrap();

    server.freeze();
    break_the_circuit(&shared).await;
    assert_outage_rules(&shared).await;
    assert!(shared.hit(&window(), 1).await.degraded);

    // One probe finds it still hanging and the circuit stays open.
    clock.advance(Span::seconds(1));
    assert_eq!(shared.is_revoked(&tombstone()).await, Revocation::Unknown);
    assert!(shared.circuit_open());

    server.thaw();
    assert_eq!(shared.is_revoked(&tombstone()).await, Revocation::Unknown);
    clock.advance(Span::seconds(1));
    assert_eq!(shared.check().await, Health::Ok);
    assert_eq!(shared.is_revoked(&tombstone()).await, Revocation::Revoked);
}

#[tokio::test]
async fn many_callers_at_once_during_an_outage() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let clock = Arc::new(MockClock::default());
    let shared = connect(&config(&server.url()), &clock).await;
    server.freeze();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let shared = shared.clone();
        tasks.spawn(async move {
            let hit = shared.hit(&window(), 1).await;
            (hit, shared.set_once(&once(), MINUTE).await)
        });
    }
    let answers = tasks.join_all().await;
    assert!(
        answers
            .iter()
            .all(|(hit, once)| hit.degraded && once.is_err())
    );
    let passed = answers.iter().filter(|(hit, _)| hit.allowed).count();
    assert_eq!(passed, 5);
    assert!(shared.circuit_open());
    server.thaw();
}

#[tokio::test]
async fn a_single_lost_connection_is_replaced_without_opening_the_circuit() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let clock = Arc::new(MockClock::default());
    let shared = connect(&config(&server.url()), &clock).await;
    for _ in 0..4 {
        server.raw(&["CLIENT", "KILL", "TYPE", "normal"]).await;
        // The first call may still meet the dead connection.
        let first = shared.set_once(&once(), MINUTE).await;
        let second = shared.set_once(&once(), MINUTE).await;
        assert!(first.is_ok() || second.is_ok());
        assert!(!shared.circuit_open());
    }
}

#[tokio::test]
async fn an_outage_shows_in_the_metrics_and_no_secret_does() {
    let Some(mut server) = Server::start(&["--requirepass", "hunter2"]).await else {
        return;
    };
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let clock = Arc::new(MockClock::default());
    let with_password = |password| RedisConfig {
        url: Secret::new(format!("redis://:{password}@{}", server.address())),
        ..config(&server.url())
    };
    let refused = Shared::redis(&with_password("hunter3"), clock.clone())
        .await
        .expect_err("wrong password");
    assert_eq!(refused.code().as_str(), "shared.connect");
    assert!(refused.to_string().contains(&server.address()));
    let shared = connect(&with_password("hunter2"), &clock).await;
    assert_eq!(shared.check().await, Health::Ok);
    assert!(
        metrics
            .render()
            .contains("valueverse_shared_circuit_open 0")
    );

    server.kill();
    break_the_circuit(&shared).await;
    let shown = metrics.render();
    assert!(
        shown.contains("valueverse_shared_circuit_open 1"),
        "{shown}"
    );
    assert!(shown.contains("valueverse_shared_errors_total{verb=\"set_once\"} 3"));
    assert!(shown.contains("valueverse_shared_seconds_count{verb=\"set_once\"} 3"));

    server.restart().await;
    clock.advance(Span::seconds(1));
    assert_eq!(shared.check().await, Health::Ok);
    let shown = metrics.render();
    assert!(
        shown.contains("valueverse_shared_circuit_open 0"),
        "{shown}"
    );
    for text in [shown, format!("{shared:?} {refused:?} {refused}")] {
        assert!(!text.contains("hunter"), "{text}");
    }
}
