use std::num::NonZeroU32;

use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};
use vv_base::{Secret, Span};

use crate::SharedError;

const MAX_URL: usize = 4_096;
const MAX_NODES: usize = 32;
const MAX_PREFIX: usize = 64;

/// How to reach Redis (6 or newer).
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// `redis://` or `rediss://` (TLS) for one server; `redis-cluster://`,
    /// `rediss-cluster://` or several nodes separated by commas for a cluster.
    /// Nodes after the first may be bare `host:port`; they take scheme and
    /// credentials from the first.
    pub url: Secret<String>,
    /// Starts every key and channel; `vv:` unless several installations share a server.
    pub prefix: String,
    /// How many nodes serve; each one's share of a rate limit during an outage
    /// is the limit divided by this.
    pub nodes: NonZeroU32,
    /// Longest wait for the answer to one verb.
    pub command_timeout: Span,
    /// Longest wait for a connection, also for the probe during an outage.
    pub connect_timeout: Span,
}

impl RedisConfig {
    /// The defaults for a URL: prefix `vv:`, two nodes, 50 ms per verb, 250 ms to connect.
    pub fn new(url: Secret<String>) -> Self {
        let milliseconds = |n| {
            let zero = vv_base::Timestamp::from_unix_millis(0);
            vv_base::Timestamp::from_unix_millis(n).since(zero)
        };
        Self {
            url,
            prefix: String::from("vv:"),
            nodes: NonZeroU32::MIN.saturating_add(1),
            command_timeout: milliseconds(50),
            connect_timeout: milliseconds(250),
        }
    }

    pub(crate) fn target(&self) -> Result<Target, SharedError> {
        let bad_prefix = |c: char| !(c.is_ascii_alphanumeric() || ":._-".contains(c));
        if self.prefix.len() > MAX_PREFIX || self.prefix.contains(bad_prefix) {
            return Err(SharedError::Config(
                "the key prefix may hold 64 letters, digits and the signs : . _ -",
            ));
        }
        if self.command_timeout <= Span::seconds(0) || self.connect_timeout <= Span::seconds(0) {
            return Err(SharedError::Config("a timeout must be longer than zero"));
        }
        Target::parse(self.url.expose())
    }
}

/// A URL taken apart.
pub(crate) struct Target {
    pub(crate) nodes: Vec<ConnectionInfo>,
    pub(crate) cluster: bool,
    pub(crate) tls: bool,
}

impl Target {
    fn parse(text: &str) -> Result<Self, SharedError> {
        if text.len() > MAX_URL {
            return Err(SharedError::Config(
                "the URL is longer than 4096 characters",
            ));
        }
        let (scheme, rest) = split_scheme(text.trim())?;
        let mut nodes = Vec::new();
        let mut credentials = "";
        for (index, part) in rest.split(',').map(str::trim).enumerate() {
            if index >= MAX_NODES {
                return Err(SharedError::Config("more than 32 nodes"));
            }
            let part = match split_scheme(part) {
                Ok((other, part)) if index > 0 && other == scheme => part,
                Ok(_) => return Err(SharedError::Config("the nodes have different schemes")),
                Err(_) => part,
            };
            let (own, host) = part.rsplit_once('@').unwrap_or((credentials, part));
            if index == 0 {
                credentials = own;
            }
            nodes.push(node(scheme.tls, own, host)?);
        }
        let cluster = scheme.cluster || nodes.len() > 1;
        if cluster && nodes.iter().any(|node| node.redis_settings().db() != 0) {
            return Err(SharedError::Config("a cluster has only database 0"));
        }
        Ok(Self {
            nodes,
            cluster,
            tls: scheme.tls,
        })
    }

    /// Host and port of the first node, for messages.
    pub(crate) fn endpoint(&self) -> String {
        self.nodes
            .first()
            .map(|node| node.addr().to_string())
            .unwrap_or_default()
    }

    /// Takes credentials out of a library's error text.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for node in &self.nodes {
            let settings = node.redis_settings();
            for secret in [settings.password(), settings.username()]
                .into_iter()
                .flatten()
                .filter(|secret| !secret.is_empty())
            {
                text = text.replace(secret, "…");
            }
        }
        text
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Scheme {
    tls: bool,
    cluster: bool,
}

fn split_scheme(text: &str) -> Result<(Scheme, &str), SharedError> {
    let (scheme, rest) = text.split_once("://").ok_or(SharedError::Config(
        "the URL must start with redis:// or rediss://",
    ))?;
    let (tls, cluster) = match scheme.to_ascii_lowercase().as_str() {
        "redis" => (false, false),
        "rediss" => (true, false),
        "redis-cluster" => (false, true),
        "rediss-cluster" => (true, true),
        _ => {
            return Err(SharedError::Config(
                "the scheme must be redis, rediss, redis-cluster or rediss-cluster",
            ));
        }
    };
    Ok((Scheme { tls, cluster }, rest))
}

