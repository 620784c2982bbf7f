//! SIGTERM.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::harness::api::{Api, try_send};
use crate::harness::eventually;
use crate::harness::people::{ADA, OTTO};
use crate::harness::place::Place;
use crate::harness::raw::read_to_end;

#[tokio::test]
async fn requests_in_flight_are_finished() {
    let place = Place::lite();
    let launch = place.launch();
    ADA.create(&launch);
    let mut server = launch.start();
    // Half a request is in flight when the signal comes; its other half follows.
    let body = format!(
        "{{\"identifier\":\"{}\",\"password\":\"{}\"}}",
        ADA.email, ADA.password
    );
    let (first, second) = body.split_at(10);
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let head = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{first}",
        server.address(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // A whole round trip later the server has long read the head above.
    let api = Api::new(&server.url);
    for _ in 0..3 {
        assert_eq!(api.get("/readyz", None).await.status, 200);
    }
    server.terminate();
    let address = server.address().to_owned();
    eventually("no new connections", Duration::from_secs(9), async || {
        TcpStream::connect(&address).await.is_err()
    })
    .await;
    stream.write_all(second.as_bytes()).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("access_token"), "{answer}");
    server.wait_for_end();
}

#[tokio::test]
async fn busy_or_idle_it_stops_in_time() {
    let place = Place::lite();
    let launch = place.launch();
    ADA.create(&launch);
    OTTO.create(&launch);
    let mut server = launch.start();
    let idle = TcpStream::connect(server.address()).await.unwrap();
    let mut work = JoinSet::new();
    for person in [ADA, OTTO, ADA, OTTO] {
        let api = Api::new(&server.url);
        work.spawn(async move {
            let request = api.request(Method::POST, "/api/v1/auth/login");
            let body = json!({ "identifier": person.email, "password": person.password });
            try_send(request.json(&body)).await.ok().map(|it| it.status)
        });
    }
    assert_eq!(work.join_next().await.unwrap().unwrap(), Some(200));
    server.terminate();
    // A connection that was never accepted gets no answer, but nobody gets an error.
    for status in work.join_all().await {
        assert!(matches!(status, None | Some(200)), "{status:?}");
    }
    server.wait_for_end();
    drop(idle);
    let verified = launch.run(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
}
