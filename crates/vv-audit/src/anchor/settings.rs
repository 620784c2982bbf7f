use std::path::PathBuf;

use vv_base::Span;
use vv_crypto::{SignatureType, VerifierKey};
use vv_outbound::{Outbound, WebhookSecret};

use crate::error::AuditError;

/// Most sinks of one installation.
const MAX_SINKS: usize = 16;
const MAX_NAME: usize = 64;

/// Where checkpoints of the anchor log go besides the database. Everything is
/// optional.
#[derive(Debug, Clone)]
pub struct AnchorSettings {
    /// How often each sink gets the newest checkpoint, if there is a new one.
    pub interval: Span,
    /// Who gets them.
    pub sinks: Vec<SinkSettings>,
    /// The client for sinks on other machines.
    pub outbound: Option<Outbound>,
}

impl Default for AnchorSettings {
    fn default() -> Self {
        Self {
            interval: Span::minutes(1),
            sinks: Vec::new(),
            outbound: None,
        }
    }
}

/// One place outside that keeps checkpoints.
#[derive(Debug, Clone)]
pub struct SinkSettings {
    /// Names the sink in receipts and events. What it was given is remembered
    /// under this name: give a replacement a new one.
    pub name: String,
    /// What it is.
    pub kind: SinkKind,
}

/// Kinds of sinks.
#[derive(Debug, Clone)]
pub enum SinkKind {
    /// A file that only grows, best on storage this machine cannot rewrite:
    /// one line of JSON per checkpoint, `{"at":…,"size":…,"note":…}`.
    File {
        /// The file, outside of the data folder. Made with mode 0600.
        path: PathBuf,
    },
    /// An address that gets each note by `POST`, signed like every webhook.
    Webhook {
        /// Where to.
        url: String,
        /// The secret shared with the receiver.
        secret: WebhookSecret,
    },
    /// A witness that speaks C2SP tlog-witness.
    Witness {
        /// Its submission prefix.
        url: String,
        /// Its keys. A cosignature of one of them is what counts.
        keys: Vec<VerifierKey>,
    },
}

impl SinkKind {
    /// The word for it in events and answers.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Webhook { .. } => "webhook",
            Self::Witness { .. } => "witness",
        }
    }
}

impl AnchorSettings {
    /// Checks everything that can be checked without the network.
    pub fn validate(&self) -> Result<(), AuditError> {
        if self.interval < Span::seconds(1) || self.interval > Span::days(1) {
            return refuse("the interval of anchors must be 1 second to 1 day");
        }
        if self.sinks.len() > MAX_SINKS {
            return refuse("there can be at most 16 anchor sinks");
        }
        for (index, sink) in self.sinks.iter().enumerate() {
            let spelled = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if sink.name.is_empty() || sink.name.len() > MAX_NAME || !sink.name.chars().all(spelled)
            {
                return refuse("an anchor sink needs a name of 1 to 64 letters, digits, - _ .");
            }
            let mut others = self.sinks.iter().skip(index + 1);
            if others.any(|other| other.name == sink.name) {
                return refuse("two anchor sinks have the same name");
            }
            self.validate_kind(&sink.kind)?;
        }
        Ok(())
    }

    fn validate_kind(&self, kind: &SinkKind) -> Result<(), AuditError> {
        let url = match kind {
            SinkKind::File { path } if path.is_absolute() => return Ok(()),
            SinkKind::File { .. } => return refuse("the file of an anchor sink needs a full path"),
            SinkKind::Webhook { url, .. } => url,
            SinkKind::Witness { url, keys } => {
                let cosigns = |key: &VerifierKey| key.signature_type() != SignatureType::Ed25519;
                if keys.is_empty() || !keys.iter().all(cosigns) {
                    return refuse(
                        "a witness needs at least one key, all of them for cosignatures",
                    );
                }
                url
            }
        };
        let Some(outbound) = &self.outbound else {
            return refuse("anchor sinks with an address need the client for outbound calls");
        };
        match outbound.url(url) {
            Ok(_) => Ok(()),
            Err(_) => refuse("the address of an anchor sink cannot be called; it must be https"),
        }
    }
}

const fn refuse(why: &'static str) -> Result<(), AuditError> {
    Err(AuditError::Setting(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, path: &str) -> SinkSettings {
        SinkSettings {
            name: name.to_owned(),
            kind: SinkKind::File { path: path.into() },
        }
    }

    fn with(sinks: Vec<SinkSettings>) -> bool {
        let settings = AnchorSettings {
            sinks,
            ..AnchorSettings::default()
        };
        settings.validate().is_ok()
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        assert!(with(vec![file("a", "/a"), file("b", "/b")]));
        assert!(!with(vec![file("a", "/a"), file("a", "/b")]));
        assert!(!with(vec![file("", "/a")]));
        assert!(!with(vec![file("a b", "/a")]));
        assert!(!with(vec![file("a", "a")]));
        let many = (0..17).map(|n| file(&n.to_string(), "/a")).collect();
        assert!(!with(many));
        let kind = SinkKind::Witness {
            url: "https://witness.example".to_owned(),
            keys: Vec::new(),
        };
        let name = "w".to_owned();
        assert!(!with(vec![SinkSettings { name, kind }]));
        let never = AnchorSettings {
            interval: Span::seconds(0),
            ..AnchorSettings::default()
        };
        assert!(never.validate().is_err());
    }
}
