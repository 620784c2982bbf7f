//! Storage on two engines behind one small layer: `PostgreSQL` and `SQLite`.
//!
//! Every statement is a named [`Sql`] with one text for both engines wherever
//! the dialects allow; work happens in named transactions ([`Store::tx`],
//! [`Store::read`]). `SQLite` commits in groups, so that many callers share one
//! sync to disk. `PostgreSQL` hides foreign tenants' rows a second time through
//! forced row-level security. This is the only crate that names the drivers.
#![warn(missing_docs)]

mod bulk;
mod error;
pub mod jobs;
mod lite;
mod migrate;
mod migrations;
mod pg;
mod row;
mod sql;
pub mod statements;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod tx;
mod value;

pub use bulk::{Bulk, MAX_BULK_ROWS};
pub use error::{Detail, StoreError};
pub use migrate::Applied;
pub use migrations::Family;
pub use row::Row;
pub use sql::{MAX_LIST, Sql, Where};
pub use store::{Stats, Store, Target};
pub use tx::Tx;
pub use value::{Arg, Args, FromColumn, FromRow, Nullable, Value};

/// Which database holds the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// `PostgreSQL` 15 or newer.
    Pg,
    /// `SQLite`, compiled in.
    Lite,
}
