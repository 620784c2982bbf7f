//! Where calls may go: addresses that were checked, URLs that were parsed.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use http::uri::PathAndQuery;
use ipnet::IpNet;
use rustls::pki_types::ServerName;
use url::{Host, Url};
use vv_base::{ErrorCode, Secret};

use crate::AddressClass;

/// Longest URL, in bytes.
pub const MAX_URL: usize = 2_048;
/// Longest DNS name, RFC 1035 §2.3.4, as text without the final dot.
const MAX_NAME: usize = 253;
/// Addresses of one name that are tried.
const MAX_TRIED: usize = 4;

/// Why a URL was not accepted. No text repeats any part of the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Over [`MAX_URL`] bytes.
    #[error("the URL is longer than {MAX_URL} characters")]
    TooLong,
    /// Not an absolute URL with a valid host, or with blanks, controls or backslashes.
    #[error("the URL is not valid")]
    Malformed,
    /// Neither `https` nor a permitted `http`.
    #[error("the URL must begin with https://")]
    NotHttps,
    /// `user:password@` before the host.
    #[error("the URL must not hold a user name or password; send credentials in a header")]
    Credentials,
    /// `#…` at the end.
    #[error("the URL must not hold a fragment (#…)")]
    Fragment,
    /// Port 0.
    #[error("the URL must not name port 0")]
    Port,
    /// The host is an address that may not be called.
    #[error("the host is a {0} address, which may not be called")]
    Refused(AddressClass),
}

impl UrlError {
    /// The stable code for logs and problem documents.
    pub const fn code(self) -> ErrorCode {
        ErrorCode::new(match self {
            Self::TooLong => "outbound.url_too_long",
            Self::Malformed => "outbound.url_malformed",
            Self::NotHttps => "outbound.url_not_https",
            Self::Credentials => "outbound.url_credentials",
            Self::Fragment => "outbound.url_fragment",
            Self::Port => "outbound.url_port",
            Self::Refused(_) => "outbound.address_refused",
        })
    }
}

/// A URL that passed all checks that need no network. Path and query may hold
/// a token of the receiver, so `Display` and `Debug` end at the port.
#[derive(Clone)]
pub struct OutboundUrl {
    plain: bool,
    host: Host,
    server_name: ServerName<'static>,
    port: u16,
    /// `host` or `host:port` as in the `Host` header.
    authority: String,
    target: Secret<String>,
}

impl OutboundUrl {
    /// The whole URL with path and query, in normal form. It may hold a secret
    /// of the receiver; store it sealed.
    pub fn expose(&self) -> String {
        format!("{self}{}", self.target.expose())
    }

    /// Host and, unless it is the usual one, port. Safe to show.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    pub(crate) const fn is_plain(&self) -> bool {
        self.plain
    }

    pub(crate) const fn server_name(&self) -> &ServerName<'static> {
        &self.server_name
    }

    pub(crate) fn target(&self) -> &str {
        self.target.expose()
    }

    /// The name to resolve, or the address that stands in its place.
    pub(crate) fn name(&self) -> Result<&str, IpAddr> {
        match &self.host {
            Host::Domain(name) => Ok(name),
            Host::Ipv4(address) => Err(IpAddr::V4(*address)),
            Host::Ipv6(address) => Err(IpAddr::V6(*address)),
        }
    }
}

impl fmt::Display for OutboundUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.plain { "http" } else { "https" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

impl fmt::Debug for OutboundUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutboundUrl({self}/…)")
    }
}

/// The rules of one installation.
#[derive(Debug, Clone)]
pub(crate) struct Destinations {
    pub(crate) allow_private: Vec<IpNet>,
    pub(crate) allow_http_loopback: bool,
}

