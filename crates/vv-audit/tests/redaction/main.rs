//! Redaction of what applications say about their events.

// `cfg(test)` tells clippy that the helpers are test code too.
#[cfg(test)]
mod clean;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod text;
