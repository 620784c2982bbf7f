//! The Merkle tree against published vectors, the definitions and two other
//! implementations.

// `cfg(test)` tells clippy that the helpers are test code too.
#[cfg(test)]
mod definition;
#[cfg(test)]
mod exhaustive;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod planning;
#[cfg(test)]
mod stored;
#[cfg(test)]
mod vectors;
