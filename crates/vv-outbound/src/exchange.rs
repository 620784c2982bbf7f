//! One connection: reach an address, agree on TLS, ask once, read the answer.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;

use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::error::reason;
use crate::{OutboundError, Response, Stage};

/// Longest head of a response, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// Opens a connection to the first address that accepts one. Every address
/// gets an equal share of the time.
pub(crate) async fn connect(
    addresses: &[SocketAddr],
    deadline: Instant,
) -> Result<TcpStream, OutboundError> {
    let mut failure = OutboundError::Resolve;
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        let now = Instant::now();
        let share = deadline.saturating_duration_since(now) / left.max(1);
        left = left.saturating_sub(1);
        match timeout_at(now + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Only speed depends on it.
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            Ok(Err(error)) => failure = connect_error(&error),
            Err(_) => failure = OutboundError::Deadline(Stage::Connecting),
        }
    }
    Err(failure)
}

fn connect_error(error: &io::Error) -> OutboundError {
    OutboundError::Connect(error.kind())
}

/// Sends the request and reads the answer. Nothing outlives this future: when
/// it is dropped, so is the connection.
pub(crate) async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    limit: usize,
    deadline: Instant,
) -> Result<Response, OutboundError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| protocol(&error))?;
    let mut answer = pin!(async move {
        let response = timeout_at(deadline, sender.send_request(request))
            .await
            .map_err(|_| OutboundError::Deadline(Stage::Answer))?
            .map_err(|error| protocol(&error))?;
        let (head, body) = response.into_parts();
        let (body, cut) = read(body, limit, deadline).await?;
        Ok(Response::new(
            head.status.as_u16(),
            &head.headers,
            body,
            cut,
        ))
    });
    tokio::select! {
        answer = &mut answer => answer,
        // The connection may end first; the answer then has all it will get,
        // or the reason why there is none.
        _ = connection => answer.await,
    }
}

/// The body up to the limit, and whether there was more.
async fn read(
    mut body: Incoming,
    limit: usize,
    deadline: Instant,
) -> Result<(Vec<u8>, bool), OutboundError> {
    let mut kept = Vec::new();
    while let Some(frame) = timeout_at(deadline, body.frame())
        .await
        .map_err(|_| OutboundError::Deadline(Stage::Body))?
    {
        let frame = frame.map_err(|error| protocol(&error))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let room = limit.saturating_sub(kept.len());
        kept.extend_from_slice(data.get(..room).unwrap_or(&data));
        if data.len() > room {
            return Ok((kept, true));
        }
    }
    Ok((kept, false))
}

fn protocol(error: &hyper::Error) -> OutboundError {
    OutboundError::Protocol(reason(error))
}
