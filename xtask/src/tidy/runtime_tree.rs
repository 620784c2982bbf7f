//! How many crates ship in the Linux binary.

use std::collections::BTreeSet;
use std::path::Path;

use super::Finding;
use crate::child::{self, cargo};
use crate::failure::Result;
use crate::interrupt::Interrupt;

/// Most crates, our own included.
pub(super) const LIMIT: usize = 400;

pub(super) fn check(root: &Path, interrupt: &Interrupt) -> Result<(usize, Option<Finding>)> {
    let tree = child::capture(
        cargo().current_dir(root).args([
            "tree",
            "--edges=normal",
            "--package=valueverse-server",
            "--target=x86_64-unknown-linux-gnu",
            "--prefix=none",
        ]),
        interrupt,
    )?;
    let count = unique(&tree);
    let finding = (count > LIMIT).then(|| {
        let text = format!("{count} crates in the Linux runtime tree, at most {LIMIT} are allowed; see `cargo tree -e normal -p valueverse-server`");
        Finding::new("Cargo.lock", 1, text)
    });
    Ok((count, finding))
}

/// Counts name and version; what follows them is a path or the mark of a repetition.
fn unique(tree: &str) -> usize {
    tree.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?))
        })
        .collect::<BTreeSet<_>>()
        .len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_count_once_and_versions_apart() {
        let tree = "a v0.1.0 (x/a)\nb v1.0.0\nb v1.0.0 (*)\nb v2.0.0\n\nc v1.0.0 (proc-macro)\n";
        assert_eq!(unique(tree), 4);
    }
}
