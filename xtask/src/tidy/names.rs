//! File names that say nothing.

use std::path::Path;

use super::{Finding, has_extension};

const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "misc"];

pub(super) fn check(paths: &[String]) -> Vec<Finding> {
    paths
        .iter()
        .filter(|path| has_extension(path, "rs"))
        .filter_map(|path| {
            let name = module_name(path)?;
            EMPTY_NAMES.contains(&name.as_str()).then(|| {
                let text =
                    format!("a module named {name} says nothing; name it after what it holds");
                Finding::new(path.as_str(), 1, text)
            })
        })
        .collect()
}

/// The file's own name, or for `mod.rs` its folder's.
fn module_name(path: &str) -> Option<String> {
    let path = Path::new(path);
    let stem = path.file_stem()?;
    let name = if stem == "mod" {
        path.parent()?.file_name()?
    } else {
        stem
    };
    Some(name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_names_are_found() {
        let paths = [
            "crates/a/src/utils.rs",
            "crates/a/tests/common/mod.rs",
            "crates/a/src/session.rs",
            "docs/common.md",
        ]
        .map(ToOwned::to_owned);
        let found: Vec<String> = check(&paths).into_iter().map(|f| f.path).collect();
        assert_eq!(
            found,
            ["crates/a/src/utils.rs", "crates/a/tests/common/mod.rs"]
        );
    }
}
