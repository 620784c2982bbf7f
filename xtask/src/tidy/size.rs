//! Lengths of files and functions.

use super::Finding;
use super::code::is_word;

const WANTED_FILE: usize = 400;
const LONGEST_FILE: usize = 600;
const LONGEST_FUNCTION: usize = 90;

/// Takes source without comments and strings; see [`super::code`].
pub(super) fn check(path: &str, code: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = code.lines().count();
    if lines > LONGEST_FILE {
        findings.push(Finding::new(
            path,
            1,
            format!("{lines} lines, at most {LONGEST_FILE} are allowed; split the file by topic"),
        ));
    } else if lines > WANTED_FILE && !is_test_file(path) {
        let text = format!("{lines} lines, wanted are {WANTED_FILE}; split the file by topic");
        findings.push(Finding::new(path, 1, text).warning());
    }
    for function in functions(code) {
        if function.lines > LONGEST_FUNCTION {
            findings.push(Finding::new(
                path,
                function.line,
                format!(
                    "function {} has {} lines, at most {LONGEST_FUNCTION} are allowed; give its steps names",
                    function.name, function.lines
                ),
            ));
        }
    }
    findings
}

fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs")
}

#[derive(Debug, PartialEq, Eq)]
struct Function<'a> {
    name: &'a str,
    /// Where it starts, counted from 1.
    line: usize,
    /// From `fn` to the closing brace.
    lines: usize,
}

/// Every function with a body, also nested ones.
fn functions(code: &str) -> Vec<Function<'_>> {
    let mut found = Vec::new();
    let mut before = ' ';
    let mut line = 1;
    for (at, c) in code.char_indices() {
        let rest = code.get(at..).unwrap_or_default();
        if c == 'f' && !is_word(before) && before != '#' {
            found.extend(function(rest, line));
        }
        if c == '\n' {
            line += 1;
        }
        before = c;
    }
    found
}

/// The function that starts right here, if one does. A type such as `fn(u8)`
/// has no name and a declaration in a trait no body.
fn function(rest: &str, line: usize) -> Option<Function<'_>> {
    let after = rest.strip_prefix("fn")?;
    let name_on = after.trim_start();
    if name_on.len() == after.len() {
        return None;
    }
    let name_end = name_on.find(|c| !is_word(c)).unwrap_or(name_on.len());
    let name = name_on.get(..name_end).filter(|name| !name.is_empty())?;
    let signature_start = rest.len() - name_on.len() + name_end;
    let signature = rest.get(signature_start..)?;
    let body_start = signature_start + body_offset(signature)?;
    let end = body_start + closing_brace(rest.get(body_start..)?)?;
    let lines = rest.get(..end)?.matches('\n').count() + 1;
    Some(Function { name, line, lines })
}

/// Where the body's brace is; braces within brackets belong to types.
fn body_offset(signature: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, c) in signature.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return Some(at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn closing_brace(body: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, c) in body.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(code: &str) -> Vec<(&str, usize, usize)> {
        functions(code)
            .iter()
            .map(|f| (f.name, f.line, f.lines))
            .collect()
    }

    #[test]
    fn functions_are_measured() {
        let code = "fn a() {}\n\npub async fn b<T>(x: [u8; { 2 }])\nwhere\n    T: Fn(u8),\n{\n    if x { y }\n}\n";
        assert_eq!(names(code), [("a", 1, 1), ("b", 3, 6)]);
    }

    #[test]
    fn what_is_not_a_function_is_passed_over() {
        assert!(names("trait T { fn a(&self); }\ntype F = fn(u8) -> u8;\nr#fn x();").is_empty());
        assert!(names("let shelf = 1; { defn b }").is_empty());
    }

    #[test]
    fn nested_functions_count_for_themselves() {
        assert_eq!(
            names("fn a() {\n  fn b() {\n  }\n}"),
            [("a", 1, 4), ("b", 2, 2)]
        );
    }

    #[test]
    fn limits_hold_on_both_sides() {
        let function = |lines: usize| format!("fn f() {{{}}}", "\n".repeat(lines - 1));
        assert!(check("a.rs", &function(90)).is_empty());
        assert_eq!(check("a.rs", &function(91)).len(), 1);
        let file = |lines: usize| "x\n".repeat(lines);
        assert!(check("src/a.rs", &file(400)).is_empty());
        let wordy = check("src/a.rs", &file(401));
        assert!(
            wordy[0]
                .to_string()
                .starts_with("src/a.rs:1: warning: 401 lines")
        );
        assert!(check("crates/x/tests/it/a.rs", &file(600)).is_empty());
        let long = check("crates/x/tests/it/a.rs", &file(601));
        assert!(
            long[0]
                .to_string()
                .starts_with("crates/x/tests/it/a.rs:1: 601 lines")
        );
    }
}
