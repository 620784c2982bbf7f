use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use axum::extract::ConnectInfo;
use axum::routing::get;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, NamedGroup, SignatureScheme, StreamOwned,
};
use tempfile::tempdir;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

struct Running {
    address: SocketAddr,
    lifecycle: Lifecycle,
    task: JoinHandle<Result<(), Failure>>,
}

fn start(router: Router, tls: Option<Arc<ServerConfig>>, max: u32, patience: Patience) -> Running {
    let bound = bind(LOCAL).unwrap();
    let address = bound.address();
    let lifecycle = Lifecycle::new(Duration::from_mins(1));
    let own = lifecycle.clone();
    let serving = async move {
        let crowd = Crowd {
            connections: max,
            proxies: &[],
        };
        bound
            .serve_patiently(router, tls, crowd, patience, &own)
            .await
    };
    let task = lifecycle.tasks().spawn(serving);
    Running {
        address,
        lifecycle,
        task,
    }
}

fn peer_router() -> Router {
    Router::new().route(
        "/peer",
        get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }),
    )
}

/// Runs a blocking client beside the server.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn exchange(stream: &mut (impl Read + Write)) -> String {
    stream
        .write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_taken_port_is_named_with_a_way_out() {
    let first = bind(LOCAL).unwrap();
    let failure = bind(first.address()).unwrap_err();
    assert_eq!(failure.code, "listen.in_use");
    assert_eq!(
        failure.to_string(),
        format!(
            "{} is in use by another program — stop that program, or choose another port; --listen 127.0.0.1:0 takes a free one",
            first.address()
        )
    );
    assert_eq!(first.url(false), format!("http://{}", first.address()));
    assert_ne!(first.address().port(), 0);
}

#[test]
fn an_address_of_another_machine_is_refused() {
    let failure = bind(SocketAddr::from(([192, 0, 2, 1], 0))).unwrap_err();
    assert_eq!(failure.code, "listen.no_such_address");
}

#[tokio::test]
async fn handlers_see_the_peer() {
    let server = start(peer_router(), None, 8, Patience::default());
    let address = server.address;
    let answer = blocking(move || exchange(&mut TcpStream::connect(address).unwrap())).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("127.0.0.1"), "{answer}");
    server.lifecycle.stop();
    server.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn running_requests_are_finished_before_the_end() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (in_handler, go) = (Arc::clone(&entered), Arc::clone(&release));
    let router = Router::new().route(
        "/peer",
        get(move || async move {
            in_handler.notify_one();
            go.notified().await;
            "done"
        }),
    );
    let server = start(router, None, 8, Patience::default());
    let address = server.address;
    let client =
        tokio::task::spawn_blocking(move || exchange(&mut TcpStream::connect(address).unwrap()));
    entered.notified().await;
    server.lifecycle.stop();
    // The listener is closed at once, so that a balancer goes elsewhere.
    blocking(move || while TcpStream::connect(address).is_ok() {}).await;
    release.notify_one();
    assert!(client.await.unwrap().ends_with("done"));
    server.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_second_signal_ends_running_requests() {
    let entered = Arc::new(Notify::new());
    let in_handler = Arc::clone(&entered);
    let router = Router::new().route(
        "/peer",
        get(move || async move {
            in_handler.notify_one();
            std::future::pending::<()>().await;
        }),
    );
    let server = start(router, None, 8, Patience::default());
    let address = server.address;
    let client =
        tokio::task::spawn_blocking(move || exchange(&mut TcpStream::connect(address).unwrap()));
    entered.notified().await;
    server.lifecycle.stop();
    server.lifecycle.halting().cancel();
    server.task.await.unwrap().unwrap();
    assert_eq!(client.await.unwrap(), "");
}

