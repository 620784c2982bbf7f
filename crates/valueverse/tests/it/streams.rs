//! Answers that go on: they end with what allowed them.

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode, header};
use futures_util::StreamExt as _;
use tower::ServiceExt as _;
use vv_audit::{AuditError, Event, Kind};
use vv_base::Span;

use crate::harness::{Person, World, on_both};
use crate::permission::token_of;

const TAIL: &str = "/api/v1/audit/tail?after=0";
const EXPORT: &str = "/api/v1/audit/export";

/// The body of an answer, piece by piece.
async fn open(world: &World, token: &str, path: &str) -> BodyDataStream {
    let request = Request::get(path)
        .header(header::HOST, "127.0.0.1:8080")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap();
    let answer = world.system.service().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.into_body().into_data_stream()
}

/// What is left of it, and whether it came to its end.
async fn rest(mut body: BodyDataStream) -> (String, bool) {
    let mut text = String::new();
    while let Some(piece) = body.next().await {
        match piece {
            Ok(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
            Err(_) => return (text, false),
        }
    }
    (text, true)
}

async fn take_the_role(world: &World, person: &Person) {
    let user = world.id(person.user);
    let script = format!("update memberships set role = 'billing_api' where user_id = {user}");
    world.tamper(&script).await;
}

/// Enough for an export of many pieces.
async fn fill(world: &World, person: &Person, events: usize) {
    let ctx = world.ctx().for_tenant(person.tenant);
    let audit = world.auth().audit();
    world
        .store
        .tx(&ctx, "test.fill", async |tx| {
            for _ in 0..events {
                let event = Event::new(Kind::DataViewed).detail("text", "x".repeat(200));
                audit.record(&ctx, tx, event).await?;
            }
            Ok::<_, AuditError>(())
        })
        .await
        .unwrap();
    audit.catch_up().await.unwrap();
}

#[tokio::test]
async fn a_tail_ends_with_the_permission() {
    on_both(async |world| {
        let admin = world.first_admin().await;
        let token = token_of(&world, &admin).await;
        let tail = open(&world, &token, TAIL).await;
        take_the_role(&world, &admin).await;
        let (text, whole) = rest(tail).await;
        assert!(whole && text.contains("data: {\"event_id\""), "{text}");
        let end = "event: end\ndata: {\"reason\":\"session_ended\"}\n\n";
        assert!(text.ends_with(end), "{text}");
    })
    .await;
}

#[tokio::test]
async fn a_tail_ends_with_the_access_token() {
    on_both(async |world| {
        let admin = world.first_admin().await;
        let token = token_of(&world, &admin).await;
        let tail = open(&world, &token, TAIL).await;
        world.clock.advance(Span::minutes(16));
        let (text, _) = rest(tail).await;
        assert!(text.contains("session_ended"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn a_node_that_stops_ends_its_tails_and_finishes_its_exports() {
    on_both(async |world| {
        let admin = world.first_admin().await;
        let token = token_of(&world, &admin).await;
        fill(&world, &admin, 1_500).await;
        let tail = open(&world, &token, TAIL).await;
        let export = open(&world, &token, EXPORT).await;
        world.system.end_streams();
        let (text, _) = rest(tail).await;
        assert!(text.contains("\"stopping\""), "{text}");
        let (text, whole) = rest(export).await;
        assert!(whole && text.lines().count() > 1_500);
    })
    .await;
}

#[tokio::test]
async fn an_export_without_its_session_is_broken_off() {
    on_both(async |world| {
        let admin = world.first_admin().await;
        let token = token_of(&world, &admin).await;
        fill(&world, &admin, 1_500).await;
        let export = open(&world, &token, EXPORT).await;
        take_the_role(&world, &admin).await;
        // Until the session is looked at again.
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        let (text, whole) = rest(export).await;
        assert!(!whole, "an end would say that this is all");
        assert!(text.lines().count() < 1_500);
    })
    .await;
}
