//! The real program and a real browser, seen from outside.

// `cfg(test)` tells clippy that the helpers are test code too.
#[cfg(test)]
mod audit_api;
#[cfg(test)]
mod audit_cli;
#[cfg(test)]
mod audit_witness;
#[cfg(test)]
mod console_audit;
#[cfg(test)]
mod console_evidence;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod crash_events;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod journey;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod tls;
