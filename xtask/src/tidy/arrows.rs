//! Who may depend on whom.

use super::Finding;
use super::crates::{Dependency, Metadata, Package};

/// The layers from the bottom up. A crate may use layers below its own only,
/// so crates of one layer never know each other.
const LAYERS: &[&[&str]] = &[
    &["vv-base"],
    &["vv-crypto"],
    &["vv-store", "vv-shared", "vv-outbound"],
    &["vv-audit"],
    &["vv-auth", "vv-vault", "vv-privacy"],
    &["vv-monitor"],
    &["vv-http"],
    // The pages reuse the extractors of the REST edge.
    &["vv-console"],
    &["valueverse"],
    &["valueverse-server"],
];

/// The layer of `vv-monitor`: up to here crates know the domain and not HTTP.
const LAST_DOMAIN_LAYER: usize = 5;

/// Test fixtures; nothing that ships may need them.
const TESTKIT: &str = "vv-testkit";

/// Outside crates that one crate alone may name.
const OWNED: &[(&str, &str)] = &[
    ("sqlx", "vv-store"),
    ("redis", "vv-shared"),
    ("reqwest", "vv-outbound"),
    ("hyper", "vv-outbound"),
];

pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let manifest = metadata.relative(package);
        if is_for_tests(package, &manifest) {
            continue;
        }
        let known = package.name == "xtask" || layer(&package.name).is_some();
        if !known {
            findings.push(Finding::new(
                &manifest,
                1,
                format!(
                    "crate {} has no layer; give it one in xtask/src/tidy/arrows.rs",
                    package.name
                ),
            ));
            continue;
        }
        let shipped = package.dependencies.iter().filter(|dep| !dep.is_dev());
        findings.extend(shipped.filter_map(|dependency| {
            let text = objection(package, dependency)?;
            Some(Finding::new(&manifest, 1, text))
        }));
    }
    findings
}

/// Crates under `tests/` and `examples/` and the fixtures never ship.
fn is_for_tests(package: &Package, manifest: &str) -> bool {
    package.name == TESTKIT || manifest.starts_with("tests/") || manifest.starts_with("examples/")
}

fn objection(package: &Package, dependency: &Dependency) -> Option<String> {
    let user = package.name.as_str();
    let target = dependency.name.as_str();
    if target == TESTKIT {
        return Some(format!(
            "{user} depends on {TESTKIT}, which is for tests; make it a dev-dependency"
        ));
    }
    if let Some(target_layer) = layer(target) {
        let fits = layer(user).is_some_and(|user_layer| target_layer < user_layer);
        return (!fits).then(|| {
            format!("{user} must not depend on {target}: arrows point down the layers only; move the shared part below both")
        });
    }
    if let Some((_, owner)) = OWNED
        .iter()
        .find(|(name, owner)| *name == target && *owner != user)
    {
        return Some(format!(
            "{user} names {target}; only {owner} may, so go through {owner}"
        ));
    }
    let in_domain = layer(user).is_some_and(|layer| layer <= LAST_DOMAIN_LAYER);
    (in_domain && target.starts_with("axum")).then(|| {
        format!(
            "{user} is a domain crate and must not know {target}; move the HTTP part to vv-http"
        )
    })
}

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &str, name: &str, uses: &[(&str, Option<&str>)]) -> Package {
        Package {
            name: name.to_owned(),
            manifest_path: format!("/w/{folder}/{name}/Cargo.toml").into(),
            dependencies: uses
                .iter()
                .map(|(name, kind)| Dependency {
                    name: (*name).to_owned(),
                    kind: kind.map(ToOwned::to_owned),
                })
                .collect(),
        }
    }

    fn findings(package: Package) -> Vec<String> {
        let metadata = Metadata {
            packages: vec![package],
            workspace_root: "/w".into(),
            target_directory: "/w/target".into(),
        };
        check(&metadata).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_last_domain_layer_is_the_monitor() {
        assert_eq!(LAYERS[LAST_DOMAIN_LAYER], ["vv-monitor"]);
    }

    #[test]
    fn arrows_down_are_fine() {
        let uses = [("vv-base", None), ("vv-store", None), ("serde", None)];
        assert!(findings(package("crates", "vv-auth", &uses)).is_empty());
        assert!(findings(package("crates", "vv-console", &[("vv-http", None)])).is_empty());
    }

    #[test]
    fn arrows_up_and_sideways_are_found() {
        for (user, used) in [
            ("vv-store", "vv-audit"),
            ("vv-auth", "vv-privacy"),
            ("vv-http", "vv-console"),
            ("xtask", "vv-base"),
        ] {
            let found = findings(package("crates", user, &[(used, None)]));
            assert_eq!(found.len(), 1, "{user} -> {used}");
        }
    }

    #[test]
    fn dev_dependencies_and_test_crates_are_free() {
        let uses = [("vv-testkit", Some("dev")), ("sqlx", Some("dev"))];
        assert!(findings(package("crates", "vv-auth", &uses)).is_empty());
        let uses = [("vv-testkit", None), ("sqlx", None), ("reqwest", None)];
        assert!(findings(package("tests", "e2e", &uses)).is_empty());
    }

    #[test]
    fn names_with_an_owner_are_found_elsewhere() {
        for (user, used) in [
            ("vv-http", "sqlx"),
            ("vv-store", "redis"),
            ("vv-auth", "reqwest"),
            ("vv-audit", "hyper"),
            ("vv-audit", "axum"),
            ("vv-monitor", "axum-extra"),
            ("valueverse", "vv-testkit"),
        ] {
            let found = findings(package("crates", user, &[(used, None)]));
            assert_eq!(found.len(), 1, "{user} -> {used}");
        }
        assert!(findings(package("crates", "vv-store", &[("sqlx", None)])).is_empty());
        assert!(findings(package("crates", "vv-http", &[("axum", None)])).is_empty());
    }

    #[test]
    fn a_build_dependency_counts() {
        let found = findings(package("crates", "vv-base", &[("vv-http", Some("build"))]));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn an_unknown_crate_needs_a_layer() {
        assert_eq!(findings(package("crates", "vv-new", &[])).len(), 1);
    }
}
