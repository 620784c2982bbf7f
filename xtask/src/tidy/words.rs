//! Words that must not get into the repository.

use super::Finding;

/// Looked for in Rust code, where comments and strings do not count.
const IN_CODE: &[(&str, &str)] = &[
    ("todo!(", "unfinished code; finish it"),
    ("unimplemented!(", "unfinished code; finish it"),
    ("dbg!(", "a debugging aid; take it out"),
    (
        "#[ignore",
        "a test that does not run; make it run or take it out",
    ),
    ("#[allow(", "use #[expect(…, reason = \"…\")] instead"),
    ("#![allow(", "use #![expect(…, reason = \"…\")] instead"),
];

/// Beginnings of paths that exist on one machine only. Split, so that this
/// file does not find itself.
const MACHINE_PATHS: &[&str] = &[
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("C:\\Us", "ers\\"),
];

const KEY_HEADER: &str = "-----BEGIN ";
const KEY_HEADER_END: &str = "PRIVATE KEY-----";
/// Base64 characters in a row that make a header an actual key.
const KEY_BODY: usize = 40;

/// Takes source without comments and strings; see [`super::code`].
pub(super) fn check_code(path: &str, code: &str) -> Vec<Finding> {
    numbered(code)
        .flat_map(|(number, line)| {
            IN_CODE
                .iter()
                .filter(move |(word, _)| contains_word(line, word))
                .map(move |(word, advice)| {
                    Finding::new(path, number, format!("`{word}`: {advice}"))
                })
        })
        .collect()
}

/// A longer name that ends the same way is another word.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// Looked for in every text file.
pub(super) fn check_text(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in numbered(text) {
        if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") {
            let what = "a merge conflict marker; resolve the conflict";
            findings.push(Finding::new(path, number, what));
        }
        if let Some(machine_path) = machine_path(line) {
            let what = format!(
                "`{machine_path}` exists on one machine only; use a relative path or a placeholder"
            );
            findings.push(Finding::new(path, number, what));
        }
    }
    if !path.contains("vectors") {
        findings.extend(private_keys(text).map(|number| {
            Finding::new(
                path,
                number,
                "a private key; take it out, and never use it again (published vectors go into a folder named `vectors`)",
            )
        }));
    }
    findings
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

/// A machine path with somebody's name after it, not a part of a longer path or URL.
fn machine_path(line: &str) -> Option<&'static str> {
    MACHINE_PATHS.iter().copied().find(|needle| {
        line.match_indices(needle).any(|(at, _)| {
            let before = line.get(..at).and_then(|head| head.chars().next_back());
            let after = line
                .get(at + needle.len()..)
                .and_then(|tail| tail.chars().next());
            let starts = before.is_none_or(|c| !c.is_alphanumeric() && !"._-/}>".contains(c));
            starts && after.is_some_and(|c| c.is_alphanumeric() || c == '.')
        })
    })
}

/// Lines on which a private key with its content begins. A header alone is
/// code that reads or writes such files.
fn private_keys(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices(KEY_HEADER).filter_map(|(at, _)| {
        let rest = text.get(at..)?;
        let first_line = rest.lines().next()?;
        let header_end = first_line.find(KEY_HEADER_END)? + KEY_HEADER_END.len();
        let body = rest.get(header_end..)?.trim_start_matches("\\n");
        let body = body.trim_start_matches(|c: char| c.is_whitespace() || "\"'\\".contains(c));
        let length = body
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "+/=".contains(*c))
            .count();
        (length >= KEY_BODY).then(|| text.get(..at).unwrap_or_default().matches('\n').count() + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::code::only_code;

    #[test]
    fn words_are_found_in_code_only() {
        let source = "fn a() {\n  todo!()\n}\n// todo!()\n\"dbg!(\";\n#[allow(dead_code)]\n#![allow(x)]\n#[ignore = \"\"]\nmy_todo!()";
        let lines: Vec<usize> = check_code("a.rs", &only_code(source))
            .iter()
            .map(|finding| finding.line)
            .collect();
        assert_eq!(lines, [2, 6, 7, 8]);
    }

    #[test]
    fn machine_paths_are_found_and_urls_are_not() {
        let user = format!("see {}alice/x", MACHINE_PATHS[0]);
        assert_eq!(machine_path(&user), Some(MACHINE_PATHS[0]));
        let root = format!("\"{}.cargo\"", MACHINE_PATHS[1]);
        assert_eq!(machine_path(&root), Some(MACHINE_PATHS[1]));
        let url = format!("https://example.com{}page", MACHINE_PATHS[0]);
        assert_eq!(machine_path(&url), None);
        let bare = format!("ProtectHome hides {} from it", MACHINE_PATHS[0]);
        assert_eq!(machine_path(&bare), None);
    }

    #[test]
    fn conflict_markers_are_found() {
        let text = format!(
            "a\n{} HEAD\n=======\n{} main\n",
            "<".repeat(7),
            ">".repeat(7)
        );
        assert_eq!(check_text("a.md", &text).len(), 2);
    }

    #[test]
    fn keys_are_found_and_bare_headers_are_not() {
        let header = format!("{KEY_HEADER}EC {KEY_HEADER_END}");
        let key = format!("x\n{header}\n{}\n", "MIIEvQ".repeat(8));
        assert_eq!(private_keys(&key).collect::<Vec<_>>(), [2]);
        let escaped = format!("const K: &str = \"{header}\\n{}\";", "MIIEvQ".repeat(8));
        assert_eq!(private_keys(&escaped).count(), 1);
        let parser = format!("text.strip_prefix(\"{header}\")");
        assert_eq!(private_keys(&parser).count(), 0);
        assert!(check_text("crates/x/vectors/a.pem", &key).is_empty());
        assert_eq!(check_text("a.pem", &key).len(), 1);
    }
}
