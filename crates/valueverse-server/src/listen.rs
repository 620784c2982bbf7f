//! The listening socket: binding, TLS, limits against greedy or dead clients, and draining.

mod connections;
mod guard;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use ipnet::IpNet;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};

use crate::lifecycle::Lifecycle;
use crate::output::{ExitStatus, Failure};
use connections::Connections;
use guard::Guard;

/// Requests that one HTTP/2 connection may have open.
const MAX_STREAMS: u32 = 128;
/// Streams that a client may reset before they were looked at, and resets that its own errors
/// may cause, before the connection is closed (CVE-2023-44487, "rapid reset").
const MAX_RESETS: usize = 20;
/// Most header fields of a request.
const MAX_HEADERS: usize = 100;
/// Largest request head in bytes.
const MAX_HEAD: u32 = 32 * 1024;
/// Read buffer of an HTTP/1 connection, which also bounds the request head.
const MAX_BUFFER: usize = 64 * 1024;

/// How long a client may dawdle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Until the TLS handshake is done, the first bytes are there, or the head of a request is complete.
    pub(crate) head: Duration,
    /// Until a client that takes no answer is cut off, or one that answers no HTTP/2 ping.
    pub(crate) stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            stall: Duration::from_secs(30),
        }
    }
}

/// How many clients at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crowd<'a> {
    /// Open connections at most; one network holds an eighth of them at most.
    pub(crate) connections: u32,
    /// Proxies that speak for many clients: no share applies to them.
    pub(crate) proxies: &'a [IpNet],
}

/// A socket that listens but does not answer yet.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

/// Takes the address.
pub(crate) fn bind(address: SocketAddr) -> Result<Bound, Failure> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok(Bound { listener, address })
    });
    bound.map_err(|error| bind_failure(address, &error))
}

fn bind_failure(address: SocketAddr, error: &io::Error) -> Failure {
    let other = SocketAddr::new(address.ip(), 0);
    match error.kind() {
        ErrorKind::AddrInUse => Failure::usage(
            "listen.in_use",
            format!("{address} is in use by another program"),
            format!("stop that program, or choose another port; --listen {other} takes a free one"),
        ),
        ErrorKind::PermissionDenied => Failure::usage(
            "listen.denied",
            format!("this user may not listen on {address}"),
            "choose a port above 1023, or grant the capability CAP_NET_BIND_SERVICE",
        ),
        ErrorKind::AddrNotAvailable => Failure::usage(
            "listen.no_such_address",
            format!("this machine has no address {}", address.ip()),
            "listen on one it has, or on 127.0.0.1",
        ),
        _ => Failure::usage(
            "listen.failed",
            format!("cannot listen on {address}: {error}"),
            "choose another address with --listen",
        ),
    }
}

impl Bound {
    /// The address, with the port that was really taken.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:8080` or `https://…`.
    pub(crate) fn url(&self, tls: bool) -> String {
        url(self.address, tls)
    }

    /// An address that a browser on this machine can open, also when the listener takes every
    /// address.
    pub(crate) fn local_url(&self, tls: bool) -> String {
        url(openable(self.address), tls)
    }

    /// Answers requests until the signal to stop, then finishes what runs, for at most the
    /// lifecycle's grace period. Handlers find the peer in `ConnectInfo<SocketAddr>`.
    pub(crate) async fn serve(
        self,
        router: Router,
        tls: Option<Arc<ServerConfig>>,
        crowd: Crowd<'_>,
        lifecycle: &Lifecycle,
    ) -> Result<(), Failure> {
        self.serve_patiently(router, tls, crowd, Patience::default(), lifecycle)
            .await
    }

    async fn serve_patiently(
        self,
        router: Router,
        tls: Option<Arc<ServerConfig>>,
        crowd: Crowd<'_>,
        patience: Patience,
        lifecycle: &Lifecycle,
    ) -> Result<(), Failure> {
        let address = self.address;
        let failed = |error: io::Error| {
            let cause = format!("the listener on {address} failed: {error}");
            Failure::new(
                ExitStatus::No,
                "listen.failed",
                cause,
                "start again; check the limits of the process",
            )
        };
        let guard = Guard::new(tls, Connections::new(crowd, patience));
        let mut server = axum_server::from_tcp(self.listener)
            .map_err(failed)?
            .acceptor(guard);
        limit(&mut server, patience);
        let handle = Handle::new();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = server.handle(handle.clone()).serve(service);
        tokio::pin!(serving);
        tokio::select! {
            ended = &mut serving => return ended.map_err(failed),
            () = lifecycle.stopping().cancelled() => handle.graceful_shutdown(Some(lifecycle.grace())),
        }
        tokio::select! {
            ended = &mut serving => ended.map_err(failed),
            () = lifecycle.halting().cancelled() => {
                handle.shutdown();
                Ok(())
            }
        }
    }
}

/// "Every address" is none that a browser could open.
fn openable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn url(address: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{address}")
}

fn limit(server: &mut Server<SocketAddr, Guard>, patience: Patience) {
    let http = server.http_builder();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_RESETS)
        .max_header_list_size(MAX_HEAD)
        .keep_alive_interval(patience.stall)
        .keep_alive_timeout(patience.stall);
}

/// TLS 1.3 and 1.2 with the hybrid post-quantum key exchange X25519MLKEM768 preferred, HTTP/2
/// before HTTP/1.1. `cert` holds the chain, `key` the private key, both PEM.
pub(crate) fn tls_config(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, Failure> {
    let unusable = |path: &Path, error: &dyn std::fmt::Display| {
        let cause = format!("{} cannot be used for TLS: {error}", path.display());
        Failure::usage(
            "listen.tls",
            cause,
            "give PEM files: the chain in server.tls_cert, its key in server.tls_key",
        )
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(cert, &error))?;
    if chain.is_empty() {
        return Err(unusable(cert, &"it holds no certificate"));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, secret)
        })
        .map_err(|error| unusable(key, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests;
