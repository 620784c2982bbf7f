//! Servers that cannot prove their name.

use rcgen::date_time_ymd;
use vv_outbound::{Outbound, OutboundError};

use crate::server::{Answer, Authority, Server, ok};
use crate::world::{NAME, Script, World, settings};

/// Calls [`NAME`] while trusting one authority.
async fn call(server: &Server, trusted: &Authority) -> Result<u16, OutboundError> {
    let resolver = Script::new(&[&["127.0.0.1"]]);
    let client = Outbound::with_resolver(&settings(trusted), resolver).unwrap();
    let text = format!("https://{NAME}:{}/?token=S3CRET", server.address.port());
    let url = client.url(&text).unwrap();
    client.get(&url, &[]).await.map(|answer| answer.status())
}

fn refused(result: Result<u16, OutboundError>) -> String {
    let error = result.unwrap_err();
    assert!(matches!(error, OutboundError::Certificate(_)), "{error:?}");
    let text = error.to_string();
    assert!(!text.contains("S3CRET"));
    text
}

#[tokio::test]
async fn only_a_valid_certificate_for_the_name_is_accepted() {
    let ours = Authority::new();
    let theirs = Authority::named("somebody else");
    // The right name, and another key.
    let forged = Authority::new();
    let ended = |params: &mut rcgen::CertificateParams| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    };
    let answer = || Answer::Bytes(ok(""));
    let start = |tls| Server::start("127.0.0.1:0", Some(tls), answer());

    let good = start(ours.acceptor(&[NAME])).await;
    assert_eq!(call(&good, &ours).await, Ok(200));

    let stranger = start(theirs.acceptor(&[NAME])).await;
    assert!(refused(call(&stranger, &ours).await).contains("UnknownIssuer"));
    let fake = start(forged.acceptor(&[NAME])).await;
    assert!(refused(call(&fake, &ours).await).contains("BadSignature"));
    let other = start(ours.acceptor(&["other.example", "127.0.0.1"])).await;
    assert!(refused(call(&other, &ours).await).contains("not valid for name"));
    let old = start(ours.acceptor_with(&[NAME], ended)).await;
    assert!(refused(call(&old, &ours).await).contains("expired"));
    for server in [stranger, fake, other, old] {
        assert!(server.seen().is_empty());
    }
}

#[tokio::test]
async fn an_address_needs_a_certificate_for_the_address() {
    let ours = Authority::new();
    let client = Outbound::new(&settings(&ours)).unwrap();
    for (names, fine) in [([NAME], false), (["127.0.0.1"], true)] {
        let tls = Some(ours.acceptor(&names));
        let server = Server::start("127.0.0.1:0", tls, Answer::Bytes(ok(""))).await;
        let url = client.url(&format!("https://{}/", server.address)).unwrap();
        assert_eq!(client.get(&url, &[]).await.is_ok(), fine, "{names:?}");
    }
}

#[tokio::test]
async fn a_server_without_tls() {
    let world = World::new(Answer::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())).await;
    let failed = world.get("/").await.unwrap_err();
    assert!(matches!(failed, OutboundError::Tls(_)), "{failed:?}");
}
