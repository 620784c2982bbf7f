//! Which host names the service answers under. Refusing others stops DNS
//! rebinding and links built from a forged Host header.

use http::Version;
use http::header::HOST;
use http::request::Parts;
use vv_base::ErrorCode;

use crate::problem::Problem;

/// Paths asked by load balancers and proxies under whatever name they know.
const EXEMPT: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/forward-auth"];

/// A host and an optional port, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// Reads `host[:port]`; refuses user names, empty hosts and bad ports.
    pub fn parse(text: &str) -> Option<Self> {
        let parsed: http::uri::Authority = text.parse().ok()?;
        if text.contains('@') || parsed.host().is_empty() {
            return None;
        }
        let after_host = text.get(parsed.host().len()..)?;
        let port = match after_host.strip_prefix(':') {
            Some(port) => Some(port.parse().ok()?),
            None if after_host.is_empty() => None,
            None => return None,
        };
        Some(Self {
            host: parsed.host().to_ascii_lowercase(),
            port,
        })
    }

    /// Whether both name the same place under the scheme, whose usual port may
    /// be left out.
    pub fn same_under(&self, https: bool, other: &Self) -> bool {
        let usual = if https { 443 } else { 80 };
        self.host == other.host && self.port.unwrap_or(usual) == other.port.unwrap_or(usual)
    }
}

/// The host the request was sent to: HTTP/2's `:authority` or an absolute
/// target first, then the one Host header. `None` if there is none, which only
/// HTTP/1.1 forbids (RFC 9112 §3.2).
pub fn requested(parts: &Parts) -> Result<Option<Authority>, Problem> {
    let ambiguous = || Problem::from_code(ErrorCode::new("request.ambiguous_host"));
    let mut values = parts.headers.get_all(HOST).iter();
    let header = values.next();
    if values.next().is_some() {
        return Err(ambiguous());
    }
    let text = match (parts.uri.authority(), header) {
        (Some(authority), _) => authority.as_str(),
        (None, Some(value)) => value.to_str().map_err(|_| ambiguous())?,
        (None, None) if parts.version == Version::HTTP_11 => return Err(ambiguous()),
        (None, None) => return Ok(None),
    };
    Authority::parse(text).map(Some).ok_or_else(ambiguous)
}

/// Refuses a request for another host, if a public one is set.
pub fn check(
    path: &str,
    https: bool,
    requested: Option<&Authority>,
    public: Option<&Authority>,
    also: &[Authority],
) -> Result<(), Problem> {
    let Some(public) = public else {
        return Ok(());
    };
    if EXEMPT.contains(&path) {
        return Ok(());
    }
    let known = requested.is_some_and(|host| {
        std::iter::once(public)
            .chain(also)
            .any(|allowed| allowed.same_under(https, host))
    });
    if known {
        return Ok(());
    }
    Err(Problem::from_code(ErrorCode::new("request.misdirected")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(text: &str) -> Authority {
        Authority::parse(text).unwrap()
    }

    #[test]
    fn parsing() {
        for good in [
            "a.example",
            "A.example:8080",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:8080",
        ] {
            assert!(Authority::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "u@a.example",
            "a.example:",
            "a.example:x",
            "a.example:70000",
            "a b",
            "a.example/x",
        ] {
            assert_eq!(Authority::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn usual_ports_may_be_left_out() {
        assert!(authority("A.example").same_under(true, &authority("a.example:443")));
        assert!(!authority("a.example").same_under(true, &authority("a.example:80")));
        assert!(authority("a.example:80").same_under(false, &authority("a.example")));
        assert!(!authority("a.example").same_under(true, &authority("b.a.example")));
    }

    #[test]
    fn only_known_hosts() {
        let public = authority("id.example");
        let also = [authority("auth:8080")];
        let ask = |path: &str, host: Option<&str>| {
            let host = host.map(authority);
            check(path, true, host.as_ref(), Some(&public), &also).is_ok()
        };
        assert!(ask("/login", Some("id.example")));
        assert!(ask("/login", Some("ID.example:443")));
        assert!(ask("/login", Some("auth:8080")));
        assert!(!ask("/login", Some("evil.example")));
        assert!(!ask("/login", None));
        assert!(ask("/healthz", Some("10.0.0.7:8080")));
        assert!(check("/login", false, None, None, &also).is_ok());
    }
}
