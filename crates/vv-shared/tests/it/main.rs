//! One conformance suite for both homes, then what only Redis can show:
//! several nodes, lost data, outages, clusters.
//!
//! `VALUEVERSE_TEST_REDIS_URL` names a server that tests may share; each test
//! has its own key prefix. Tests that kill, stop or flush start a private
//! server.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests are tests too"
)]

mod cluster;
mod memory;
mod nodes;
mod outage;
mod server;
mod settings;
mod subscription;

use vv_testkit::{clock, shared_suite};
