use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Environment;
use super::section::{Checks, Section};
use super::server::networks;
use super::value::SecretText;

/// Calls to other machines. Mail and SMS are read and checked now, so that existing deployments
/// start unchanged; nothing is sent until the features that send mail and SMS exist.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OutboundConfig {
    /// Mail server. Also `SMTP_HOST`. Default: not set.
    pub(crate) smtp_host: Option<String>,
    /// Its port. Also `SMTP_PORT`. Default: `587`.
    pub(crate) smtp_port: u16,
    /// User at the mail server. Also `SMTP_USERNAME`. Default: not set.
    pub(crate) smtp_username: Option<String>,
    /// Password at the mail server. Also `SMTP_PASSWORD`. Default: not set.
    pub(crate) smtp_password: Option<SecretText>,
    /// Sender of mails. Also `SMTP_FROM_EMAIL`. Default: not set.
    pub(crate) smtp_from_email: Option<String>,
    /// Account at Twilio. Also `TWILIO_ACCOUNT_SID`. Default: not set.
    pub(crate) twilio_account_sid: Option<String>,
    /// Token of the account. Also `TWILIO_AUTH_TOKEN`. Default: not set.
    pub(crate) twilio_auth_token: Option<SecretText>,
    /// Sender of SMS in E.164 form, such as `+15005550006`. Also `TWILIO_FROM_NUMBER`. Default: not set.
    pub(crate) twilio_from_number: Option<String>,
    /// Networks that webhooks and witnesses may be in although they are not public, such as
    /// `10.20.0.0/16`. Default: none.
    #[serde(deserialize_with = "networks")]
    #[schemars(with = "Vec<String>")]
    pub(crate) allow_networks: Vec<IpNet>,
    /// Whether webhooks and witnesses on this machine may be called over plain `http://`; for
    /// development. Default: `false`.
    pub(crate) allow_http_loopback: bool,
    /// PEM file with certificates of authorities that are trusted besides those of the system.
    /// Default: not set.
    pub(crate) extra_ca: Option<PathBuf>,
}

impl Default for OutboundConfig {
    fn default() -> Self {
        Self {
            smtp_host: None,
            smtp_port: 587,
            smtp_username: None,
            smtp_password: None,
            smtp_from_email: None,
            twilio_account_sid: None,
            twilio_auth_token: None,
            twilio_from_number: None,
            allow_networks: Vec::new(),
            allow_http_loopback: false,
            extra_ca: None,
        }
    }
}

impl OutboundConfig {
    fn check_smtp(&self, checks: &mut Checks<'_>) {
        if self.smtp_port == 0 {
            checks.error(
                "smtp_port",
                "0 is not a port",
                "use 587, or 465 for TLS from the start",
            );
        }
        if self.smtp_host.is_none() {
            let dependents = [
                ("smtp_username", self.smtp_username.is_some()),
                ("smtp_password", self.smtp_password.is_some()),
            ];
            for (key, _) in dependents.iter().filter(|(_, set)| *set) {
                checks.error(
                    key,
                    "is set while smtp_host is not",
                    "set SMTP_HOST, or remove it",
                );
            }
        } else if self.smtp_from_email.is_none() {
            checks.warn(
                "smtp_from_email",
                "is missing while smtp_host is set",
                "set SMTP_FROM_EMAIL to the sender's address",
            );
        }
        match (&self.smtp_username, &self.smtp_password) {
            (Some(_), None) => checks.error(
                "smtp_password",
                "is missing while smtp_username is set",
                "set both or neither",
            ),
            (None, Some(_)) => checks.error(
                "smtp_username",
                "is missing while smtp_password is set",
                "set both or neither",
            ),
            _ => {}
        }
        if self
            .smtp_from_email
            .as_deref()
            .is_some_and(|address| !looks_like_email(address))
        {
            checks.error(
                "smtp_from_email",
                "is not an e-mail address",
                "write it like security@example.com",
            );
        }
    }

    fn check_twilio(&self, checks: &mut Checks<'_>) {
        let parts = [
            ("twilio_account_sid", self.twilio_account_sid.is_some()),
            ("twilio_auth_token", self.twilio_auth_token.is_some()),
            ("twilio_from_number", self.twilio_from_number.is_some()),
        ];
        if parts.iter().any(|(_, set)| *set) {
            for (key, _) in parts.iter().filter(|(_, set)| !set) {
                checks.error(
                    key,
                    "is missing while other Twilio settings are set",
                    "set all three or none",
                );
            }
        }
        let number = self.twilio_from_number.as_deref();
        if number.is_some_and(|number| !looks_like_e164(number)) {
            checks.error(
                "twilio_from_number",
                "is not a number in E.164 form",
                "write it like +15005550006",
            );
        }
    }
}

impl OutboundConfig {
    fn check_calls(&self, environment: Environment, checks: &mut Checks<'_>) {
        if self.allow_networks.iter().any(|net| net.prefix_len() == 0) {
            checks.error(
                "allow_networks",
                "allows every address",
                "name only the networks with receivers of your own",
            );
        }
        if environment.is_production() && self.allow_http_loopback {
            checks.error(
                "allow_http_loopback",
                "is for development",
                "remove it and give the receiver a certificate",
            );
        }
        if self.extra_ca.as_ref().is_some_and(|file| !file.is_file()) {
            checks.error("extra_ca", "names no file", "give the path of a PEM file");
        }
    }
}

impl Section for OutboundConfig {
    const NAME: &'static str = "outbound";
    const SECRETS: &'static [&'static str] = &["smtp_password", "twilio_auth_token"];

    fn check(&self, environment: Environment, checks: &mut Checks<'_>) {
        self.check_smtp(checks);
        self.check_twilio(checks);
        self.check_calls(environment, checks);
    }
}

/// A typing mistake is caught here; the mail server has the last word.
fn looks_like_email(text: &str) -> bool {
    let clean = text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    let parts = text.rsplit_once('@');
    clean && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

fn looks_like_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    })
}
