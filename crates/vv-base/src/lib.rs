//! The nouns every other crate speaks: typed ids, time, randomness, secrets,
//! the request context, pages and error codes.
//!
//! No I/O and no async here. The two exceptions in spirit, [`SystemClock`] and
//! [`SystemRng`], are the only places in the product that ask the machine for
//! the time or for randomness; everything else receives them through [`Ctx`].
#![warn(missing_docs)]

mod code;
mod ctx;
mod id;
mod page;
mod random;
mod secret;
mod time;

pub use code::ErrorCode;
pub use ctx::{Actor, Ctx, Scope, Source};
pub use id::{
    EventId, Id, IdError, JobId, KeyId, RequestId, SessionId, SubjectId, TenantId, UserId, kind,
};
pub use page::{Cursor, CursorError, Page, PageRequest};
pub use random::{Rng, SystemRng};
pub use secret::Secret;
pub use time::{Clock, Span, SystemClock, Timestamp};
