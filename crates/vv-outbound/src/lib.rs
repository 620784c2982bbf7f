//! The one client for everything that leaves the process: webhooks and
//! witnesses, later SMS, breach lookups and threat feeds. No other crate of
//! the workspace names an HTTP client.
//!
//! Most destinations come from settings of tenants, so the client assumes that
//! a URL was written by somebody who wants to reach what only this machine can
//! reach (server-side request forgery):
//!
//! | Danger | What the client does |
//! |---|---|
//! | internal addresses | refuses everything that is not public ([`AddressClass`]) unless [`OutboundSettings::allow_private`] lists it; metadata services always |
//! | a name that changes its address after the check | resolves once and connects to an address of that answer; Host, SNI and certificate stay the name |
//! | redirects to the inside | never follows one; a 3xx is an answer |
//! | odd spellings (`0x7f.1`, `①27.0.0.1`, `\@`) | judges the parsed host, refuses what parsers would repair |
//! | an ambient proxy | reads no proxy variables and has no proxy setting |
//! | slow or endless answers | one deadline over the whole call, caps on head and body, a few calls per host |
//! | tokens in webhook URLs | path and query appear in no `Display`, `Debug`, error, log or metric |
//!
//! TLS is rustls on aws-lc, 1.2 or 1.3, with the system's certificate
//! authorities (on Debian, package `ca-certificates`) and those of
//! [`OutboundSettings::extra_ca_pem`]. There is no way to switch checks of
//! certificates off. HTTP is 1.1, one connection per call.
//!
//! Nothing is tried twice: callers are jobs, which know when to come again
//! ([`OutboundError::may_pass_later`]) and whether repeating is harmless.
//!
//! ```no_run
//! # async fn example(secret: vv_outbound::WebhookSecret, now: vv_base::Timestamp)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! use vv_outbound::{Outbound, OutboundSettings, SIGNATURE_HEADER, sign_webhook};
//!
//! let outbound = Outbound::new(&OutboundSettings::default())?;
//! let url = outbound.url("https://hooks.example.com/audit?token=…")?;
//! let body = br#"{"size":42}"#.to_vec();
//! let signature = sign_webhook(&secret, now, &body);
//! let headers = [
//!     ("content-type", "application/json"),
//!     (SIGNATURE_HEADER, signature.as_str()),
//! ];
//! let response = outbound.post(&url, &headers, body).await?;
//! assert!(response.is_success());
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod address;
mod client;
mod destination;
mod error;
mod exchange;
mod places;
mod request;
mod resolve;
mod response;
mod settings;
mod tls;
mod webhook;

pub use address::AddressClass;
pub use client::Outbound;
pub use destination::{MAX_URL, OutboundUrl, UrlError};
pub use error::{OutboundError, Stage};
pub use request::MAX_REQUEST_BODY;
pub use resolve::{Resolve, Resolving};
pub use response::{BodyCut, Response};
pub use settings::{OutboundSettings, SettingsError};
pub use webhook::{
    SIGNATURE_HEADER, SIGNATURE_TOLERANCE, SecretLength, SignatureError, WebhookSecret,
    sign_webhook, verify_webhook,
};
