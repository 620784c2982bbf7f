//! Password hashing with argon2id behind an admission gate, so that sign-ins
//! cannot take the processor away from everything else.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use vv_base::{ErrorCode, Rng, Secret};

use super::rules::normalize;

/// Longest a sign-in waits for its turn to hash.
const QUEUE_DEADLINE: Duration = Duration::from_secs(8);

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
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// Hash of a random password with today's parameters: what is verified when
    /// there is no account, so that the work is the same.
    decoy: String,
}

impl Hasher {
    pub(crate) fn new(settings: &HashSettings, rng: &dyn Rng) -> Result<Self, HashError> {
        let params = Params::new(settings.memory_kib, settings.passes, settings.lanes, None)
            .map_err(|_| HashError::Parameters)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut random = [0_u8; 16];
        rng.fill(&mut random);
        let decoy = phc(&argon2, &random, rng)?;
        let parallel = settings.parallel.max(1);
        Ok(Self {
            argon2,
            turns: Arc::new(Semaphore::new(parallel)),
            queue: Arc::new(Semaphore::new(parallel + settings.queue)),
            decoy,
        })
    }

    /// The PHC string of a new password.
    pub(crate) async fn hash(&self, password: &str, rng: &dyn Rng) -> Result<String, HashError> {
        let password = normalize(password);
        let argon2 = self.argon2.clone();
        let mut salt = [0_u8; 16];
        rng.fill(&mut salt);
        self.in_turn(move || phc_with_salt(&argon2, password.expose().as_bytes(), &salt))
            .await?
    }

    /// Whether the password fits the stored hash. Without a stored hash the
    /// decoy is verified and the answer is no.
    pub(crate) async fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<bool, HashError> {
        let password = normalize(password);
        let argon2 = self.argon2.clone();
        let known = stored.is_some();
        let phc = stored.unwrap_or(&self.decoy).to_owned();
        let fits = self
            .in_turn(move || verify_phc(&argon2, &password, &phc))
            .await?;
        Ok(fits && known)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let place = Arc::clone(&self.queue)
            .try_acquire_owned()
            .map_err(|_| HashError::Overloaded)?;
        let turn = tokio::time::timeout(QUEUE_DEADLINE, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| HashError::Overloaded)?
            .map_err(|_| HashError::Failed)?;
        // The permits move along: a caller who gives up does not free a core that is still busy.
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop((turn, place));
            result
        })
        .await
        .map_err(|_| HashError::Failed)
    }
}

fn verify_phc(argon2: &Argon2<'_>, password: &Secret<String>, phc: &str) -> bool {
    argon2
        .verify_password(password.expose().as_bytes(), phc)
        .is_ok()
}

fn phc(argon2: &Argon2<'_>, password: &[u8], rng: &dyn Rng) -> Result<String, HashError> {
    let mut salt = [0_u8; 16];
    rng.fill(&mut salt);
    phc_with_salt(argon2, password, &salt)
}

fn phc_with_salt(argon2: &Argon2<'_>, password: &[u8], salt: &[u8]) -> Result<String, HashError> {
    argon2
        .hash_password_with_salt(password, salt)
        .map(|hash| hash.to_string())
        .map_err(|_| HashError::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vv_base::SystemRng;

    fn hasher(parallel: usize, queue: usize) -> Hasher {
        let settings = HashSettings {
            memory_kib: 64,
            passes: 1,
            parallel,
            queue,
            ..HashSettings::default()
        };
        Hasher::new(&settings, &SystemRng).expect("valid parameters")
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let hasher = hasher(1, 4);
        let stored = hasher.hash("correct horse", &SystemRng).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        assert!(hasher.verify("correct horse", Some(&stored)).await.unwrap());
        assert!(!hasher.verify("correct hors", Some(&stored)).await.unwrap());
        assert!(!hasher.verify("correct horse", None).await.unwrap());
        assert!(!hasher.verify("correct horse", Some("$x$")).await.unwrap());
    }

    #[tokio::test]
    async fn a_full_queue_turns_callers_away() {
        let hasher = hasher(1, 0);
        let held = Arc::clone(&hasher.queue).try_acquire_owned().unwrap();
        let refused = hasher.hash("x", &SystemRng).await;
        assert!(matches!(refused, Err(HashError::Overloaded)));
        drop(held);
        assert!(hasher.hash("x", &SystemRng).await.is_ok());
    }
}
