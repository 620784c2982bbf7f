//! Answers that are too long, broken, or lead elsewhere.

use vv_outbound::{BodyCut, OutboundError};

use crate::server::{Answer, ok, response};
use crate::world::World;

const LIMIT: usize = 1_000;

async fn limited(answer: Answer) -> World {
    World::with(answer, |s| s.max_response_bytes = LIMIT).await
}

#[tokio::test]
async fn redirects_are_answers() {
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let to = "Location: /inside\r\n";
        let world = World::new(Answer::Bytes(response(status, to, ""))).await;
        let answer = world.get("/first").await.unwrap();
        assert!(status.starts_with(&answer.status().to_string()));
        assert!(!answer.is_success());
        let seen = world.server.seen();
        assert_eq!(seen.len(), 1, "{status}");
        assert!(seen[0].head.starts_with("GET /first "));
    }
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_whole() {
    let world = limited(Answer::Bytes(ok(&"x".repeat(LIMIT)))).await;
    let answer = world.get("/").await.unwrap();
    assert_eq!(answer.body().map(<[u8]>::len), Ok(LIMIT));
}

#[tokio::test]
async fn longer_bodies_are_cut_while_they_arrive() {
    let head = |line: &str| format!("HTTP/1.1 200 OK\r\n{line}\r\n\r\n").into_bytes();
    let chunk = || b"a\r\n0123456789\r\n".to_vec();
    let data = || vec![b'x'; 4_096];
    for answer in [
        Answer::Bytes(ok(&"x".repeat(LIMIT + 1))),
        Answer::Endless(head("Content-Length: 99999999999"), data()),
        Answer::Endless(head("Transfer-Encoding: chunked"), chunk()),
        Answer::Endless(head("Connection: close"), data()),
    ] {
        let world = limited(answer).await;
        let answer = world.get("/").await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.body(), Err(BodyCut));
        assert_eq!(answer.body_start().len(), LIMIT);
    }
}

#[tokio::test]
async fn broken_answers_are_protocol_errors() {
    let endless = b"HTTP/1.1 200 OK\r\nX-Long: ".to_vec();
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-A: b\r\n".repeat(500));
    let long = response(
        "200 OK",
        &format!("X-Long: {}\r\n", "b".repeat(32 << 10)),
        "",
    );
    for answer in [
        Answer::Bytes(long),
        Answer::Bytes(Vec::new()),
        Answer::Bytes(b"220 smtp.example ESMTP\r\n".to_vec()),
        Answer::Bytes(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort".to_vec()),
        Answer::Bytes(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_vec(),
        ),
        Answer::Bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec()),
        Answer::Bytes(many.into_bytes()),
        Answer::Endless(endless, vec![b'x'; 4_096]),
    ] {
        let world = limited(answer).await;
        let failed = world.get("/?token=S3CRET").await.unwrap_err();
        assert!(matches!(failed, OutboundError::Protocol(_)), "{failed:?}");
        assert!(!format!("{failed} {failed:?}").contains("S3CRET"));
    }
}

#[tokio::test]
async fn an_answer_is_shown_without_its_body() {
    let world = World::new(Answer::Bytes(ok("S3CRET"))).await;
    let answer = world.get("/").await.unwrap();
    assert!(!format!("{answer:?}").contains("S3CRET"));
}
