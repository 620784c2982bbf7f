//! What one core hashes.

use std::hint::black_box;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::digest;

use crate::measure::{Group, Outcome, repeat};

/// Memory in KiB, passes, lanes: the parameters of the product's passwords.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
const BIG: usize = 1024 * 1024;
const BIG_IN_GIGABYTES: f64 = 1_048_576.0 / 1e9;
/// Hashes between two looks at the clock.
const SMALL_BATCH: u32 = 1000;

pub(crate) fn group() -> Outcome<Group> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(|error| error.to_string())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let big = vec![0x5a; BIG];
    let small = [0x5a; 300];
    Ok(Group::new()
        .ceiling(
            "argon2id 19 MiB t=2 p=1, one core",
            "hashes/s",
            1.0,
            move |limit| {
                let mut out = [0; 32];
                repeat(limit, || {
                    argon2
                        .hash_password_into(
                            b"correct horse battery",
                            b"sixteen byte salt",
                            &mut out,
                        )
                        .map_err(|error| error.to_string())
                })
            },
        )
        .ceiling(
            "SHA-256, 1 MiB blocks, one core",
            "GB/s",
            BIG_IN_GIGABYTES,
            move |limit| {
                repeat(limit, || {
                    black_box(digest::digest(&digest::SHA256, black_box(&big)));
                    Ok(())
                })
            },
        )
        .ceiling(
            "SHA-256 of 300 bytes, one core",
            "hashes/s",
            1.0,
            move |limit| {
                let mut sample = repeat(limit, || {
                    for _ in 0..SMALL_BATCH {
                        black_box(digest::digest(&digest::SHA256, black_box(&small)));
                    }
                    Ok(())
                })?;
                sample.operations = sample.operations.saturating_mul(SMALL_BATCH);
                Ok(sample)
            },
        ))
}
