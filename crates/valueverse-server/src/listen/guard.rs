use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_server::accept::{Accept, NoDelayAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::Patience;
use super::connections::{Connections, Slot};

/// What an HTTP/2 client sends first (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection in clear or under TLS.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Io for S {}

/// Counts connections, speaks TLS where configured, and puts a [`Guarded`] around each.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    tls: Option<RustlsAcceptor<NoDelayAcceptor>>,
    connections: Connections,
}

impl Guard {
    pub(super) fn new(tls: Option<Arc<ServerConfig>>, connections: Connections) -> Self {
        let timeout = connections.patience.head;
        let tls = tls.map(|config| {
            RustlsAcceptor::new(RustlsConfig::from_config(config))
                .handshake_timeout(timeout)
                .acceptor(NoDelayAcceptor::new())
        });
        Self { tls, connections }
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Guard {
    type Stream = Guarded<Box<dyn Io>>;
    type Service = S;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, S)>> + Send>>;

    /// Beyond the cap a connection is closed at once: one that waits would hold a socket all the same.
    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let peer = stream.peer_addr().ok().map(|address| address.ip());
        let Some(slot) = self.connections.take(peer) else {
            metrics::counter!("valueverse_connections_refused_total").increment(1);
            return Box::pin(std::future::ready(Err(ErrorKind::ConnectionRefused.into())));
        };
        let patience = self.connections.patience;
        let tls = self.tls.clone();
        Box::pin(async move {
            let (stream, service): (Box<dyn Io>, S) = match tls {
                None => {
                    let (stream, service) = NoDelayAcceptor::new().accept(stream, service).await?;
                    (Box::new(stream), service)
                }
                Some(tls) => {
                    let (stream, service) = tls.accept(stream, service).await?;
                    (Box::new(stream), service)
                }
            };
            Ok((Guarded::new(stream, slot, patience), service))
        })
    }
}

/// A connection that ends when its client is silent before the first request, or takes no answer.
///
/// The HTTP library times the head of an HTTP/1 request only once it knows that the client does
/// not speak HTTP/2, so a client that sends nothing, or half the preface, would stay for ever.
#[derive(Debug)]
pub(super) struct Guarded<S> {
    stream: S,
    opening: Option<Opening>,
    stalled: Option<Pin<Box<Sleep>>>,
    patience: Patience,
    _slot: Slot,
}

/// The time in which the version of HTTP is not known yet.
#[derive(Debug)]
struct Opening {
    seen: usize,
    deadline: Pin<Box<Sleep>>,
}

impl Opening {
    /// Whether the version is known now: the preface is complete, or this is something else.
    fn is_over_after(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            if PREFACE.get(self.seen) != Some(byte) {
                return true;
            }
            self.seen += 1;
        }
        self.seen >= PREFACE.len()
    }
}

impl<S> Guarded<S> {
    fn new(stream: S, slot: Slot, patience: Patience) -> Self {
        Self {
            stream,
            opening: Some(Opening {
                seen: 0,
                deadline: Box::pin(sleep(patience.head)),
            }),
            stalled: None,
            patience,
            _slot: slot,
        }
    }

    /// Lets a write wait only so long.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let patience = self.patience.stall;
        let timer = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        timer
            .as_mut()
            .poll(cx)
            .map(|()| Err(ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let Some(opening) = &mut this.opening else {
            return polled;
        };
        if polled.is_ready() {
            let fresh = buffer.filled().get(before..).unwrap_or_default();
            if opening.is_over_after(fresh) {
                this.opening = None;
            }
            return polled;
        }
        opening
            .deadline
            .as_mut()
            .poll(cx)
            .map(|()| Err(ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.watch(cx, polled)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_flush(cx);
        this.watch(cx, polled)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.watch(cx, polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.watch(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;
    use crate::listen::Crowd;

    fn guarded(stream: DuplexStream) -> Guarded<DuplexStream> {
        let patience = Patience {
            head: Duration::from_secs(10),
            stall: Duration::from_secs(30),
        };
        let crowd = Crowd {
            connections: 1,
            proxies: &[],
        };
        let slot = Connections::new(crowd, patience).take(None).unwrap();
        Guarded::new(stream, slot, patience)
    }

    async fn reads_until_cut_off(sent: &[u8]) -> Option<ErrorKind> {
        let (mut client, server) = duplex(64);
        let mut server = guarded(server);
        client.write_all(sent).await.unwrap();
        let mut buffer = vec![0; sent.len()];
        server.read_exact(&mut buffer).await.unwrap();
        // Time is paused: whichever timer exists fires; the outer one is far away.
        tokio::time::timeout(Duration::from_hours(1), server.read_u8())
            .await
            .ok()
            .and_then(Result::err)
            .map(|error| error.kind())
    }

    #[tokio::test(start_paused = true)]
    async fn silence_before_the_version_is_known_ends_the_connection() {
        for sent in [&b""[..], b"P", b"PRI", &PREFACE[..PREFACE.len() - 1]] {
            assert_eq!(
                reads_until_cut_off(sent).await,
                Some(ErrorKind::TimedOut),
                "{sent:?}"
            );
        }
        for sent in [&b"G"[..], b"PO", PREFACE, b"PRI * HTTP/1"] {
            assert_eq!(reads_until_cut_off(sent).await, None, "{sent:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_cut_off() {
        let (client, server) = duplex(8);
        let mut server = guarded(server);
        let error = server.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(client);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_but_reading_client_stays() {
        let (mut client, server) = duplex(8);
        let mut server = guarded(server);
        let reader = async {
            let mut got = 0;
            while got < 64 {
                tokio::time::sleep(Duration::from_secs(20)).await;
                let mut buffer = [0; 8];
                got += client.read(&mut buffer).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(server.write_all(&[0; 64]), reader);
        assert!(written.is_ok());
    }
}
