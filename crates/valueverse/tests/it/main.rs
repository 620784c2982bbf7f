//! The slices together, on both engines.

// `cfg(test)` tells clippy that the helpers are test code too.
#[cfg(test)]
mod audit;
#[cfg(test)]
mod forge;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod login;
#[cfg(test)]
mod permission;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod refresh;
#[cfg(test)]
mod session;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod tamper;