fn node(tls: bool, credentials: &str, host: &str) -> Result<ConnectionInfo, SharedError> {
    // Both would switch off checks or change the protocol behind our back.
    if host.contains(['?', '#']) {
        return Err(SharedError::Config("the URL may not have ? or # parts"));
    }
    // Unescaped, these would end the credentials early and name another host.
    if credentials.contains(['/', '?', '#', '@']) {
        return Err(SharedError::Config(
            "the signs / ? # @ , in a user name or password must be percent-encoded",
        ));
    }
    let scheme = if tls { "rediss" } else { "redis" };
    let at = if credentials.is_empty() { "" } else { "@" };
    let info = format!("{scheme}://{credentials}{at}{host}")
        .into_connection_info()
        .map_err(|_| {
            SharedError::Config("expected redis://[user:password@]host[:port][/database]")
        })?;
    // Version 3 of the protocol lets the client notice a lost connection before the next call.
    let settings = info.redis_settings().clone();
    Ok(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> Result<(Vec<String>, bool, bool), SharedError> {
        let target = Target::parse(url)?;
        let nodes = target.nodes.iter().map(|n| {
            let s = n.redis_settings();
            let user = s.username().unwrap_or("-");
            let password = s.password().unwrap_or("-");
            format!("{user}/{password}@{}/{}", n.addr(), s.db())
        });
        Ok((nodes.collect(), target.cluster, target.tls))
    }

    fn nodes(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_server() {
        assert_eq!(
            shown("redis://127.0.0.1"),
            Ok((nodes(&["-/-@127.0.0.1:6379/0"]), false, false))
        );
        assert_eq!(
            shown("rediss://u:p%40x@cache.example:7000/3"),
            Ok((nodes(&["u/p@x@cache.example:7000/3"]), false, true))
        );
        assert_eq!(
            shown("redis://:pw@[::1]:7000"),
            Ok((nodes(&["-/pw@::1:7000/0"]), false, false))
        );
    }

    #[test]
    fn clusters() {
        let two = nodes(&["-/pw@a:1/0", "-/pw@b:2/0"]);
        for url in [
            "redis-cluster://:pw@a:1,b:2",
            "redis://:pw@a:1,b:2",
            "redis://:pw@a:1,redis://:pw@b:2",
            "redis://:pw@a:1, redis://b:2",
        ] {
            assert_eq!(shown(url), Ok((two.clone(), true, false)), "{url}");
        }
        assert_eq!(
            shown("rediss-cluster://a"),
            Ok((nodes(&["-/-@a:6379/0"]), true, true))
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_without_showing_it() {
        let long = format!("redis://{}", "a".repeat(5_000));
        let many = format!("redis://a{}", ",b".repeat(40));
        for url in [
            "",
            "hunter2",
            "http://u:hunter2@a",
            "unix:///run/hunter2.sock",
            "redis://",
            "redis://a,,b",
            "redis://a,rediss://b",
            "redis://u:hunter2@a/x",
            "redis://u:hunter2@a:99999",
            "redis://a:1/1,b:2",
            "rediss://a/#insecure",
            "redis://a?protocol=resp2",
            "redis://hunter2:123#x@a",
            "redis://hunter2/x@a",
            "redis://:hunter2@b@a",
            &long,
            &many,
        ] {
            let error = shown(url).expect_err(url);
            assert!(matches!(error, SharedError::Config(_)), "{url}");
            assert!(!error.to_string().contains("hunter2"), "{url}");
        }
    }

    #[test]
    fn neither_settings_nor_errors_show_the_password() {
        let config = RedisConfig::new(Secret::new(String::from("redis://u:hunter2@a")));
        assert!(!format!("{config:?}").contains("hunter2"));
        let target = config.target().unwrap();
        assert_eq!(target.scrub("bad hunter2!"), "bad …!");
        assert_eq!(target.endpoint(), "a:6379");
    }

    #[test]
    fn prefix_and_timeouts_are_checked() {
        let good = RedisConfig::new(Secret::new(String::from("redis://a")));
        assert!(good.target().is_ok());
        for prefix in ["{x}", "a b", &"p".repeat(65)] {
            let prefix = String::from(prefix);
            let bad = RedisConfig {
                prefix,
                ..good.clone()
            };
            assert!(bad.target().is_err());
        }
        let command_timeout = Span::seconds(0);
        assert!(
            RedisConfig {
                command_timeout,
                ..good
            }
            .target()
            .is_err()
        );
    }
}
