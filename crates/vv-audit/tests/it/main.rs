//! The trail on both engines.

// `cfg(test)` tells clippy that the helpers are test code too.
#[cfg(test)]
mod anchors;
#[cfg(test)]
mod application;
#[cfg(test)]
mod erasure;
#[cfg(test)]
mod exporting;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod outsider;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod query;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod scale;
#[cfg(test)]
mod search;
#[cfg(test)]
mod server;
#[cfg(test)]
mod sinks;
#[cfg(test)]
mod tail;
#[cfg(test)]
mod tamper;
#[cfg(test)]
mod witness;
#[cfg(test)]
mod write;
