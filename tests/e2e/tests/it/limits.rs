//! Requests that are too much.

use reqwest::Method;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::api::{Api, send};
use crate::harness::place::Place;
use crate::harness::raw::{read_to_end, talk};

const LOGIN: &str = "/api/v1/auth/login";

#[tokio::test]
async fn bodies_and_heads_are_capped() {
    let place = Place::lite();
    let server = place.launch().start();
    let api = Api::new(&server.url);
    let json = |text: String| {
        api.request(Method::POST, LOGIN)
            .header("content-type", "application/json")
            .body(text)
    };
    let filled = |length: usize| {
        let frame = r#"{"identifier":"","password":"x"}"#;
        format!(
            r#"{{"identifier":"{}","password":"x"}}"#,
            "a".repeat(length - frame.len())
        )
    };
    let fits = send(json(filled(64 * 1024))).await;
    assert_ne!(fits.status, 413, "{}", fits.body);
    send(json(filled(64 * 1024 + 1)))
        .await
        .is_problem(413, "request.body_too_large");
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deep = send(json(nested(17))).await;
    deep.is_problem(400, "request.malformed_json");
    assert!(deep.body.contains("16"), "{}", deep.body);
    let allowed = send(json(nested(16))).await;
    assert_eq!(allowed.status, 422, "deep enough to be looked at");
    let long = format!("/login?return_to=/{}", "a".repeat(9 * 1024));
    assert_eq!(api.get(&long, None).await.status, 414);
    let wide = api
        .request(Method::GET, "/healthz")
        .header("x-wide", "a".repeat(33 * 1024));
    assert_eq!(send(wide).await.status, 431);
}

#[tokio::test]
async fn a_body_without_a_length_is_capped_too() {
    let place = Place::lite();
    let server = place.launch().start();
    let chunk = format!("4000\r\n{}\r\n", "a".repeat(0x4000));
    let request = format!(
        "POST {LOGIN} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{}0\r\n\r\n",
        server.address(),
        chunk.repeat(5)
    );
    let answer = talk(server.address(), &request).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn the_host_must_be_clear() {
    let place = Place::lite();
    let origin = "https://id.example";
    let server = place
        .launch()
        .env("VALUEVERSE__SERVER__PUBLIC_ORIGIN", origin)
        .start();
    let ask = async |head: &str| {
        let request = format!("GET /login {head}\r\nConnection: close\r\n\r\n");
        let answer = talk(server.address(), &request).await;
        let line = answer.lines().next().unwrap_or_default();
        line.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(ask("HTTP/1.1").await, "400");
    let twice = "HTTP/1.1\r\nHost: id.example\r\nHost: evil.example";
    assert_eq!(ask(twice).await, "400");
    assert_eq!(ask("HTTP/1.1\r\nHost: a b").await, "400");
    assert_eq!(ask("HTTP/1.1\r\nHost: evil.example").await, "421");
    assert_eq!(ask("HTTP/1.1\r\nHost: id.example").await, "303");
    let link = server.setup_link.as_deref().unwrap();
    assert!(
        link.starts_with("https://id.example/setup?token="),
        "{link}"
    );
}

#[tokio::test]
async fn slow_heads_are_cut_off() {
    let place = Place::lite();
    let server = place.launch().start();
    let mut silent = TcpStream::connect(server.address()).await.unwrap();
    let mut slow = TcpStream::connect(server.address()).await.unwrap();
    slow.write_all(b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        .await
        .unwrap();
    let (nothing, cut) = tokio::join!(read_to_end(&mut silent), read_to_end(&mut slow));
    assert_eq!(nothing, "");
    assert!(cut.is_empty() || cut.starts_with("HTTP/1.1 408"), "{cut}");
    assert_eq!(
        Api::new(&server.url).get("/healthz", None).await.status,
        200
    );
}
