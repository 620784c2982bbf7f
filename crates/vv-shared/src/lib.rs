//! State that all nodes of one installation share: rate windows, one-time
//! guards, revocation tombstones, leases and short notices.
//!
//! Two homes behind one type, [`Shared`]: the memory of a single process, or
//! Redis (one server or a cluster) for several nodes. Both follow one
//! conformance suite. Redis is a cache and a wire, never the only home of
//! anything that protects an account, so each verb has an outage rule:
//!
//! | verb | when Redis does not answer |
//! |---|---|
//! | [`Shared::hit`] | a limiter of this process with this node's share of the limit, marked `degraded` |
//! | [`Shared::set_once`] | an error; the caller refuses |
//! | [`Shared::revoke`] | an error; the row in SQL already says so |
//! | [`Shared::is_revoked`] | [`Revocation::Unknown`]; the caller asks SQL |
//! | [`Shared::publish`] | an error; readers find the change in SQL |
//! | [`Shared::subscribe`] | reconnects, then reports [`Notice::Gap`] |
//! | [`Shared::lease`] | an error; nobody may assume to hold it |
//!
//! No verb waits longer than the configured timeout, and after
//! three failures in a row a circuit breaker answers at once, letting one
//! probe through per second.
#![warn(missing_docs)]

mod breaker;
mod config;
mod error;
mod expiring;
mod key;
mod link;
mod memory;
mod remote;
mod script;
mod shared;
mod subscription;
mod window;

pub use config::RedisConfig;
pub use error::SharedError;
pub use key::{LeaseKey, OnceKey, RevocationKey, Subject, Topic};
pub use shared::{Health, Revocation, Shared};
pub use subscription::{Notice, Subscription};
pub use window::{Hit, Window};
