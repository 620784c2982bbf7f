use std::fmt;

use http::HeaderMap;

/// Longest header value that is kept.
const MAX_VALUE: usize = 1_024;

/// The headers that are kept.
const KEPT: &[&str] = &[
    "content-type",
    "content-encoding",
    "date",
    "etag",
    "last-modified",
    "retry-after",
];

/// What a server answered. Redirects are answers like any other: nobody
/// follows them.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    cut: bool,
}

/// The body was longer than this client keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer is too large")]
pub struct BodyCut;

impl Response {
    pub(crate) fn new(status: u16, headers: &HeaderMap, body: Vec<u8>, cut: bool) -> Self {
        let kept = KEPT.iter().filter_map(|&name| {
            let value = headers.get(name)?.to_str().ok()?;
            (value.len() <= MAX_VALUE).then(|| (name, value.to_owned()))
        });
        Self {
            status,
            headers: kept.collect(),
            body,
            cut,
        }
    }

    /// The status, 200 to 999.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Whether the status is 2xx.
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// One of `content-type`, `content-encoding`, `date`, `etag`,
    /// `last-modified`, `retry-after`, if the server sent it with at most 1024
    /// printable ASCII characters. Other headers are not kept.
    pub fn header(&self, name: &str) -> Option<&str> {
        let same = |(kept, _): &&(&str, String)| kept.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .find(same)
            .map(|(_, value)| value.as_str())
    }

    /// The whole body, or an error if it was too long to keep. Whoever only
    /// wants to know that a message arrived looks at the status.
    pub fn body(&self) -> Result<&[u8], BodyCut> {
        if self.cut {
            Err(BodyCut)
        } else {
            Ok(&self.body)
        }
    }

    /// What was kept of the body, for messages to people.
    pub fn body_start(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("cut", &self.cut)
            .finish_non_exhaustive()
    }
}
