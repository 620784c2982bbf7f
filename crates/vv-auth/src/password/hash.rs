//! Password hashing with argon2id behind an admission gate, so that sign-ins
//! cannot take the processor away from everything else.

use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use vv_base::{ErrorCode, Rng};

use super::gate::Gate;
use super::memory::Memory;
use super::rules::{Assessment, PasswordContext, context_words, judge, normalize};

/// Cost of one hash. The floor is OWASP's: 19 MiB, two passes, one lane.
#[derive(Debug, Clone, Copy)]
pub struct HashSettings {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// Hashes computed at the same time; the number of cores is a good value.
    pub parallel: usize,
    /// Callers that may wait for their turn; one more is turned away.
    pub queue: usize,
}

impl Default for HashSettings {
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
            parallel: 2,
            queue: 64,
        }
    }
}

/// Why a password could not be hashed or verified.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// The queue is full or the turn did not come in time.
    #[error("too many sign-ins at once; try again in a few seconds")]
    Overloaded,
    /// The parameters are outside what argon2 allows.
    #[error("the password hash parameters are not valid")]
    Parameters,
    /// The hashing thread died.
    #[error("password hashing failed")]
    Failed,
}

impl HashError {
    /// The stable code for problem documents.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Overloaded => ErrorCode::new("auth.busy"),
            Self::Parameters | Self::Failed => ErrorCode::new("password.hash_failed"),
        }
    }
}

/// Hashes and verifies.
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    memory: Arc<Memory>,
    gate: Gate,
    judges: Gate,
    /// Hash of a random password with today's parameters: what is verified when
    /// there is no account, so that the work is the same.
    decoy: String,
}

impl Hasher {
    pub(crate) fn new(settings: &HashSettings, rng: &dyn Rng) -> Result<Self, HashError> {
        let params = Params::new(settings.memory_kib, settings.passes, settings.lanes, None)
            .map_err(|_| HashError::Parameters)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let parallel = settings.parallel.max(1);
        let memory = Memory::new(parallel, argon2.params().block_count());
        let (mut random, mut salt) = ([0_u8; 16], [0_u8; 16]);
        rng.fill(&mut random);
        rng.fill(&mut salt);
        // Not with the buffers that are kept: an idle process should stay small.
        let decoy = phc(&Memory::new(0, 0), &argon2, &random, &salt)?;
        Ok(Self {
            argon2,
            memory: Arc::new(memory),
            gate: Gate::new(parallel, settings.queue),
            judges: Gate::new(1, settings.queue),
            decoy,
        })
    }

    /// The PHC string of a new password.
    pub(crate) async fn hash(&self, password: &str, rng: &dyn Rng) -> Result<String, HashError> {
        let password = normalize(password);
        let argon2 = self.argon2.clone();
        let mut salt = [0_u8; 16];
        rng.fill(&mut salt);
        let memory = Arc::clone(&self.memory);
        self.gate
            .run(move || phc(&memory, &argon2, password.expose().as_bytes(), &salt))
            .await?
    }

    /// Judges a new password. Estimating takes milliseconds, so it has a gate
    /// of its own and does not hold up sign-ins.
    pub(crate) async fn judge(
        &self,
        password: &str,
        context: &PasswordContext<'_>,
    ) -> Result<Assessment, HashError> {
        let password = normalize(password);
        let words = context_words(context);
        self.judges
            .run(move || judge(password.expose(), &words))
            .await
    }

    /// Whether the password fits the stored hash. Without a stored hash the
    /// decoy is verified and the answer is no.
    pub(crate) async fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<bool, HashError> {
        let password = normalize(password);
        let memory = Arc::clone(&self.memory);
        let known = stored.is_some();
        let phc = stored.unwrap_or(&self.decoy).to_owned();
        let fits = self
            .gate
            .run(move || memory.verify(password.expose().as_bytes(), &phc))
            .await?;
        Ok(fits && known)
    }
}

fn phc(
    memory: &Memory,
    argon2: &Argon2<'_>,
    password: &[u8],
    salt: &[u8],
) -> Result<String, HashError> {
    let mut out = [0_u8; Params::DEFAULT_OUTPUT_LEN];
    if !memory.hash(argon2, password, salt, &mut out) {
        return Err(HashError::Failed);
    }
    let hash = PasswordHash {
        algorithm: argon2::ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params()).map_err(|_| HashError::Parameters)?,
        salt: Some(Salt::new(salt).map_err(|_| HashError::Failed)?),
        hash: Some(Output::new(&out).map_err(|_| HashError::Failed)?),
    };
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use vv_base::SystemRng;

    fn hasher() -> Hasher {
        let settings = HashSettings {
            memory_kib: 64,
            passes: 1,
            ..HashSettings::default()
        };
        Hasher::new(&settings, &SystemRng).expect("valid parameters")
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hasher = hasher();
        let stored = hasher.hash("correct horse", &SystemRng).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert!(hasher.verify("correct horse", Some(&stored)).await.unwrap());
        assert!(!hasher.verify("correct hors", Some(&stored)).await.unwrap());
        assert!(!hasher.verify("correct horse", None).await.unwrap());
        assert!(!hasher.verify("correct horse", Some("$x$")).await.unwrap());
    }
}
