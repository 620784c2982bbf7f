use std::fmt;

/// A stable, dotted error code such as `session.reuse_detected`. Clients branch
/// on it, so a published code never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCode(&'static str);

impl ErrorCode {
    /// Names a code; called with literals only.
    pub const fn new(code: &'static str) -> Self {
        Self(code)
    }

    /// The text that goes on the wire.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
