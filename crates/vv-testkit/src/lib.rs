//! Test helpers shared by the crates: a clock and randomness that tests
//! control, and the suites that every implementation of a part has to pass.

pub mod clock;
pub mod random;
pub mod shared_suite;
pub mod stores;
