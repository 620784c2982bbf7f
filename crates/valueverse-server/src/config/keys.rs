use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Environment;
use super::section::{Checks, Section};
use super::value::SecretText;
use super::weakness::root_key_fault;

/// Where the root key comes from. All other keys are derived from it or sealed under it:
/// without it the data cannot be read.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KeysConfig {
    /// The root key, at least 32 random bytes as hex or base64. Also `PCI_MASTER_KEY`.
    /// Default: not set; development then generates `<data-dir>/keys/root.key`, production refuses.
    pub(crate) root_key: Option<SecretText>,
}

impl Section for KeysConfig {
    const NAME: &'static str = "keys";
    const SECRETS: &'static [&'static str] = &["root_key"];

    fn check(&self, environment: Environment, checks: &mut Checks<'_>) {
        match &self.root_key {
            None if environment.is_production() => checks.error(
                "root_key",
                "is missing, and production does not generate one",
                "set PCI_MASTER_KEY_FILE to a file holding the output of `openssl rand -hex 32`",
            ),
            None => {}
            Some(key) => {
                if let Some(fault) = root_key_fault(key) {
                    checks.error(
                        "root_key",
                        fault,
                        "use the output of `openssl rand -hex 32`",
                    );
                }
            }
        }
    }
}
