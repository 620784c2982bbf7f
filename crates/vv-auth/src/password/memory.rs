//! The blocks that argon2 works in, kept between hashes.
//!
//! A hash needs many megabytes for a few milliseconds. Handing them back to
//! the allocator each time leaves a copy in every thread's arena, and a flood
//! of sign-ins would grow the process for good.

use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, PasswordHash, Version};
use subtle::ConstantTimeEq as _;

/// Longest hash looked at, in bytes.
const MAX_OUTPUT: usize = 64;

/// Buffers for as many hashes as run at the same time.
pub(super) struct Memory {
    spare: Mutex<Vec<Vec<Block>>>,
    keep: usize,
    blocks: usize,
}

impl Memory {
    /// Keeps at most `keep` buffers of `blocks` KiB.
    pub(super) const fn new(keep: usize, blocks: usize) -> Self {
        Self {
            spare: Mutex::new(Vec::new()),
            keep,
            blocks,
        }
    }

    /// Hashes into `out`; false when argon2 refuses the parameters.
    pub(super) fn hash(
        &self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        out: &mut [u8],
    ) -> bool {
        let count = argon2.params().block_count();
        let mut blocks = self.take();
        blocks.resize(count, Block::new());
        let done = argon2
            .hash_password_into_with_memory(password, salt, out, blocks.as_mut_slice())
            .is_ok();
        self.give_back(blocks);
        done
    }

    /// Whether the password fits a PHC string of the argon2 family.
    pub(super) fn verify(&self, password: &[u8], phc: &str) -> bool {
        self.fits(password, phc).unwrap_or(false)
    }

    fn fits(&self, password: &[u8], phc: &str) -> Option<bool> {
        let stored = PasswordHash::new(phc).ok()?;
        let algorithm = Algorithm::try_from(stored.algorithm.as_str()).ok()?;
        let version = Version::try_from(stored.version?).ok()?;
        let params = Params::try_from(&stored).ok()?;
        let (salt, expected) = (stored.salt?, stored.hash?);
        let mut buffer = [0_u8; MAX_OUTPUT];
        let out = buffer.get_mut(..expected.len())?;
        let argon2 = Argon2::new(algorithm, version, params);
        let done = self.hash(&argon2, password, salt.as_ref(), out);
        let equal: bool = (*out).ct_eq(expected.as_bytes()).into();
        Some(done && equal)
    }

    fn take(&self) -> Vec<Block> {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.pop().unwrap_or_default()
    }

    /// A buffer that a costlier hash made larger is not kept.
    fn give_back(&self, blocks: Vec<Block>) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < self.keep && blocks.capacity() <= self.blocks {
            spare.push(blocks);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argon2(memory: u32) -> Argon2<'static> {
        let params = Params::new(memory, 1, 1, None).unwrap();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
    }

    #[test]
    fn a_used_buffer_gives_the_same_hash_as_a_fresh_one() {
        let memory = Memory::new(1, 64);
        let hash = |memory: &Memory, cost: u32| {
            let mut out = [0; 32];
            assert!(memory.hash(&argon2(cost), b"password", b"some salt", &mut out));
            out
        };
        let first = hash(&memory, 64);
        let smaller = hash(&memory, 32);
        assert_eq!(hash(&memory, 64), first);
        assert_eq!(hash(&Memory::new(0, 0), 32), smaller);
        assert_eq!(memory.spare.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_larger_buffer_is_not_kept() {
        let memory = Memory::new(4, 64);
        let mut out = [0; 32];
        assert!(memory.hash(&argon2(128), b"password", b"some salt", &mut out));
        assert!(memory.spare.lock().unwrap().is_empty());
    }

    /// A hash made by another implementation (the reference `argon2` program).
    #[test]
    fn foreign_hashes_verify() {
        let phc =
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let memory = Memory::new(1, 256);
        assert!(memory.verify(b"password", phc));
        assert!(!memory.verify(b"passwort", phc));
        assert!(!memory.verify(b"password", "$argon2id$v=19$m=256"));
    }
}
