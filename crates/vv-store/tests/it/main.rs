//! The store on both engines.
#![expect(clippy::expect_used, reason = "tests stop at the first surprise")]

mod append_only;
mod bulk;
mod durable;
mod group;
mod hooks;
mod jobs;
mod migrate;
mod probe;
mod tenant;
mod transactions;
