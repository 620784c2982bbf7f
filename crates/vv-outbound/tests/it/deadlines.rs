//! Servers and resolvers that take their time. Every test waits for a
//! deadline that passes in any case; none measures how long that took.

use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::timeout;
use vv_base::Span;
use vv_outbound::{Outbound, OutboundError, OutboundSettings, Resolve, Resolving, Stage};

use crate::server::{Answer, ok};
use crate::world::{World, milliseconds};

/// Long enough to get through a handshake on a busy machine.
const SHORT: i64 = 2_000;

async fn failure(answer: Answer) -> OutboundError {
    let world = World::with(answer, |s| s.timeout = milliseconds(SHORT)).await;
    let failed = world.get("/?token=S3CRET").await.unwrap_err();
    assert!(failed.may_pass_later());
    assert!(!failed.to_string().contains("S3CRET"));
    failed
}

#[tokio::test]
async fn a_server_that_stops_somewhere() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab".to_vec();
    let part = head[..20].to_vec();
    let (silent, nothing, half, body) = tokio::join!(
        failure(Answer::Silent),
        failure(Answer::Stall(Vec::new())),
        failure(Answer::Stall(part)),
        failure(Answer::Stall(head)),
    );
    assert_eq!(silent, OutboundError::Deadline(Stage::Handshake));
    assert_eq!(nothing, OutboundError::Deadline(Stage::Answer));
    assert_eq!(half, OutboundError::Deadline(Stage::Answer));
    assert_eq!(body, OutboundError::Deadline(Stage::Body));
}

#[tokio::test]
async fn the_deadline_is_for_the_whole_call() {
    // Each byte comes in time; all of them together would never end.
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let failed = failure(Answer::Drip(head, b"1\r\nx\r\n".to_vec())).await;
    assert_eq!(failed, OutboundError::Deadline(Stage::Body));
}

struct NoAnswer;

impl Resolve for NoAnswer {
    fn resolve<'a>(&'a self, _name: &'a str) -> Resolving<'a> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_resolver_that_does_not_answer() {
    let settings = OutboundSettings {
        timeout: milliseconds(50),
        ..OutboundSettings::default()
    };
    let client = Outbound::with_resolver(&settings, Arc::new(NoAnswer)).unwrap();
    let url = client.url("https://hook.example/").unwrap();
    let failed = client.get(&url, &[]).await.unwrap_err();
    assert_eq!(failed, OutboundError::Deadline(Stage::Resolving));
}

#[tokio::test]
async fn a_handshake_ends_with_the_time_to_connect() {
    let world = World::with(Answer::Silent, |s| {
        s.timeout = Span::minutes(5);
        s.connect_timeout = milliseconds(50);
    })
    .await;
    // Waiting for the whole call instead would take five minutes.
    let call = timeout(Duration::from_secs(100), world.get("/"));
    let failed = call.await.unwrap().unwrap_err();
    assert_eq!(failed, OutboundError::Deadline(Stage::Handshake));
}

#[tokio::test]
async fn a_place_is_free_again_after_a_failure() {
    let world = World::with(Answer::Bytes(ok("")), |s| {
        s.max_per_host = NonZeroUsize::MIN;
    })
    .await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let url = world.client.url(&format!("https://hook.example:{port}/"));
    let url = url.unwrap();
    for _ in 0..3 {
        let failed = world.client.get(&url, &[]).await.unwrap_err();
        assert_eq!(failed, OutboundError::Connect(ErrorKind::ConnectionRefused));
    }
    assert!(world.get("/").await.is_ok());
}
