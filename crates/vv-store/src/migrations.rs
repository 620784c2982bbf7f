//! The table of migrations. To add one, write both files next to the others
//! and add a line; released files never change.

use crate::Engine;

/// Which tables a store has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Everything but the subject keys.
    Main,
    /// The keys that personal fields are sealed under. On `SQLite` a file of
    /// its own, so that a copy of the main file alone reveals nothing.
    Keys,
}

pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pg: &'static str,
    lite: &'static str,
}

impl Migration {
    pub(crate) const fn text(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Pg => self.pg,
            Engine::Lite => self.lite,
        }
    }
}

macro_rules! migrations {
    ($folder:literal: $($number:literal $name:literal),+ $(,)?) => {
        &[$(Migration {
            number: $number,
            name: $name,
            pg: include_str!(concat!("../migrations/", $folder, "/", $name, ".pg.sql")),
            lite: include_str!(concat!("../migrations/", $folder, "/", $name, ".lite.sql")),
        }),+]
    };
}

const MAIN: &[Migration] = migrations! { "main":
    1 "0001_foundation",
    2 "0002_audit",
    3 "0003_accounts",
    4 "0004_sessions",
    5 "0005_audit_trail",
};

const KEYS: &[Migration] = migrations! { "keys":
    1 "0001_subject_keys",
};

impl Family {
    pub(crate) const fn migrations(self) -> &'static [Migration] {
        match self {
            Self::Main => MAIN,
            Self::Keys => KEYS,
        }
    }

    /// The `PostgreSQL` schema that holds this family's table of migrations.
    pub(crate) const fn schema(self) -> &'static str {
        match self {
            Self::Main => "auth",
            Self::Keys => "keys",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_and_match_the_names() {
        for family in [Family::Main, Family::Keys] {
            for (index, migration) in family.migrations().iter().enumerate() {
                let number = index + 1;
                assert_eq!(usize::try_from(migration.number), Ok(number));
                assert!(migration.name.starts_with(&format!("{number:04}_")));
            }
        }
    }
}
