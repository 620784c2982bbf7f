//! Over a real connection: what a client on the wire gets.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use vv_http::HttpSettings;

use crate::harness::app;

/// A real connection: what a client on the wire gets.
async fn exchange(settings: HttpSettings, request: Vec<u8>) -> String {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    let service = app(settings).into_make_service_with_connect_info::<SocketAddr>();
    let client = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.write_all(&request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    });
    tokio::select! {
        answer = client => answer.unwrap(),
        ended = std::future::IntoFuture::into_future(axum::serve(listener, service)) => panic!("{ended:?}"),
    }
}

#[tokio::test]
async fn on_the_wire_a_body_that_never_comes_is_given_up() {
    let settings = HttpSettings {
        timeout: Duration::from_millis(300),
        ..HttpSettings::default()
    };
    let request = "POST /login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let answer = exchange(settings, request.into()).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("request.timeout"), "{answer}");
}

#[tokio::test]
async fn on_the_wire_chunked_bodies_are_capped_too() {
    let mut request = b"POST /login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..20 {
        request.extend_from_slice(b"1000\r\n");
        request.extend_from_slice(&[b' '; 0x1000]);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    let answer = exchange(HttpSettings::default(), request).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("request.body_too_large"), "{answer}");
}

#[tokio::test]
async fn on_the_wire_the_peer_is_the_client() {
    let request =
        "GET /whoami HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-forwarded-for: 1.1.1.1\r\n\r\n";
    let answer = exchange(HttpSettings::default(), request.into()).await;
    assert!(answer.contains(" 127.0.0.1 false "), "{answer}");
    assert!(
        !answer.to_ascii_lowercase().contains("\r\nserver:"),
        "{answer}"
    );
}
