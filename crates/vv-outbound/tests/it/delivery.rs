//! What arrives, and what comes back.

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;
use vv_base::{Secret, Timestamp};
use vv_outbound::{
    Outbound, OutboundSettings, SIGNATURE_HEADER, SIGNATURE_TOLERANCE, WebhookSecret, sign_webhook,
    verify_webhook,
};

use crate::server::{Answer, Server, ok, response};
use crate::world::{NAME, World};

#[tokio::test]
async fn a_signed_webhook_arrives_whole() {
    let headers = "Content-Type: text/plain\r\nRetry-After: 7\r\nSet-Cookie: a=b\r\n";
    let world = World::new(Answer::Bytes(response("202 Accepted", headers, "thanks"))).await;
    let secret = WebhookSecret::new(Secret::new(vec![7; 32])).unwrap();
    let now = Timestamp::from_unix_seconds(1_700_000_000);
    let body = vec![b'x'; 100_000];
    let signature = sign_webhook(&secret, now, &body);
    let sent = [(SIGNATURE_HEADER, signature.as_str())];
    let url = world.url("/hook?token=abc");
    let answer = world.client.post(&url, &sent, body.clone()).await.unwrap();

    assert_eq!(answer.status(), 202);
    assert!(answer.is_success());
    assert_eq!(answer.body(), Ok(b"thanks".as_slice()));
    assert_eq!(answer.header("Content-Type"), Some("text/plain"));
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert_eq!(answer.header("set-cookie"), None);

    let seen = world.server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].body, body);
    assert_eq!(seen[0].sni.as_deref(), Some(NAME));
    assert!(
        seen[0]
            .head
            .starts_with("POST /hook?token=abc HTTP/1.1\r\n")
    );
    let host = format!("{NAME}:{}", world.server.address.port());
    assert_eq!(seen[0].header("host"), Some(host.as_str()));
    let signature = seen[0].header("x-valueverse-signature").unwrap();
    let verified = verify_webhook(&secret, signature, &seen[0].body, now, SIGNATURE_TOLERANCE);
    assert_eq!(verified, Ok(now));
}

#[tokio::test]
async fn calls_after_each_other_use_remembered_tls_sessions_or_not_but_arrive() {
    let world = World::new(Answer::Bytes(ok("x"))).await;
    for _ in 0..3 {
        let answer = world.get("/").await.unwrap();
        assert_eq!(answer.body(), Ok(b"x".as_slice()));
    }
    assert_eq!(world.server.connections(), 3);
}

#[tokio::test]
async fn a_host_gets_as_many_calls_at_a_time_as_it_has_places() {
    let barrier = Arc::new(Barrier::new(2));
    let two = NonZeroUsize::new(2).unwrap();
    let world = World::with(Answer::Together(barrier), |s| s.max_per_host = two).await;
    let mut calls = JoinSet::new();
    for n in 0..6 {
        let (client, url) = (world.client.clone(), world.url(&format!("/{n}")));
        calls.spawn(async move { client.get(&url, &[]).await });
    }
    let answers = calls.join_all().await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap().is_success())
    );
    assert_eq!(answers.len(), 6);
    assert_eq!(world.server.peak(), 2);
}

#[tokio::test]
async fn plain_http_to_this_machine_through_the_systems_resolver() {
    let server = Server::start("127.0.0.1:0", None, Answer::Bytes(ok("plain"))).await;
    let settings = OutboundSettings {
        allow_http_loopback: true,
        ..OutboundSettings::default()
    };
    let client = Outbound::new(&settings).unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let text = format!("http://{host}:{}/", server.address.port());
        let url = client.url(&text).unwrap();
        let answer = client.get(&url, &[]).await.unwrap();
        assert_eq!(answer.body(), Ok(b"plain".as_slice()), "{host}");
    }
}
