//! Tests of the notes, by what they check against.

mod examples;
mod hostile;
mod peers;
mod signers;
mod vectors;

use vv_base::Timestamp;

use super::*;
use crate::{Generation, Keyring, RootKey};

const ORIGIN: &str = "valueverse.local/audit/1/ffffffff-ffff-ffff-ffff-ffffffffffff";
const WITNESS: &str = "witness.example/w1";

fn root() -> RootKey {
    RootKey::parse("8f1c0e5db7a94c3f62d80b1ea5f7934c0db86a21e4793cf5582b9de01467ac3f").unwrap()
}

fn keyring() -> Keyring {
    Keyring::new(&root(), "test")
}

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000)
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: Origin::parse(ORIGIN).unwrap(),
        size: 1_000_003,
        root: [0x5a; 32],
    }
}

fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}
