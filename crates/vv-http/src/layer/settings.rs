use std::time::Duration;

use http::Uri;
use ipnet::IpNet;

use super::host::Authority;

/// Which header the trusted proxies report the client in. Only that one is
/// read: the other one may come from the client itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardHeader {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// How the edge treats requests.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Networks whose forwarding headers are believed. Empty: nobody's.
    pub trusted_proxies: Vec<IpNet>,
    /// The header those proxies write.
    pub forward_header: ForwardHeader,
    /// The address people use, such as `https://id.example.org`. When set,
    /// other host names are refused and cross-site checks compare with it.
    pub public_origin: Option<String>,
    /// Further host names to answer under, such as a service name inside a
    /// cluster; compared without regard to case, with the port if there is one.
    pub allowed_hosts: Vec<String>,
    /// Cookies that sign somebody in. A request that carries none of them
    /// needs no cross-site proof; empty means any cookie counts as one.
    pub credential_cookies: Vec<String>,
    /// Largest body that extractors read, in bytes. A route may set its own
    /// with axum's `DefaultBodyLimit`, up to `hard_body_limit`.
    pub body_limit: usize,
    /// Largest body any route can read, in bytes.
    pub hard_body_limit: usize,
    /// Longest time until the head of the answer is ready.
    pub timeout: Duration,
    /// Most requests worked on at once.
    pub max_in_flight: usize,
    /// Whether the listener itself speaks TLS.
    pub tls: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            forward_header: ForwardHeader::default(),
            public_origin: None,
            allowed_hosts: Vec::new(),
            credential_cookies: Vec::new(),
            body_limit: 64 * 1024,
            hard_body_limit: 16 * 1024 * 1024,
            timeout: Duration::from_secs(30),
            max_in_flight: 4096,
            tls: false,
        }
    }
}

/// A setting that the edge cannot work with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsFault {
    /// The public origin is not `http(s)://host[:port]` without anything after.
    PublicOrigin,
    /// An allowed host is not `host[:port]`.
    AllowedHost(String),
    /// A limit is zero, or the body limit exceeds the hard one.
    Limits,
}

impl std::fmt::Display for SettingsFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::PublicOrigin => f.write_str(
                "the public origin must be http:// or https://, a host and perhaps a port, with nothing after it",
            ),
            Self::AllowedHost(host) => {
                write!(f, "the allowed host {host:?} is not a host name with an optional port")
            }
            Self::Limits => f.write_str(
                "body_limit, timeout and max_in_flight must not be zero, and hard_body_limit not below body_limit",
            ),
        }
    }
}

impl std::error::Error for SettingsFault {}

/// A public origin taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PublicOrigin {
    pub(super) https: bool,
    pub(super) authority: Authority,
}

impl PublicOrigin {
    fn parse(text: &str) -> Result<Self, SettingsFault> {
        let uri: Uri = text.parse().map_err(|_| SettingsFault::PublicOrigin)?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(SettingsFault::PublicOrigin),
        };
        if uri
            .path_and_query()
            .is_some_and(|rest| rest.as_str() != "/")
            || text.contains('#')
        {
            return Err(SettingsFault::PublicOrigin);
        }
        let authority = uri
            .authority()
            .and_then(|authority| Authority::parse(authority.as_str()))
            .ok_or(SettingsFault::PublicOrigin)?;
        Ok(Self { https, authority })
    }
}

impl HttpSettings {
    /// Checks the settings and takes the texts apart.
    pub(super) fn prepare(&self) -> Result<(Option<PublicOrigin>, Vec<Authority>), SettingsFault> {
        if self.body_limit == 0
            || self.hard_body_limit < self.body_limit
            || self.timeout.is_zero()
            || self.max_in_flight == 0
        {
            return Err(SettingsFault::Limits);
        }
        let origin = self
            .public_origin
            .as_deref()
            .map(PublicOrigin::parse)
            .transpose()?;
        let hosts = self
            .allowed_hosts
            .iter()
            .map(|host| {
                Authority::parse(host).ok_or_else(|| SettingsFault::AllowedHost(host.clone()))
            })
            .collect::<Result<_, _>>()?;
        Ok((origin, hosts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Result<Option<PublicOrigin>, SettingsFault> {
        let settings = HttpSettings {
            public_origin: Some(text.into()),
            ..HttpSettings::default()
        };
        settings.prepare().map(|(origin, _)| origin)
    }

    #[test]
    fn public_origins() {
        for good in [
            "https://id.example",
            "http://127.0.0.1:8080",
            "https://[::1]:8443/",
        ] {
            assert!(origin(good).is_ok_and(|o| o.is_some()), "{good}");
        }
        for bad in [
            "id.example",
            "ftp://id.example",
            "https://id.example/path",
            "https://id.example/?x",
            "https://u@id.example",
            "https://id.example/#x",
            "",
        ] {
            assert_eq!(origin(bad), Err(SettingsFault::PublicOrigin), "{bad}");
        }
    }

    #[test]
    fn contradictory_limits_are_refused() {
        let settings = HttpSettings {
            hard_body_limit: 10,
            ..HttpSettings::default()
        };
        assert_eq!(settings.prepare().err(), Some(SettingsFault::Limits));
    }
}
