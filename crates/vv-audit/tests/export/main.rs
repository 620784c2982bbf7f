//! Exports, read back by readers that are not ours.

// `cfg(test)` tells clippy that the helpers are test code too.
#[cfg(test)]
mod any_text;
#[cfg(test)]
mod cef;
#[cfg(test)]
mod csv;
#[cfg(test)]
mod jsonl;
#[cfg(test)]
mod ocsf;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod whole;
