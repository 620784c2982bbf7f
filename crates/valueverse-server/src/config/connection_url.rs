use std::fmt;
use std::net::IpAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

use super::value::{REDACTED, SecretText};

/// Address of a database or cache, password included. Shown without the password.
/// Several nodes may be given, separated by commas; the later ones may leave out the scheme.
#[derive(Clone)]
pub(crate) struct ConnectionUrl {
    text: SecretText,
    nodes: Option<Vec<Url>>,
}

impl ConnectionUrl {
    pub(crate) fn new(text: String) -> Self {
        let nodes = split_nodes(&text);
        Self {
            text: SecretText::new(text),
            nodes,
        }
    }

    /// The text as given, for the driver.
    pub(crate) const fn secret(&self) -> &SecretText {
        &self.text
    }

    /// What stands before the first colon.
    pub(crate) fn scheme(&self) -> &str {
        self.text
            .expose()
            .split_once(':')
            .map_or("", |(scheme, _)| scheme)
    }

    /// The text after the scheme.
    pub(crate) fn rest(&self) -> &str {
        self.text
            .expose()
            .split_once(':')
            .map_or("", |(_, rest)| rest)
    }

    /// The nodes, unless the text is no URL.
    pub(crate) fn nodes(&self) -> Option<&[Url]> {
        self.nodes.as_deref()
    }

    /// Whether every node is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        self.nodes
            .as_ref()
            .is_some_and(|nodes| nodes.iter().all(node_is_local))
    }

    /// Whether the first node carries a password. Drivers take it from there for all.
    pub(crate) fn has_password(&self) -> bool {
        let first = self.nodes.as_ref().and_then(|nodes| nodes.first());
        first.is_some_and(|url| {
            url.password().is_some_and(|p| !p.is_empty()) || query(url, "password").is_some()
        })
    }

    /// A query parameter of the first node.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        query(self.nodes.as_ref()?.first()?, name)
    }

    /// The address without anything secret.
    pub(crate) fn shown(&self) -> String {
        let Some(nodes) = &self.nodes else {
            return REDACTED.to_owned();
        };
        nodes.iter().map(show_node).collect::<Vec<_>>().join(",")
    }
}

fn split_nodes(text: &str) -> Option<Vec<Url>> {
    let (scheme, _) = text.split_once(':')?;
    if !scheme.starts_with("redis") {
        return Url::parse(text).ok().map(|url| vec![url]);
    }
    text.split(',')
        .map(|part| {
            let part = part.trim();
            if part.contains("://") {
                Url::parse(part).ok()
            } else {
                Url::parse(&format!("{scheme}://{part}")).ok()
            }
        })
        .collect()
}

fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn node_is_local(url: &Url) -> bool {
    let host = query(url, "host").or_else(|| url.host_str().map(ToOwned::to_owned));
    let Some(host) = host.filter(|host| !host.is_empty()) else {
        return true;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    // PostgreSQL takes a host that starts with a slash for the folder of a Unix socket.
    host.starts_with('/')
        || host == "localhost"
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn show_node(url: &Url) -> String {
    let mut shown = format!("{}://", url.scheme());
    if !url.username().is_empty() {
        shown.push_str(url.username());
    }
    if url.password().is_some() {
        shown.push(':');
        shown.push_str(REDACTED);
    }
    if !url.username().is_empty() || url.password().is_some() {
        shown.push('@');
    }
    shown.push_str(url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        shown.push(':');
        shown.push_str(&port.to_string());
    }
    shown.push_str(url.path());
    // Parameters may hold a password under several names, so only the harmless one is shown.
    if let Some(mode) = query(url, "sslmode") {
        shown.push_str("?sslmode=");
        shown.push_str(&mode);
    }
    shown
}

impl fmt::Debug for ConnectionUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Serialize for ConnectionUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

impl<'de> Deserialize<'de> for ConnectionUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl JsonSchema for ConnectionUrl {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ConnectionUrl".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "writeOnly": true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> ConnectionUrl {
        ConnectionUrl::new(text.to_owned())
    }

    #[test]
    fn the_password_is_never_shown() {
        let full =
            url("postgres://app:hunter2@db.example:5433/vv?sslmode=require&password=hunter3");
        assert_eq!(
            full.shown(),
            "postgres://app:«set»@db.example:5433/vv?sslmode=require"
        );
        assert_eq!(url("not a url hunter2").shown(), REDACTED);
        assert_eq!(
            url("redis://:hunter2@r1:6379,r2:6379").shown(),
            "redis://:«set»@r1:6379,redis://r2:6379"
        );
        assert!(!format!("{full:?}").contains("hunter"));
    }

    #[test]
    fn local_means_every_node_on_this_machine() {
        for text in [
            "redis://127.0.0.1",
            "redis://[::1]:6379/0",
            "redis://localhost,127.0.0.2:7000",
            "postgres:///vv?host=/run/postgresql",
            "postgres:///vv",
        ] {
            assert!(url(text).is_local(), "{text}");
        }
        for text in [
            "redis://10.0.0.1",
            "redis://localhost,10.0.0.1:7000",
            "postgres://localhost/vv?host=db.example",
            "redis://localhost.evil.example",
            "nonsense",
        ] {
            assert!(!url(text).is_local(), "{text}");
        }
    }
}
