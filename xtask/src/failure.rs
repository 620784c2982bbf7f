use std::fmt::Display;

/// Why a chore ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something to tell: the cause and what to do.
    Message(String),
    /// A program that already told its story ended with this code.
    Exit(u8),
    /// A signal asked us to stop.
    Interrupted(i32),
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }

    /// The code shells expect: 128 + n for signal n.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Message(_) => 1,
            Self::Exit(code) => *code,
            Self::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(130),
        }
    }
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// Puts what was being tried in front of an error.
pub(crate) trait Context<T> {
    fn context(self, what: impl Display) -> Result<T>;
}

impl<T, E: Display> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl Display) -> Result<T> {
        self.map_err(|error| Failure::Message(format!("{what}: {error}")))
    }
}
