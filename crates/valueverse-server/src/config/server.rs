use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use url::{Host, Url};

use super::Environment;
use super::section::{Checks, Section};
use super::value::{ByteSize, Period, SecretText};
use super::weakness::refuse_weak;

/// Where and how the server listens.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerConfig {
    /// Address and port; port 0 takes a free one. Also `--listen`. Default: `127.0.0.1:8080`.
    #[serde(deserialize_with = "address")]
    #[schemars(with = "String")]
    pub(crate) listen: SocketAddr,
    /// How browsers reach the service, such as `https://id.example.com`. Default: not set, then
    /// the Host header of the request counts.
    #[serde(deserialize_with = "web_origin")]
    pub(crate) public_origin: Option<String>,
    /// Networks of the reverse proxies whose `X-Forwarded-For` is believed, such as
    /// `10.0.0.0/8`. Default: none.
    #[serde(deserialize_with = "networks")]
    #[schemars(with = "Vec<String>")]
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// PEM file with the certificate chain, the server's own first. Default: not set, then
    /// the server speaks plain HTTP.
    pub(crate) tls_cert: Option<PathBuf>,
    /// PEM file with the private key of the certificate. Default: not set.
    pub(crate) tls_key: Option<PathBuf>,
    /// Largest request body. From 1 KiB to 64 MiB. Default: `64KiB`.
    pub(crate) body_limit: ByteSize,
    /// How long a request may take. From 1 second to 10 minutes. Default: `30s`.
    pub(crate) request_timeout: Period,
    /// How long requests may still run after the signal to stop. Up to 10 minutes. Default: `10s`.
    pub(crate) shutdown_grace: Period,
    /// Open connections at most; further ones are closed at once. One address, or one IPv6 /64, holds an
    /// eighth of them at most, trusted proxies excepted. Default: `4096`.
    pub(crate) max_connections: u32,
    /// Address of a listener of its own for `/metrics`. Default: not set, then the main listener has it.
    #[serde(deserialize_with = "optional_address")]
    #[schemars(with = "Option<String>")]
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// Bearer token that `/metrics` asks for. Default: not set, then the main listener answers only
    /// clients on the machine itself, and nobody when `trusted_proxies` is set.
    pub(crate) metrics_token: Option<SecretText>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_origin: None,
            trusted_proxies: Vec::new(),
            tls_cert: None,
            tls_key: None,
            body_limit: ByteSize::kib(64),
            request_timeout: Period::seconds(30),
            shutdown_grace: Period::seconds(10),
            max_connections: 4096,
            metrics_listen: None,
            metrics_token: None,
        }
    }
}

impl ServerConfig {
    /// Certificate and key, if the server itself speaks TLS.
    pub(crate) fn tls(&self) -> Option<(&PathBuf, &PathBuf)> {
        self.tls_cert.as_ref().zip(self.tls_key.as_ref())
    }

    fn check_tls(&self, checks: &mut Checks<'_>) {
        match (&self.tls_cert, &self.tls_key) {
            (Some(_), None) => checks.error(
                "tls_key",
                "is missing while tls_cert is set",
                "set both or neither",
            ),
            (None, Some(_)) => checks.error(
                "tls_cert",
                "is missing while tls_key is set",
                "set both or neither",
            ),
            _ => {}
        }
        for (key, file) in [("tls_cert", &self.tls_cert), ("tls_key", &self.tls_key)] {
            if file.as_ref().is_some_and(|file| !file.is_file()) {
                checks.error(key, "names no file", "give the path of a PEM file");
            }
        }
    }

    fn check_production(&self, checks: &mut Checks<'_>) {
        let open = !self.listen.ip().is_loopback();
        if open && self.tls_cert.is_none() && self.trusted_proxies.is_empty() {
            checks.error(
                "listen",
                "plain HTTP on an address that others can reach",
                "set tls_cert and tls_key, or name the TLS proxy in trusted_proxies, or listen on 127.0.0.1",
            );
        }
        match &self.public_origin {
            None => checks.warn(
                "public_origin",
                "is not set",
                "set it to the address that people type, such as https://id.example.com",
            ),
            Some(origin) if origin.starts_with("http://") && !is_local(origin) => {
                checks.error("public_origin", "is plain HTTP", "use https://");
            }
            Some(_) => {}
        }
        if self
            .metrics_listen
            .is_some_and(|address| !address.ip().is_loopback())
            && self.metrics_token.is_none()
        {
            checks.warn(
                "metrics_listen",
                "others can reach it and no token is asked for",
                "set metrics_token or let a firewall guard it",
            );
        }
    }
}

impl Section for ServerConfig {
    const NAME: &'static str = "server";
    const SECRETS: &'static [&'static str] = &["metrics_token"];

    fn check(&self, environment: Environment, checks: &mut Checks<'_>) {
        self.check_tls(checks);
        let size = (ByteSize::kib(1), ByteSize::kib(64 * 1024));
        checks.range("body_limit", &self.body_limit, &size.0, &size.1);
        checks.range(
            "request_timeout",
            &self.request_timeout,
            &Period::seconds(1),
            &Period::minutes(10),
        );
        checks.range(
            "shutdown_grace",
            &self.shutdown_grace,
            &Period::seconds(0),
            &Period::minutes(10),
        );
        checks.range("max_connections", &self.max_connections, &1, &1_000_000);
        if self.trusted_proxies.iter().any(|net| net.prefix_len() == 0) {
            checks.error(
                "trusted_proxies",
                "trusts every address",
                "name only the networks of your own proxies",
            );
        }
        if self
            .metrics_listen
            .is_some_and(|address| address == self.listen && address.port() != 0)
        {
            checks.error(
                "metrics_listen",
                "is the same address as listen",
                "choose another port",
            );
        }
        if environment.is_production() {
            self.check_production(checks);
            refuse_weak("metrics_token", self.metrics_token.as_ref(), checks);
        }
    }
}

fn is_local(origin: &str) -> bool {
    let url = Url::parse(origin).ok();
    match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_address(&text)
        .ok_or_else(|| D::Error::custom("expected an IP address and port such as 127.0.0.1:8080"))
}

fn optional_address<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    address(deserializer).map(Some)
}

fn parse_address(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    match text.strip_prefix("localhost:") {
        Some(port) => Some(SocketAddr::from(([127, 0, 0, 1], port.parse().ok()?))),
        None => text.parse().ok(),
    }
}

fn web_origin<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong =
        || D::Error::custom("expected scheme and host only, such as https://id.example.com");
    let url = Url::parse(text.trim()).map_err(|_| wrong())?;
    let bare = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    if bare {
        Ok(Some(url.origin().ascii_serialization()))
    } else {
        Err(wrong())
    }
}

/// Networks, or single addresses, as texts.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts
        .iter()
        .map(|text| {
            let text = text.trim();
            text.parse::<IpNet>()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| {
                    D::Error::custom(format!("`{text}` is not a network such as 10.0.0.0/8"))
                })
        })
        .collect()
}