impl Destinations {
    pub(crate) fn parse(&self, text: &str) -> Result<OutboundUrl, UrlError> {
        if text.len() > MAX_URL {
            return Err(UrlError::TooLong);
        }
        // The parser would repair these; others who read the same text might not.
        let repaired = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
        if text.contains(repaired) {
            return Err(UrlError::Malformed);
        }
        let url = Url::parse(text).map_err(|_| UrlError::Malformed)?;
        let plain = match url.scheme() {
            "https" => false,
            "http" if self.allow_http_loopback => true,
            _ => return Err(UrlError::NotHttps),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        let port = url.port_or_known_default().ok_or(UrlError::Malformed)?;
        if port == 0 {
            return Err(UrlError::Port);
        }
        let host = url.host().ok_or(UrlError::Malformed)?.to_owned();
        let parsed = OutboundUrl {
            plain,
            server_name: server_name(&host)?,
            port,
            authority: url
                .port()
                .map_or_else(|| host.to_string(), |port| format!("{host}:{port}")),
            host,
            target: Secret::new(target(&url)?),
        };
        self.check_host(&parsed)?;
        Ok(parsed)
    }

    /// The checks of the host that need no resolver.
    pub(crate) fn check_host(&self, url: &OutboundUrl) -> Result<(), UrlError> {
        match url.name() {
            Ok(name) if url.plain && name != "localhost" => Err(UrlError::NotHttps),
            Ok(_) => Ok(()),
            Err(address) => match self.refusal(url.plain, address) {
                None => Ok(()),
                Some(AddressClass::Public) => Err(UrlError::NotHttps),
                Some(class) => Err(UrlError::Refused(class)),
            },
        }
    }

    /// The class for which an address may not be called, if it may not.
    fn refusal(&self, plain: bool, address: IpAddr) -> Option<AddressClass> {
        let class = AddressClass::of(address);
        let fine = if plain {
            class == AddressClass::Loopback && self.allow_http_loopback
        } else {
            class == AddressClass::Public || (class.may_be_allowed() && self.lists(address))
        };
        (!fine).then_some(class)
    }

    fn lists(&self, address: IpAddr) -> bool {
        self.allow_private.iter().any(|net| net.contains(&address))
    }

    /// The addresses to try, best first: those that may be called, at most
    /// four, and the second from the other family so that one broken family
    /// does not use up all tries.
    ///
    /// Errors: the class of the first refused address if none is left;
    /// `None` if there were none to begin with.
    pub(crate) fn select(
        &self,
        url: &OutboundUrl,
        found: &[IpAddr],
    ) -> Result<Vec<SocketAddr>, Option<AddressClass>> {
        let mut refused = None;
        let mut chosen = Vec::new();
        for &address in found {
            match self.refusal(url.plain, address) {
                Some(class) => refused = refused.or(Some(class)),
                None if chosen.contains(&address) => {}
                None => chosen.push(address),
            }
        }
        let first = *chosen.first().ok_or(refused)?;
        let other = chosen
            .iter()
            .position(|address| address.is_ipv4() != first.is_ipv4());
        if let Some(other) = other {
            let address = chosen.remove(other);
            chosen.insert(1, address);
        }
        chosen.truncate(MAX_TRIED);
        let endpoint = |address| SocketAddr::new(address, url.port);
        Ok(chosen.into_iter().map(endpoint).collect())
    }
}

/// What the certificate must be for.
fn server_name(host: &Host) -> Result<ServerName<'static>, UrlError> {
    match host {
        Host::Domain(name) if name.len() > MAX_NAME || name.ends_with('.') => {
            Err(UrlError::Malformed)
        }
        Host::Domain(name) => ServerName::try_from(name.clone()).map_err(|_| UrlError::Malformed),
        Host::Ipv4(address) => Ok(IpAddr::V4(*address).into()),
        Host::Ipv6(address) => Ok(IpAddr::V6(*address).into()),
    }
}

/// Path and query as the request line carries them.
fn target(url: &Url) -> Result<String, UrlError> {
    let mut target = url.path().to_owned();
    if let Some(query) = url.query() {
        target.push('?');
        target.push_str(query);
    }
    match target.parse::<PathAndQuery>() {
        Ok(_) => Ok(target),
        Err(_) => Err(UrlError::Malformed),
    }
}

#[cfg(test)]
#[path = "destination_tests.rs"]
mod tests;