#[tokio::test]
async fn silent_and_slow_clients_are_cut_off() {
    let patience = Patience {
        head: Duration::from_millis(200),
        stall: Duration::from_mins(1),
    };
    let server = start(peer_router(), None, 8, patience);
    let address = server.address;
    for start in [
        "",
        "P",
        "PRI * HTTP/2.0\r\n",
        "GET /peer HTTP/1.1\r\nX-Slow: ",
    ] {
        let end = blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(start.as_bytes()).unwrap();
            let mut rest = Vec::new();
            // Returns only because the server closes; a reset counts as well.
            let _ = stream.read_to_end(&mut rest);
            String::from_utf8(rest).unwrap()
        });
        let end = end.await;
        assert!(!end.contains(" 200 "), "{start:?}: {end}");
    }
    server.lifecycle.stop();
    server.task.await.unwrap().unwrap();
}

#[tokio::test]
async fn connections_beyond_the_cap_are_closed_and_room_comes_back() {
    let server = start(peer_router(), None, 1, Patience::default());
    let address = server.address;
    blocking(move || {
        let mut first = TcpStream::connect(address).unwrap();
        first
            .write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        let mut status = [0; 12];
        first.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
        let mut second = TcpStream::connect(address).unwrap();
        let mut nothing = Vec::new();
        // Closed or reset, in any case unanswered.
        let _ = second.read_to_end(&mut nothing);
        assert_eq!(nothing, b"");
        drop(first);
        loop {
            let mut third = TcpStream::connect(address).unwrap();
            let mut answer = String::new();
            let sent =
                third.write_all(b"GET /peer HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            if sent.is_ok() && third.read_to_string(&mut answer).is_ok() && answer.contains(" 200 ")
            {
                break;
            }
        }
    })
    .await;
    server.lifecycle.stop();
    server.task.await.unwrap().unwrap();
}

/// The test's own certificate is not what is tested.
#[derive(Debug)]
struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

type TlsClient = StreamOwned<ClientConnection, TcpStream>;

fn handshake(
    address: SocketAddr,
    version: &'static rustls::SupportedProtocolVersion,
    alpn: &[u8],
) -> TlsClient {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer))
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    connection.complete_io(&mut stream).unwrap();
    StreamOwned::new(connection, stream)
}

fn certificate(folder: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (cert, key)
}

#[tokio::test]
async fn tls_agrees_on_the_hybrid_key_exchange() {
    let folder = tempdir().unwrap();
    let (cert, key) = certificate(folder.path());
    let server = start(
        peer_router(),
        Some(tls_config(&cert, &key).unwrap()),
        8,
        Patience::default(),
    );
    let address = server.address;
    blocking(move || {
        let mut modern = handshake(address, &TLS13, b"http/1.1");
        let group = modern
            .conn
            .negotiated_key_exchange_group()
            .map(rustls::crypto::SupportedKxGroup::name);
        assert_eq!(group, Some(NamedGroup::X25519MLKEM768));
        assert!(exchange(&mut modern).ends_with("127.0.0.1"));
        let older = handshake(address, &TLS12, b"h2");
        assert_eq!(
            older.conn.protocol_version(),
            Some(rustls::ProtocolVersion::TLSv1_2)
        );
        assert_eq!(older.conn.alpn_protocol(), Some(&b"h2"[..]));
    })
    .await;
    server.lifecycle.stop();
    server.task.await.unwrap().unwrap();
}

#[test]
fn unusable_certificates_are_explained() {
    let folder = tempdir().unwrap();
    let (cert, key) = certificate(folder.path());
    let other = tempdir().unwrap();
    let (_, foreign_key) = certificate(other.path());
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let missing = folder.path().join("missing.pem");
    for (cert, key) in [
        (&empty, &key),
        (&cert, &empty),
        (&cert, &foreign_key),
        (&missing, &key),
        (&key, &cert),
    ] {
        let failure = tls_config(cert, key).unwrap_err();
        assert_eq!(failure.code, "listen.tls", "{failure}");
        assert!(!failure.to_string().contains('\n'), "{failure}");
    }
}

#[test]
fn the_link_for_this_machine_names_an_address_that_opens() {
    for (listening, opens) in [
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("[::]:8080", "http://[::1]:8080"),
        ("192.0.2.7:8080", "http://192.0.2.7:8080"),
    ] {
        let address: SocketAddr = listening.parse().unwrap();
        assert_eq!(url(openable(address), false), opens);
    }
}
