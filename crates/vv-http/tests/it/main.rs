//! The edge, driven from outside.

// `cfg(test)` tells clippy that the helpers are test code too.
#[cfg(test)]
mod content;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod wire;
