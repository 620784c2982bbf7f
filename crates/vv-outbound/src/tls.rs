use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use crate::OutboundError;
use crate::error::reason;

/// TLS sessions remembered for a quicker second handshake.
const SESSIONS: usize = 64;

/// TLS 1.2 and 1.3 by rustls on aws-lc. The authorities of the system are read
/// at the first call, because a node that never calls out need not hold them.
pub(crate) struct Tls {
    extra: Vec<CertificateDer<'static>>,
    connector: OnceCell<TlsConnector>,
}

impl Tls {
    pub(crate) fn new(extra: Vec<CertificateDer<'static>>) -> Self {
        Self {
            extra,
            connector: OnceCell::new(),
        }
    }

    /// Errors: [`OutboundError::NoAuthorities`], which is not remembered.
    pub(crate) async fn connector(&self) -> Result<&TlsConnector, OutboundError> {
        let load = || async {
            let extra = self.extra.clone();
            let build = tokio::task::spawn_blocking(move || connector(extra));
            build
                .await
                .map_err(|error| OutboundError::Tls(reason(&error)))?
        };
        self.connector.get_or_try_init(load).await
    }
}

fn connector(extra: Vec<CertificateDer<'static>>) -> Result<TlsConnector, OutboundError> {
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::warn!(%error, "cannot read a certificate authority of the system");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(system.certs.into_iter().chain(extra));
    if roots.is_empty() {
        return Err(OutboundError::NoAuthorities);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OutboundError::Tls(reason(&error)))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Ok(TlsConnector::from(Arc::new(config)))
}
