//! Calls against real servers on this machine, with names and addresses that
//! the tests make up.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod answers;
mod certificates;
mod deadlines;
mod delivery;
mod names;
mod server;
mod world;
