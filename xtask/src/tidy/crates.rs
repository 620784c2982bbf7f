//! What cargo knows about the workspace.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Finding;
use crate::child::{self, cargo};
use crate::failure::{Context, Result};
use crate::interrupt::Interrupt;

#[derive(Deserialize)]
pub(super) struct Metadata {
    pub(super) packages: Vec<Package>,
    pub(super) workspace_root: PathBuf,
    pub(super) target_directory: PathBuf,
}

#[derive(Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) manifest_path: PathBuf,
    pub(super) dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub(super) struct Dependency {
    /// The name in the registry, whatever the manifest calls it.
    pub(super) name: String,
    /// `None` for a normal dependency, else `dev` or `build`.
    pub(super) kind: Option<String>,
}

impl Dependency {
    pub(super) fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

impl Metadata {
    pub(super) fn read(root: &Path, interrupt: &Interrupt) -> Result<Self> {
        let text = child::capture(
            cargo()
                .current_dir(root)
                .args(["metadata", "--no-deps", "--format-version=1"]),
            interrupt,
        )?;
        serde_json::from_str(&text).context("cannot read what cargo metadata says")
    }

    /// A manifest's path from the root.
    pub(super) fn relative(&self, package: &Package) -> String {
        let path = &package.manifest_path;
        let path = path.strip_prefix(&self.workspace_root).unwrap_or(path);
        path.to_string_lossy().into_owned()
    }
}

/// Every crate follows the lints of the workspace.
pub(super) fn check_lints(metadata: &Metadata) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let path = metadata.relative(package);
        let text = fs::read_to_string(&package.manifest_path).context(&path)?;
        if !follows_workspace_lints(&text) {
            let what =
                "does not follow the lints of the workspace; add `[lints]` with `workspace = true`";
            findings.push(Finding::new(path, 1, what));
        }
    }
    Ok(findings)
}

fn follows_workspace_lints(manifest: &str) -> bool {
    manifest
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .skip_while(|line| *line != "[lints]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .any(|line| line.replace(' ', "") == "workspace=true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lints_line_is_found_in_its_own_section_only() {
        assert!(follows_workspace_lints("[lints]\nworkspace = true # yes\n"));
        assert!(!follows_workspace_lints(
            "[lints]\n[dependencies]\nworkspace = true\n"
        ));
        assert!(!follows_workspace_lints("[lints]\nworkspace = false\n"));
        assert!(!follows_workspace_lints(""));
    }
}
