use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Environment;
use super::section::{Checks, Section};

/// Accepted cost settings, weakest memory last: KiB and passes (OWASP ASVS 5.0, appendix C).
const FLOORS: [(u32, u32); 3] = [(47_104, 1), (19_456, 2), (12_288, 3)];

/// Cost of password hashing.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_field_names,
    reason = "settings name the algorithm, so that another one can stand beside it"
)]
pub(crate) struct PasswordConfig {
    /// Memory of one argon2id run in KiB. Up to 1 GiB. Default: `19456`.
    pub(crate) argon2_memory_kib: u32,
    /// Passes of argon2id over the memory. Up to 20. Default: `2`.
    pub(crate) argon2_iterations: u32,
    /// Lanes of argon2id. Up to 16. Default: `1`.
    pub(crate) argon2_parallelism: u32,
}

impl Default for PasswordConfig {
    fn default() -> Self {
        Self {
            argon2_memory_kib: 19_456,
            argon2_iterations: 2,
            argon2_parallelism: 1,
        }
    }
}

impl Section for PasswordConfig {
    const NAME: &'static str = "password";

    fn check(&self, environment: Environment, checks: &mut Checks<'_>) {
        checks.range("argon2_parallelism", &self.argon2_parallelism, &1, &16);
        checks.range("argon2_iterations", &self.argon2_iterations, &1, &20);
        let least = self.argon2_parallelism.saturating_mul(8).max(64);
        checks.range(
            "argon2_memory_kib",
            &self.argon2_memory_kib,
            &least,
            &(1024 * 1024),
        );
        let enough = FLOORS.iter().any(|(memory, passes)| {
            self.argon2_memory_kib >= *memory && self.argon2_iterations >= *passes
        });
        if !enough {
            let problem = "argon2id is cheaper than the accepted floor";
            let remedy = "use at least 47104 KiB with 1 pass, 19456 with 2, or 12288 with 3";
            if environment.is_production() {
                checks.error("argon2_memory_kib", problem, remedy);
            } else {
                checks.warn("argon2_memory_kib", problem, remedy);
            }
        }
    }
}
