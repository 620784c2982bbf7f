//! Names that lead somewhere else than they should.

use vv_outbound::{AddressClass, Outbound, OutboundError, OutboundSettings, UrlError};

use crate::server::{Answer, Authority, Server, ok};
use crate::world::{NAME, Script, settings};

/// The service that must not be reached: same port, other address.
const INSIDE: &str = "127.0.0.2";

struct Scene {
    outside: Server,
    inside: Server,
    authority: Authority,
}

impl Scene {
    async fn new() -> Self {
        let authority = Authority::new();
        let answer = |text| Answer::Bytes(ok(text));
        let tls = authority.acceptor(&[NAME]);
        let outside = Server::start("127.0.0.1:0", Some(tls), answer("outside")).await;
        let tls = authority.acceptor(&[NAME]);
        let at = format!("{INSIDE}:{}", outside.address.port());
        let inside = Server::start(&at, Some(tls), answer("inside")).await;
        Self {
            outside,
            inside,
            authority,
        }
    }

    fn url(&self) -> String {
        format!("https://{NAME}:{}/", self.outside.address.port())
    }
}

#[tokio::test]
async fn a_name_that_moves_inside_after_the_check_does_not_get_there() {
    let scene = Scene::new().await;
    let resolver = Script::new(&[&["127.0.0.1"], &[INSIDE]]);
    let client = Outbound::with_resolver(&settings(&scene.authority), resolver.clone()).unwrap();
    let url = client.url(&scene.url()).unwrap();

    // One answer serves check and connection: a second question would lead inside.
    let answer = client.get(&url, &[]).await.unwrap();
    assert_eq!(answer.body(), Ok(b"outside".as_slice()));
    assert_eq!(resolver.asked(), [NAME]);

    // The next call asks again and is refused before it connects.
    let refused = client.get(&url, &[]).await.unwrap_err();
    assert_eq!(refused, OutboundError::Refused(AddressClass::Loopback));
    assert!(!refused.may_pass_later());
    assert_eq!(resolver.asked(), [NAME, NAME]);
    assert_eq!(scene.inside.connections(), 0);
}

#[tokio::test]
async fn an_inner_address_among_outer_ones_is_not_tried() {
    let scene = Scene::new().await;
    let resolver = Script::new(&[&[INSIDE, "::ffff:127.0.0.1", "127.0.0.1"]]);
    let client = Outbound::with_resolver(&settings(&scene.authority), resolver).unwrap();
    let url = client.url(&scene.url()).unwrap();
    let answer = client.get(&url, &[]).await.unwrap();
    assert_eq!(answer.body(), Ok(b"outside".as_slice()));
    assert_eq!(scene.inside.connections(), 0);
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_is_closed() {
    let scene = Scene::new().await;
    let mut settings = settings(&scene.authority);
    settings.allow_private.push("127.0.0.3/32".parse().unwrap());
    let resolver = Script::new(&[&["127.0.0.3", "127.0.0.1"]]);
    let client = Outbound::with_resolver(&settings, resolver).unwrap();
    let url = client.url(&scene.url()).unwrap();
    let answer = client.get(&url, &[]).await.unwrap();
    assert_eq!(answer.body(), Ok(b"outside".as_slice()));
}

#[tokio::test]
async fn every_kind_of_inner_address_is_refused() {
    use AddressClass as Class;
    for (address, class) in [
        ("10.0.0.1", Class::Private),
        ("172.16.0.1", Class::Private),
        ("192.168.0.1", Class::Private),
        ("127.0.0.1", Class::Loopback),
        ("::1", Class::Loopback),
        ("169.254.0.1", Class::LinkLocal),
        ("fe80::1", Class::LinkLocal),
        ("fd00::1", Class::UniqueLocal),
        ("100.64.0.1", Class::CarrierNat),
        ("169.254.169.254", Class::Metadata),
        ("fd00:ec2::254", Class::Metadata),
        ("64:ff9b::7f00:1", Class::Nat64),
        ("::ffff:127.0.0.1", Class::Embedded),
        ("::127.0.0.1", Class::Embedded),
        ("2002:7f00:1::", Class::Embedded),
        ("224.0.0.1", Class::Multicast),
        ("255.255.255.255", Class::Multicast),
        ("0.0.0.0", Class::Unspecified),
        ("::", Class::Unspecified),
        ("240.0.0.1", Class::Reserved),
        ("192.0.2.1", Class::Reserved),
    ] {
        let resolver = Script::new(&[&[address]]);
        let client = Outbound::with_resolver(&OutboundSettings::default(), resolver).unwrap();
        let url = client.url("https://hook.example/").unwrap();
        let refused = client.get(&url, &[]).await.unwrap_err();
        assert_eq!(refused, OutboundError::Refused(class), "{address}");
    }
}

#[tokio::test]
async fn a_url_of_a_laxer_client_is_checked_again() {
    let lax = OutboundSettings {
        allow_private: vec!["127.0.0.0/8".parse().unwrap()],
        allow_http_loopback: true,
        ..OutboundSettings::default()
    };
    let strict = Outbound::new(&OutboundSettings::default()).unwrap();
    let url = lax.url("https://127.0.0.1/").unwrap();
    let refused = strict.get(&url, &[]).await.unwrap_err();
    let expected = UrlError::Refused(AddressClass::Loopback);
    assert_eq!(refused, OutboundError::Url(expected));
    let url = lax.url("http://localhost/").unwrap();
    assert!(strict.get(&url, &[]).await.is_err());
}

#[tokio::test]
async fn a_name_without_addresses() {
    for answers in [[].as_slice(), &[[].as_slice()]] {
        let settings = OutboundSettings::default();
        let client = Outbound::with_resolver(&settings, Script::new(answers)).unwrap();
        let url = client.url("https://hook.example/").unwrap();
        let failed = client.get(&url, &[]).await.unwrap_err();
        assert_eq!(failed, OutboundError::Resolve);
        assert!(failed.may_pass_later());
    }
}
