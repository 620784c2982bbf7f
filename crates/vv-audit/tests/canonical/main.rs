//! Canonical bodies: our encoder and both readers against `serde_json`, two other
//! implementations of RFC 8785 and its published test data.

// `cfg(test)` tells clippy that the helpers are test code too.
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod published;
#[cfg(test)]
mod readers;
