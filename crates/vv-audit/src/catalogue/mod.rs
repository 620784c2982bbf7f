//! The event kinds this product writes, and those that applications may write.
//! One list answers "what is ever recorded?"; `docs/audit-events.md` is made
//! from it.

mod event_type;
mod list;
mod ocsf;
mod page;
mod table;

pub use event_type::{AppKind, EventType, EventTypeError, MAX_APP_NAME};
pub use list::Kind;
pub use ocsf::OcsfClass;
pub use page::catalogue_page;

/// How much attention an event deserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Ordinary business.
    Info,
    /// Worth a look when it repeats.
    Warning,
    /// Something failed that should work.
    Error,
    /// Somebody should look now.
    Critical,
}

impl Severity {
    /// Every severity, the mildest first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The spelling in leaves, columns and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The severity of a stored spelling; `None` when it is not one of ours.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }
}

/// When an event counts as recorded, and what may still lose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Durability {
    /// In the transaction of the change it tells of: both happen or neither.
    Tx,
    /// Once it has its place in the chain; fails while the database is away.
    Sync,
    /// As [`Durability::Sync`] while the database answers, otherwise once it
    /// is on this node's disk, from where it is moved into the chain later.
    Spool,
    /// At once, in memory: a crash loses what was not written yet, which the
    /// counters of the next heartbeat show.
    Async,
}

impl Durability {
    /// Every class, the strictest first.
    pub const ALL: [Self; 4] = [Self::Tx, Self::Sync, Self::Spool, Self::Async];

    /// The spelling in settings and documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tx => "tx",
            Self::Sync => "sync",
            Self::Spool => "spool",
            Self::Async => "async",
        }
    }
}

#[cfg(test)]
mod tests;
