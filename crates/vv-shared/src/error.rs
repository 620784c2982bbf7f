use vv_base::ErrorCode;

/// Why a shared-state verb could not do its work. No text holds a key, a
/// payload or a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SharedError {
    /// The settings are wrong; trying again does not help.
    #[error("the Redis settings are not valid: {0}")]
    Config(&'static str),
    /// The first connection failed; trying again may help.
    #[error("cannot reach Redis at {endpoint}: {reason}")]
    Connect {
        /// Host and port of the node, without credentials.
        endpoint: String,
        /// What the client library said, credentials removed.
        reason: String,
    },
    /// Redis does not answer, answers with an error, or the circuit is open.
    #[error("shared state is unavailable: {0}")]
    Unavailable(String),
    /// A table of the in-memory store holds as many keys as it may.
    #[error("shared state is full: too many live keys for {0}")]
    Full(&'static str),
    /// The caller passed something out of range; a programming error.
    #[error("invalid use of shared state: {0}")]
    Invalid(&'static str),
}

impl SharedError {
    /// The stable code for logs and problem documents.
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::new(match self {
            Self::Config(_) => "shared.config",
            Self::Connect { .. } => "shared.connect",
            Self::Unavailable(_) => "shared.unavailable",
            Self::Full(_) => "shared.full",
            Self::Invalid(_) => "shared.invalid",
        })
    }
}
