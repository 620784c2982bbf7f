use std::num::NonZeroUsize;

use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use vv_base::{ErrorCode, Span};

use crate::destination::Destinations;
use crate::{OutboundUrl, UrlError};

const MAX_TIMEOUT: Span = Span::minutes(5);
const MAX_RESPONSE: usize = 64 << 20;
const MAX_NETWORKS: usize = 256;
const MAX_PEM: usize = 1 << 20;
const MAX_EXTRA_CAS: usize = 256;

/// How calls leave the process.
///
/// There is no proxy setting, and the proxy variables of the environment are
/// not read: a proxy would resolve names a second time, behind the checks.
#[derive(Debug, Clone)]
pub struct OutboundSettings {
    /// The whole call, from waiting for a place to the last byte. At most 5 minutes.
    pub timeout: Span,
    /// Reaching the server, shared evenly by the addresses that are tried; and
    /// once more for the TLS handshake.
    pub connect_timeout: Span,
    /// Bytes of a response body that are kept. At most 64 MiB.
    pub max_response_bytes: usize,
    /// Calls to one host and port at a time; more wait for a place.
    pub max_per_host: NonZeroUsize,
    /// Networks that may be called although they are not public. Metadata
    /// services, multicast, `0.0.0.0/8` and IPv4 inside IPv6 stay closed.
    pub allow_private: Vec<IpNet>,
    /// Whether `http://` may be used towards this machine (`127.0.0.0/8`,
    /// `::1`, `localhost`). For development.
    pub allow_http_loopback: bool,
    /// Certificates of authorities trusted besides those of the system, as PEM.
    pub extra_ca_pem: Option<String>,
}

impl Default for OutboundSettings {
    /// 10 s per call, 3 s to connect, 64 KiB, 8 calls per host, public addresses only.
    fn default() -> Self {
        Self {
            timeout: Span::seconds(10),
            connect_timeout: Span::seconds(3),
            max_response_bytes: 64 << 10,
            max_per_host: NonZeroUsize::MIN.saturating_add(7),
            allow_private: Vec::new(),
            allow_http_loopback: false,
            extra_ca_pem: None,
        }
    }
}

/// Which setting cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// `timeout` or `connect_timeout`.
    #[error("the time limits of outbound calls must be longer than zero and at most 5 minutes")]
    Timeout,
    /// `max_response_bytes`.
    #[error("the limit for responses of outbound calls must be 1 byte to 64 MiB")]
    ResponseLimit,
    /// `allow_private`.
    #[error("more than {MAX_NETWORKS} networks are allowed for outbound calls")]
    Networks,
    /// `extra_ca_pem`.
    #[error("the extra certificate authorities cannot be used: {0}")]
    ExtraCa(&'static str),
}

impl SettingsError {
    /// The stable code for logs and problem documents.
    pub const fn code(self) -> ErrorCode {
        ErrorCode::new("outbound.settings")
    }
}

impl OutboundSettings {
    /// Checks everything that can be checked without the network.
    pub fn validate(&self) -> Result<(), SettingsError> {
        self.extra_certificates()?;
        let usable = |span: Span| span > Span::seconds(0) && span <= MAX_TIMEOUT;
        if !usable(self.timeout) || !usable(self.connect_timeout) {
            return Err(SettingsError::Timeout);
        }
        if self.max_response_bytes == 0 || self.max_response_bytes > MAX_RESPONSE {
            return Err(SettingsError::ResponseLimit);
        }
        if self.allow_private.len() > MAX_NETWORKS {
            return Err(SettingsError::Networks);
        }
        Ok(())
    }

    /// Parses a URL under these settings, for checks before any call is made.
    pub fn url(&self, text: &str) -> Result<OutboundUrl, UrlError> {
        self.destinations().parse(text)
    }

    pub(crate) fn destinations(&self) -> Destinations {
        Destinations {
            allow_private: self.allow_private.clone(),
            allow_http_loopback: self.allow_http_loopback,
        }
    }

    pub(crate) fn extra_certificates(&self) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
        let Some(pem) = &self.extra_ca_pem else {
            return Ok(Vec::new());
        };
        if pem.len() > MAX_PEM {
            return Err(SettingsError::ExtraCa("over 1 MiB"));
        }
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .take(MAX_EXTRA_CAS.saturating_add(1))
            .collect();
        let found = found.map_err(|_| SettingsError::ExtraCa("not valid PEM"))?;
        if found.is_empty() {
            return Err(SettingsError::ExtraCa("no certificate in it"));
        }
        if found.len() > MAX_EXTRA_CAS {
            return Err(SettingsError::ExtraCa("over 256 certificates"));
        }
        let mut trial = rustls::RootCertStore::empty();
        for certificate in &found {
            trial
                .add(certificate.clone())
                .map_err(|_| SettingsError::ExtraCa("not an X.509 certificate"))?;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut OutboundSettings)) -> Result<(), SettingsError> {
        let mut settings = OutboundSettings::default();
        change(&mut settings);
        settings.validate()
    }

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(OutboundSettings::default().validate(), Ok(()));
    }

    #[test]
    fn each_bad_setting_is_named() {
        use SettingsError as E;
        let zero = Span::seconds(0);
        assert_eq!(with(|s| s.timeout = zero), Err(E::Timeout));
        assert_eq!(with(|s| s.timeout = Span::minutes(6)), Err(E::Timeout));
        assert_eq!(with(|s| s.connect_timeout = zero), Err(E::Timeout));
        assert_eq!(with(|s| s.max_response_bytes = 0), Err(E::ResponseLimit));
        let over = MAX_RESPONSE + 1;
        assert_eq!(with(|s| s.max_response_bytes = over), Err(E::ResponseLimit));
        let nets = vec!["10.0.0.0/8".parse().unwrap(); MAX_NETWORKS + 1];
        assert_eq!(with(|s| s.allow_private = nets), Err(E::Networks));
    }

    #[test]
    fn extra_authorities_must_be_certificates() {
        let pem = |text: &str| with(|s| s.extra_ca_pem = Some(text.to_owned()));
        let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let broken = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        let why = |text| match pem(text) {
            Err(SettingsError::ExtraCa(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(why(""), "no certificate in it");
        assert_eq!(why("hello"), "no certificate in it");
        assert_eq!(why(junk), "not an X.509 certificate");
        assert_eq!(why(broken), "not valid PEM");
        assert_eq!(why(&" ".repeat(MAX_PEM + 1)), "over 1 MiB");
        let key = rcgen::generate_simple_self_signed(vec!["a.example".into()]).unwrap();
        assert_eq!(pem(&key.cert.pem()), Ok(()));
    }
}
