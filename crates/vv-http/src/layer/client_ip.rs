//! The client's address as far as trusted proxies tell.
//!
//! The list of hops is read from the right, where the nearest proxy wrote:
//! past every trusted hop, to the first address that is not one of our
//! proxies. Everything left of it the client may have invented.

use std::net::{IpAddr, SocketAddr};

use http::header::{FORWARDED, USER_AGENT};
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use vv_base::Source;

use super::settings::ForwardHeader;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Most hops looked at.
const MAX_HOPS: usize = 32;
/// Longest user agent kept, in characters.
const MAX_USER_AGENT: usize = 256;

/// Who is at the other end, and how they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The client's address; an IPv4 address is never in its IPv6 form.
    pub ip: Option<IpAddr>,
    /// Whether a trusted proxy says that the client used https.
    pub https: bool,
}

/// Finds the client behind `peer`, the other end of the connection.
pub fn resolve(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    trusted: &[IpNet],
    header: ForwardHeader,
) -> Client {
    let peer = peer.map(|ip| ip.to_canonical());
    let Some(nearest) = peer.filter(|ip| is_trusted(*ip, trusted)) else {
        return Client {
            ip: peer,
            https: false,
        };
    };
    let (ip, proto) = match header {
        ForwardHeader::XForwardedFor => (
            walk(
                nearest,
                trusted,
                from_right(headers, &X_FORWARDED_FOR).map(hop),
            ),
            from_right(headers, &X_FORWARDED_PROTO).next(),
        ),
        ForwardHeader::Forwarded => (
            walk(
                nearest,
                trusted,
                from_right(headers, &FORWARDED).map(|element| hop(parameter(element, "for")?)),
            ),
            from_right(headers, &FORWARDED)
                .next()
                .and_then(|element| parameter(element, "proto")),
        ),
    };
    Client {
        ip: Some(ip),
        https: proto.is_some_and(|proto| proto.eq_ignore_ascii_case("https")),
    }
}

/// The source of a request for the audit trail.
pub fn source(ip: Option<IpAddr>, headers: &HeaderMap) -> Source {
    let user_agent = headers.get(USER_AGENT).map(|value| {
        String::from_utf8_lossy(value.as_bytes())
            .chars()
            .take(MAX_USER_AGENT)
            .collect()
    });
    Source { ip, user_agent }
}

fn is_trusted(ip: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&ip))
}

/// Goes from hop to hop until one is not ours. A hop that cannot be read ends
/// the walk at the last good one: what lies beyond is hearsay.
fn walk(nearest: IpAddr, trusted: &[IpNet], hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
    let mut last = nearest;
    for hop in hops.take(MAX_HOPS) {
        let Some(ip) = hop else {
            return last;
        };
        last = ip;
        if !is_trusted(ip, trusted) {
            return last;
        }
    }
    last
}

/// The comma-separated items of all lines of a header, last one first. A line
/// that is not text yields one empty item, which no reader accepts.
fn from_right<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let mut lines: Vec<&str> = headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    lines.reverse();
    lines
        .into_iter()
        .flat_map(|line| line.rsplit(','))
        .map(str::trim)
}

/// Reads `ip`, `ip:port`, `[ip]` or `[ip]:port`.
fn hop(text: &str) -> Option<IpAddr> {
    let ip = if let Ok(ip) = text.parse::<IpAddr>() {
        ip
    } else if let Ok(address) = text.parse::<SocketAddr>() {
        address.ip()
    } else {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        IpAddr::V6(inner.parse().ok()?)
    };
    Some(ip.to_canonical())
}

/// One parameter of an element of `Forwarded`, without its quotes. A second
/// one of the same name makes the element unreadable, and so does a quoted
/// comma, which the split above cut in two.
fn parameter<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let mut found = None;
    for pair in element.split(';') {
        let (key, value) = pair.split_once('=')?;
        if key.trim().eq_ignore_ascii_case(name) {
            if found.is_some() {
                return None;
            }
            found = Some(unquote(value.trim())?);
        }
    }
    found
}

