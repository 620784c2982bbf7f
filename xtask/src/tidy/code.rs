//! Rust source without what is only text.

/// The same lines with comments, strings and character literals blanked out.
pub(super) fn only_code(source: &str) -> String {
    let mut scanner = Scanner {
        rest: source,
        out: String::with_capacity(source.len()),
        before: ' ',
    };
    while scanner.step() {}
    scanner.out
}

struct Scanner<'a> {
    rest: &'a str,
    out: String,
    /// The character of code right before `rest`.
    before: char,
}

impl Scanner<'_> {
    fn step(&mut self) -> bool {
        let Some(next) = self.rest.chars().next() else {
            return false;
        };
        let blank = match next {
            '/' if self.rest.starts_with("//") => line_end(self.rest),
            '/' if self.rest.starts_with("/*") => block_comment(self.rest),
            '"' => quoted(self.rest, '"'),
            '\'' => character(self.rest),
            'r' | 'b' | 'c' if !is_word(self.before) => raw_string(self.rest),
            _ => 0,
        };
        if blank == 0 {
            self.out.push(next);
            self.before = next;
            self.advance(next.len_utf8());
        } else {
            let skipped = self.rest.get(..blank).unwrap_or(self.rest);
            self.out
                .extend(skipped.chars().map(|c| if c == '\n' { c } else { ' ' }));
            self.before = ' ';
            self.advance(blank);
        }
        true
    }

    fn advance(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn line_end(rest: &str) -> usize {
    rest.find('\n').unwrap_or(rest.len())
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// A literal that ends at the first `quote` without a backslash before it.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// A character literal, or nothing when the quote starts a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => quoted(rest, '\''),
        _ => 0,
    }
}

/// `r"…"`, `br#"…"#`, `cr"…"`; raw identifiers are code.
fn raw_string(rest: &str) -> usize {
    let Some(after_prefix) = ["br", "cr", "r"].iter().find_map(|p| rest.strip_prefix(p)) else {
        return 0;
    };
    let after_hashes = after_prefix.trim_start_matches('#');
    if !after_hashes.starts_with('"') {
        return 0;
    }
    let hashes = after_prefix.len() - after_hashes.len();
    let closing = format!("\"{}", "#".repeat(hashes));
    let opening = rest.len() - after_hashes.len() + 1;
    let body = rest.get(opening..).unwrap_or_default();
    body.find(&closing)
        .map_or(rest.len(), |end| opening + end + closing.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_blanked_and_code_stays() {
        for (source, code) in [
            ("a // b { \"\nc", "a         \nc"),
            ("a /* { /* x */ } */ b", "a                   b"),
            (r#"a "b \" { c" d"#, "a            d"),
            ("a 'x' b", "a     b"),
            (r"a '\'' b", "a      b"),
            ("a 'é' b", "a     b"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("r#\"a\"{\"#;", "        ;"),
            ("br\"a\\\";", "      ;"),
            ("b\"{\";", "b   ;"),
            ("r#fn();", "r#fn();"),
            ("bar\"{\";", "bar   ;"),
            ("unterminated \"{", "unterminated   "),
        ] {
            assert_eq!(only_code(source), code, "{source}");
        }
    }

    #[test]
    fn lines_stay_where_they_are() {
        let source = "a\n\"b\nc\"\n/*\n\n*/ d\n";
        assert_eq!(only_code(source).lines().count(), source.lines().count());
        assert_eq!(only_code(source).lines().nth(5), Some("   d"));
    }
}
