//! A server that says exactly what a test tells it to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What a server does with every connection.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Reads a request, sends these bytes, closes.
    Bytes(Vec<u8>),
    /// Reads a request, sends these bytes, then nothing.
    Stall(Vec<u8>),
    /// Reads a request, sends the first part, then the second until the caller leaves.
    Endless(Vec<u8>, Vec<u8>),
    /// Reads a request, sends the first part, then the second again and again
    /// with pauses.
    Drip(Vec<u8>, Vec<u8>),
    /// Accepts the connection and never sends a byte.
    Silent,
    /// Sends these bytes at once, without TLS.
    Raw(Vec<u8>),
    /// Answers 200 as soon as so many requests are here together.
    Together(Arc<Barrier>),
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) sni: Option<String>,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

#[derive(Default)]
struct Record {
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    now: AtomicUsize,
    peak: AtomicUsize,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    record: Arc<Record>,
    _tasks: JoinSet<()>,
}

/// A certificate authority of one test.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("Authority of a test")
    }

    /// Another key under a name of choice.
    pub(crate) fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's side of TLS with a certificate for these names.
    pub(crate) fn acceptor(&self, names: &[&str]) -> TlsAcceptor {
        self.acceptor_with(names, |_| {})
    }

    pub(crate) fn acceptor_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> TlsAcceptor {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

impl Server {
    /// Listens on an address of this machine; with a port of zero, on a free one.
    pub(crate) async fn start(at: &str, tls: Option<TlsAcceptor>, answer: Answer) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let address = listener.local_addr().unwrap();
        let record = Arc::new(Record::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, tls, answer, Arc::clone(&record)));
        Self {
            address,
            record,
            _tasks: tasks,
        }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.record.seen.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.record.connections.load(Ordering::SeqCst)
    }

    /// Most requests that were here at the same time.
    pub(crate) fn peak(&self) -> usize {
        self.record.peak.load(Ordering::SeqCst)
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    answer: Answer,
    record: Arc<Record>,
) {
    let mut calls = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        record.connections.fetch_add(1, Ordering::SeqCst);
        calls.spawn(serve(
            stream,
            tls.clone(),
            answer.clone(),
            Arc::clone(&record),
        ));
    }
}

async fn serve(
    mut stream: TcpStream,
    tls: Option<TlsAcceptor>,
    answer: Answer,
    record: Arc<Record>,
) {
    match (&answer, tls) {
        (Answer::Silent, _) => std::future::pending().await,
        (Answer::Raw(bytes), _) => {
            stream.write_all(bytes).await.ok();
            // Closing before the caller's bytes are read would reset the connection.
            let mut ignored = Vec::new();
            stream.shutdown().await.ok();
            stream.read_to_end(&mut ignored).await.ok();
        }
        (_, Some(tls)) => {
            // A caller that dislikes the certificate ends the handshake.
            if let Ok(stream) = tls.accept(stream).await {
                let sni = stream.get_ref().1.server_name().map(ToOwned::to_owned);
                talk(stream, sni, answer, &record).await;
            }
        }
        (_, None) => talk(stream, None, answer, &record).await,
    }
}

async fn talk<S>(mut stream: S, sni: Option<String>, answer: Answer, record: &Record)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(mut seen) = read_request(&mut stream).await else {
        return;
    };
    seen.sni = sni;
    record.seen.lock().unwrap().push(seen);
    let here = record.now.fetch_add(1, Ordering::SeqCst) + 1;
    record.peak.fetch_max(here, Ordering::SeqCst);
    // A caller may leave at any time, so writing may fail.
    match answer {
        Answer::Bytes(bytes) => {
            stream.write_all(&bytes).await.ok();
        }
        Answer::Stall(bytes) => {
            stream.write_all(&bytes).await.ok();
            stream.flush().await.ok();
            std::future::pending::<()>().await;
        }
        Answer::Endless(first, rest) => {
            stream.write_all(&first).await.ok();
            while stream.write_all(&rest).await.is_ok() {}
        }
        Answer::Drip(first, rest) => {
            stream.write_all(&first).await.ok();
            while stream.write_all(&rest).await.is_ok() {
                stream.flush().await.ok();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Answer::Together(barrier) => {
            barrier.wait().await;
            record.now.fetch_sub(1, Ordering::SeqCst);
            stream.write_all(&ok("")).await.ok();
        }
        Answer::Silent | Answer::Raw(_) => {}
    }
    stream.shutdown().await.ok();
}

async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let mut seen = Seen {
        sni: None,
        head: String::from_utf8(head).unwrap(),
        body: Vec::new(),
    };
    let length = seen.header("content-length").map(|n| n.parse().unwrap());
    seen.body.resize(length.unwrap_or(0), 0);
    stream.read_exact(&mut seen.body).await.ok()?;
    Some(seen)
}

/// A whole response with status 200.
pub(crate) fn ok(body: &str) -> Vec<u8> {
    response("200 OK", "", body)
}

/// A whole response; `headers` are lines that end with CRLF.
pub(crate) fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}
