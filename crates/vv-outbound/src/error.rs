use std::fmt;
use std::io;

use vv_base::ErrorCode;

use crate::{AddressClass, UrlError};

/// Where a call was when its time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Waiting for one of the places of this host.
    Waiting,
    /// Asking for the addresses of the name.
    Resolving,
    /// Opening the connection.
    Connecting,
    /// Agreeing on TLS.
    Handshake,
    /// The request is on its way; the head of the response is not here.
    Answer,
    /// The head of the response is here, its body is not.
    Body,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting for a free place",
            Self::Resolving => "resolving the name",
            Self::Connecting => "connecting",
            Self::Handshake => "agreeing on TLS",
            Self::Answer => "waiting for the answer",
            Self::Body => "reading the answer",
        })
    }
}

/// Why a call brought no response. No text holds a path, a query, a header or
/// a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The URL is not allowed under the settings of this client.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// A header cannot be sent; a programming error.
    #[error("the request cannot be sent: {0}")]
    Request(&'static str),
    /// All addresses of the name are of a kind that may not be called.
    #[error("the name leads to a {0} address, which may not be called")]
    Refused(AddressClass),
    /// The name has no address, or nobody who knows it answers.
    #[error("the name cannot be resolved")]
    Resolve,
    /// No address accepts connections.
    #[error("cannot connect: {0}")]
    Connect(io::ErrorKind),
    /// Neither system nor settings name a certificate authority.
    #[error("no certificate authority is known; install ca-certificates or set an extra authority")]
    NoAuthorities,
    /// The server did not prove its name.
    #[error("the certificate is not accepted: {0}")]
    Certificate(String),
    /// TLS failed in another way.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The response is not HTTP/1.1, its head is too large, or it broke off.
    #[error("the answer is not valid HTTP: {0}")]
    Protocol(String),
    /// The time of the call is over.
    #[error("took too long while {0}")]
    Deadline(Stage),
}

impl OutboundError {
    /// The stable code for logs, metrics and problem documents.
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::new(match self {
            Self::Url(error) => return error.code(),
            Self::Request(_) => "outbound.request",
            Self::Refused(_) => "outbound.address_refused",
            Self::Resolve => "outbound.resolve",
            Self::Connect(_) => "outbound.connect",
            Self::NoAuthorities => "outbound.no_authorities",
            Self::Certificate(_) => "outbound.certificate",
            Self::Tls(_) => "outbound.tls",
            Self::Protocol(_) => "outbound.protocol",
            Self::Deadline(_) => "outbound.deadline",
        })
    }

    /// Whether the same call may succeed later without anybody changing it.
    pub const fn may_pass_later(&self) -> bool {
        !matches!(self, Self::Url(_) | Self::Request(_) | Self::Refused(_))
    }
}

/// Longest text of a library that goes into an error.
const MAX_REASON: usize = 200;

/// The text of a library's error, cut and without control characters: parts of
/// it may come from the server.
pub(crate) fn reason(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let shown = text.chars().filter(|c| !c.is_control());
    shown.take(MAX_REASON).collect()
}

/// Sorts what went wrong in a handshake.
pub(crate) fn tls_error(error: &io::Error) -> OutboundError {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(inner @ rustls::Error::InvalidCertificate(_)) => {
            OutboundError::Certificate(reason(inner))
        }
        Some(inner) => OutboundError::Tls(reason(inner)),
        None => OutboundError::Tls(reason(error)),
    }
}
