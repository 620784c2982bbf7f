use std::net::IpAddr;
use std::sync::Arc;

use http::Method;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;
use vv_base::Span;

use crate::destination::Destinations;
use crate::error::tls_error;
use crate::exchange::{connect, exchange};
use crate::places::Places;
use crate::resolve::{Resolve, SystemResolver};
use crate::tls::Tls;
use crate::{
    OutboundError, OutboundSettings, OutboundUrl, Response, SettingsError, Stage, UrlError, request,
};

/// The client for everything that leaves the process. Cheap to clone; clones
/// share places and TLS sessions. See the crate's page for the rules.
#[derive(Clone)]
pub struct Outbound {
    inner: Arc<Inner>,
}

struct Inner {
    destinations: Destinations,
    timeout: Span,
    connect_timeout: Span,
    max_response_bytes: usize,
    resolver: Arc<dyn Resolve>,
    places: Arc<Places>,
    tls: Tls,
}

impl Outbound {
    /// A client that asks the system for addresses.
    pub fn new(settings: &OutboundSettings) -> Result<Self, SettingsError> {
        Self::with_resolver(settings, Arc::new(SystemResolver::new()))
    }

    /// A client with another source of addresses. What it answers is checked
    /// like any other answer.
    pub fn with_resolver(
        settings: &OutboundSettings,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self {
            inner: Arc::new(Inner {
                destinations: settings.destinations(),
                timeout: settings.timeout,
                connect_timeout: settings.connect_timeout,
                max_response_bytes: settings.max_response_bytes,
                resolver,
                places: Places::new(settings.max_per_host),
                tls: Tls::new(settings.extra_certificates()?),
            }),
        })
    }

    /// Parses a URL under the settings of this client.
    pub fn url(&self, text: &str) -> Result<OutboundUrl, UrlError> {
        self.inner.destinations.parse(text)
    }

    /// Sends `GET`. Up to 32 headers, 8 KiB together.
    pub async fn get(
        &self,
        url: &OutboundUrl,
        headers: &[(&str, &str)],
    ) -> Result<Response, OutboundError> {
        self.send(Method::GET, url, headers, Vec::new()).await
    }

    /// Sends `POST` with a body of at most [`crate::MAX_REQUEST_BODY`] bytes.
    pub async fn post(
        &self,
        url: &OutboundUrl,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response, OutboundError> {
        self.send(Method::POST, url, headers, body).await
    }

    async fn send(
        &self,
        method: Method,
        url: &OutboundUrl,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response, OutboundError> {
        let result = self.inner.attempt(method, url, headers, body).await;
        let outcome = match &result {
            Ok(response) if response.is_success() => "success",
            Ok(_) => "refused",
            Err(error) => error.code().as_str(),
        };
        metrics::counter!("valueverse_outbound_total", "outcome" => outcome).increment(1);
        match &result {
            Ok(response) => tracing::debug!(%url, status = response.status(), "outbound call"),
            Err(error) => tracing::debug!(%url, %error, "outbound call failed"),
        }
        result
    }
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").finish_non_exhaustive()
    }
}

impl Inner {
    async fn attempt(
        &self,
        method: Method,
        url: &OutboundUrl,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response, OutboundError> {
        // The URL may come from a client with other settings.
        self.destinations.check_host(url)?;
        let request = request::build(method, url, headers, body)?;
        let deadline = Instant::now() + self.timeout.to_duration();
        let _place = timeout_at(deadline, self.places.take(url.authority()))
            .await
            .ok()
            .flatten()
            .ok_or(OutboundError::Deadline(Stage::Waiting))?;
        let found = self.resolve(url, deadline).await?;
        let addresses = self
            .destinations
            .select(url, &found)
            .map_err(|refused| refused.map_or(OutboundError::Resolve, OutboundError::Refused))?;
        let stream = connect(&addresses, self.connect_deadline(deadline)).await?;
        if url.is_plain() {
            exchange(stream, request, self.max_response_bytes, deadline).await
        } else {
            let stream = self.handshake(url, stream, deadline).await?;
            exchange(stream, request, self.max_response_bytes, deadline).await
        }
    }

    /// Asks once; the connection goes to one of these addresses.
    async fn resolve(
        &self,
        url: &OutboundUrl,
        deadline: Instant,
    ) -> Result<Vec<IpAddr>, OutboundError> {
        let name = match url.name() {
            Ok(name) => name,
            Err(address) => return Ok(vec![address]),
        };
        timeout_at(deadline, self.resolver.resolve(name))
            .await
            .map_err(|_| OutboundError::Deadline(Stage::Resolving))?
            .map_err(|_| OutboundError::Resolve)
    }

    async fn handshake(
        &self,
        url: &OutboundUrl,
        stream: TcpStream,
        deadline: Instant,
    ) -> Result<TlsStream<TcpStream>, OutboundError> {
        let connector = self.tls.connector().await?;
        let handshake = connector.connect(url.server_name().clone(), stream);
        timeout_at(self.connect_deadline(deadline), handshake)
            .await
            .map_err(|_| OutboundError::Deadline(Stage::Handshake))?
            .map_err(|error| tls_error(&error))
    }

    fn connect_deadline(&self, deadline: Instant) -> Instant {
        deadline.min(Instant::now() + self.connect_timeout.to_duration())
    }
}
