//! Links between the documents lead somewhere.

use std::path::{Component, Path, PathBuf};

use super::{Finding, SourceFile, has_extension};

/// `exists` is asked with a path from the root of the repository.
pub(super) fn check(files: &[SourceFile], exists: &dyn Fn(&Path) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| has_extension(&file.path, "md")) {
        for (line, target) in targets(&file.text) {
            let resolved = resolve(&file.path, target);
            if !resolved.as_deref().is_some_and(exists) {
                let text =
                    format!("the link to `{target}` leads nowhere; correct it or add the file");
                findings.push(Finding::new(&file.path, line, text));
            }
        }
    }
    findings
}

/// Targets in this repository with their lines; code is passed over.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_fence = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~") {
            in_fence = !in_fence;
        } else if !in_fence {
            let all = in_line(line);
            found.extend(all.into_iter().map(|target| (index + 1, target)));
        }
    }
    found
}

fn in_line(line: &str) -> Vec<&str> {
    let prose = line.split('`').step_by(2);
    let mut all: Vec<&str> = prose
        .flat_map(|piece| between(piece, "](", ')'))
        .chain(between(line, "src=\"", '"'))
        .chain(between(line, "href=\"", '"'))
        .collect();
    all.extend(definition(line));
    all.into_iter().filter_map(local).collect()
}

fn between<'a>(text: &'a str, opening: &'a str, closing: char) -> impl Iterator<Item = &'a str> {
    text.split(opening)
        .skip(1)
        .filter_map(move |tail| tail.split(closing).next())
}

/// `[name]: target`.
fn definition(line: &str) -> Option<&str> {
    let (name, target) = line.strip_prefix('[')?.split_once("]:")?;
    (!name.contains(']') && !name.starts_with('^')).then(|| target.trim())
}

/// The path part of a target in this repository.
fn local(target: &str) -> Option<&str> {
    let path = target.split_whitespace().next()?.trim_matches(['<', '>']);
    let path = path.split('#').next()?;
    let elsewhere = path.is_empty() || path.contains("://") || path.starts_with("mailto:");
    (!elsewhere).then_some(path)
}

/// A target seen from the root, or nothing when it leaves the repository.
fn resolve(document: &str, target: &str) -> Option<PathBuf> {
    let joined = match target.strip_prefix('/') {
        Some(from_root) => PathBuf::from(from_root),
        None => Path::new(document).parent()?.join(target),
    };
    let mut resolved = PathBuf::new();
    for component in joined.components() {
        match component {
            Component::ParentDir if !resolved.pop() => return None,
            Component::Normal(name) => resolved.push(name),
            _ => {}
        }
    }
    Some(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(path: &str, text: &str) -> Vec<usize> {
        let files = [SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        }];
        let exists = |target: &Path| {
            ["README.md", "docs/a.md", "docs"].contains(&target.to_string_lossy().as_ref())
        };
        check(&files, &exists)
            .iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn links_within_the_repository_are_followed() {
        let text = "[a](docs/a.md#part)\n[b](docs/b.md)\n![c](c.png \"title\")\n[x]: docs/x.md\n[`d`](d.rs)\n<img src=\"e.png\">";
        assert_eq!(broken("README.md", text), [2, 3, 4, 5, 6]);
        assert!(
            broken(
                "docs/a.md",
                "[up](../README.md) [here](a.md) [root](/docs/a.md)"
            )
            .is_empty()
        );
        assert_eq!(broken("docs/a.md", "[out](../../secret.md)"), [1]);
    }

    #[test]
    fn other_links_and_code_are_passed_over() {
        let text = "[a](https://example.com/x) [b](#part) <mailto:a@b.example>\n`[c](c.md)`\n```\n[d](d.md)\n```\n";
        assert!(broken("README.md", text).is_empty());
    }
}