fn unquote(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').filter(|inner| !inner.contains('"')),
        None => Some(value).filter(|plain| !plain.contains('"')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn nets() -> Vec<IpNet> {
        ["10.0.0.0/8", "fd00::/8"]
            .iter()
            .map(|net| net.parse().unwrap())
            .collect()
    }

    fn find(peer: &str, name: &'static str, lines: &[&str], header: ForwardHeader) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_str(line).unwrap());
        }
        resolve(Some(peer.parse().unwrap()), &headers, &nets(), header)
            .ip
            .unwrap()
            .to_string()
    }

    #[test]
    fn x_forwarded_for() {
        let table: &[(&str, &[&str], &str)] = &[
            // An untrusted peer says what it likes.
            ("203.0.113.9", &["1.1.1.1"], "203.0.113.9"),
            ("203.0.113.9", &["1.1.1.1, 10.0.0.1"], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            // Whatever the client put in front stays behind its own address.
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["10.9.9.9, 203.0.113.9"], "203.0.113.9"),
            (
                "10.0.0.1",
                &["1.1.1.1, 203.0.113.9, 10.0.0.2"],
                "203.0.113.9",
            ),
            // Several lines are one list.
            (
                "10.0.0.1",
                &["1.1.1.1", "203.0.113.9", "10.0.0.2"],
                "203.0.113.9",
            ),
            // Only our own hops: the leftmost.
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            // An unreadable hop ends the walk.
            ("10.0.0.1", &["203.0.113.9, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, nonsense, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["203.0.113.9,"], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            // Spellings.
            ("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("fd00::1", &["203.0.113.9"], "203.0.113.9"),
            // IPv4 in IPv6 is IPv4, at the peer and in the list.
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            ("::ffff:203.0.113.9", &["1.1.1.1"], "203.0.113.9"),
            ("10.0.0.1", &["1.1.1.1, ::ffff:10.0.0.2"], "1.1.1.1"),
        ];
        for (peer, lines, expected) in table {
            let found = find(peer, "x-forwarded-for", lines, ForwardHeader::XForwardedFor);
            assert_eq!(found, *expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn forwarded() {
        let table: &[(&str, &[&str], &str)] = &[
            ("203.0.113.9", &["for=1.1.1.1"], "203.0.113.9"),
            (
                "10.0.0.1",
                &["for=1.1.1.1, for=203.0.113.9;proto=https"],
                "203.0.113.9",
            ),
            (
                "10.0.0.1",
                &["For=\"[2001:db8::1]:4711\";by=10.0.0.1"],
                "2001:db8::1",
            ),
            ("10.0.0.1", &["for=203.0.113.9, for=_hidden"], "10.0.0.1"),
            ("10.0.0.1", &["for=203.0.113.9, for=unknown"], "10.0.0.1"),
            ("10.0.0.1", &["for=203.0.113.9;for=1.1.1.1"], "10.0.0.1"),
            ("10.0.0.1", &["proto=https"], "10.0.0.1"),
            (
                "10.0.0.1",
                &["for=1.1.1.1;x=\"a, for=2.2.2.2\""],
                "10.0.0.1",
            ),
        ];
        for (peer, lines, expected) in table {
            let found = find(peer, "forwarded", lines, ForwardHeader::Forwarded);
            assert_eq!(found, *expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn only_the_configured_header_is_read() {
        let found = find(
            "10.0.0.1",
            "forwarded",
            &["for=1.1.1.1"],
            ForwardHeader::XForwardedFor,
        );
        assert_eq!(found, "10.0.0.1");
        let found = find(
            "10.0.0.1",
            "x-forwarded-for",
            &["1.1.1.1"],
            ForwardHeader::Forwarded,
        );
        assert_eq!(found, "10.0.0.1");
    }

    #[test]
    fn the_scheme_is_believed_from_trusted_peers_only() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-proto", HeaderValue::from_static("http, https"));
        let https = |peer: &str| {
            let peer = Some(peer.parse().unwrap());
            resolve(peer, &headers, &nets(), ForwardHeader::XForwardedFor).https
        };
        assert!(https("10.0.0.1"));
        assert!(!https("203.0.113.9"));
        assert!(!resolve(None, &headers, &nets(), ForwardHeader::XForwardedFor).https);
    }

    #[test]
    fn long_lists_end() {
        let many = ["10.0.0.2"; 1_000].join(",");
        let lines = [format!("1.1.1.1,{many}")];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let found = find(
            "10.0.0.1",
            "x-forwarded-for",
            &lines,
            ForwardHeader::XForwardedFor,
        );
        assert_eq!(found, "10.0.0.2");
    }

    #[test]
    fn user_agents_are_cut() {
        let mut headers = HeaderMap::new();
        let long = "\u{e9}".repeat(500);
        headers.insert(
            USER_AGENT,
            HeaderValue::from_bytes(long.as_bytes()).unwrap(),
        );
        let kept = source(None, &headers).user_agent.unwrap();
        assert_eq!(kept, "\u{e9}".repeat(256));
    }
}
