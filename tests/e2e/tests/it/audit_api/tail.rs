//! The trail as it grows.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::Scene;
use crate::harness::api::Api;
use crate::harness::eventually;
use crate::harness::people::ADA;

const TAIL: &str = "/api/v1/audit/tail";

/// One message of a stream.
#[derive(Debug)]
struct Message {
    event: String,
    id: u64,
    data: Value,
}

/// A client of the tail.
struct Tail {
    answer: Response,
    text: String,
}

impl Tail {
    async fn open(scene: &Scene, token: &str, after: Option<u64>) -> Result<Self, u16> {
        let mut request = scene.api.request(Method::GET, TAIL).bearer_auth(token);
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let answer = request.send().await.unwrap();
        match answer.status().as_u16() {
            200 => Ok(Self {
                answer,
                text: String::new(),
            }),
            status => Err(status),
        }
    }

    /// The next message; nothing once the stream has ended.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let read = read(message);
                self.text = rest.to_owned();
                if read.is_some() {
                    return read;
                }
                continue;
            }
            let chunk = self.answer.chunk().await.unwrap()?;
            self.text.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// The next message of a type.
    async fn until(&mut self, kind: &str) -> Message {
        loop {
            let message = self.next().await.expect("the stream should go on");
            if message.data["type"] == kind {
                return message;
            }
        }
    }
}

/// Comments and hints are no messages.
fn read(message: &str) -> Option<Message> {
    let field = |name: &str| {
        let mut lines = message.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    Some(Message {
        event: field("event")?.to_owned(),
        id: field("id").map_or(0, |id| id.parse().unwrap()),
        data: serde_json::from_str(field("data")?).unwrap(),
    })
}

#[tokio::test]
async fn the_tail_goes_on_after_a_restart_and_ends_with_the_session() {
    let mut scene = Scene::new().await;
    let mut tail = Tail::open(&scene, &scene.token, None).await.ok().unwrap();
    let first = scene.note("app.first").await;
    let seen = tail.until("app.first").await;
    assert_eq!(seen.event, "audit");
    assert_eq!(first["height"], seen.id);
    assert_eq!(seen.data["leaf_hash"], first["leaf_hash"]);
    // An open stream does not hold up the end.
    scene.server.stop();
    let mut last = tail.next().await;
    while let Some(message) = &last
        && message.event == "audit"
    {
        last = tail.next().await;
    }
    let end = last.expect("the stream says that it ends");
    assert_eq!(
        (end.event.as_str(), &end.data["reason"]),
        ("end", &json!("stopping"))
    );
    assert!(tail.next().await.is_none());
    scene.server = scene.launch.start();
    scene.api = Api::new(&scene.server.url);
    let second = scene.note("app.second").await;
    let mut tail = Tail::open(&scene, &scene.token, Some(seen.id))
        .await
        .ok()
        .unwrap();
    let mut expected = seen.id + 1;
    loop {
        let message = tail.next().await.expect("the stream should go on");
        assert_eq!(message.id, expected, "no event is left out or sent twice");
        if second["height"] == message.id {
            break;
        }
        expected += 1;
    }
    assert_eq!(scene.api.logout(&scene.token).await.status, 204);
    let mut reason = Value::Null;
    while let Some(message) = tail.next().await {
        reason = message.data["reason"].clone();
    }
    assert_eq!(reason, "session_ended");
}

#[tokio::test]
async fn a_session_has_few_streams_at_once() {
    let scene = Scene::new().await;
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(
            Tail::open(&scene, &scene.token, Some(0))
                .await
                .ok()
                .unwrap(),
        );
    }
    let fifth = scene.get(TAIL).await;
    fifth.is_problem(429, "request.too_many_streams");
    assert!(!fifth.header("retry-after").is_empty());
    scene
        .get("/api/v1/audit/export")
        .await
        .is_problem(429, "request.too_many_streams");
    let other = scene.api.login(ADA.email, ADA.password).await.access;
    assert!(Tail::open(&scene, &other, None).await.is_ok());
    open.clear();
    eventually("room is given back", Duration::from_secs(40), async || {
        Tail::open(&scene, &scene.token, None).await.is_ok()
    })
    .await;
}
