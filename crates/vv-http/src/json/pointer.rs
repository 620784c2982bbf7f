//! From the place of an error to the value it is about.

use super::Scanner;

/// Which value an error's place means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The value that the reader was at.
    At,
    /// The value that the reader had just finished.
    Before,
}

/// The JSON pointer (RFC 6901) of the innermost value meant by `line` and
/// `column` (both from 1, as `serde_json` counts). Empty for the whole text,
/// and when the text is not well-formed up to there.
pub fn pointer_at(bytes: &[u8], line: usize, column: usize, place: Place) -> String {
    let offset = offset_of(bytes, line, column);
    let target = match place {
        Place::At => start_of_next_value(bytes, offset),
        Place::Before => end_of_last_value(bytes, offset),
    };
    let mut scanner = Scanner::new(bytes, Some(target));
    // Only what was found counts; a fault later in the text does not matter.
    let _ = scanner.text();
    scanner.found.unwrap_or_default()
}

/// Adds one reference token to a JSON pointer, escaped.
pub fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for c in token.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

fn offset_of(bytes: &[u8], line: usize, column: usize) -> usize {
    let lines_before = line.saturating_sub(1);
    let start: usize = bytes
        .split(|b| *b == b'\n')
        .take(lines_before)
        .map(|l| l.len() + 1)
        .sum();
    start.saturating_add(column.saturating_sub(1))
}

/// `serde_json` reports an array or object of the wrong type before its first
/// byte, at the colon, comma, bracket or space there. The value meant is next.
fn start_of_next_value(bytes: &[u8], target: usize) -> usize {
    let rest = bytes.get(target..).unwrap_or_default();
    let spaces = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let before = spaces(rest);
    let mark = usize::from(matches!(rest.get(before), Some(b':' | b',' | b'[')) && before == 0);
    let after = spaces(rest.get(before + mark..).unwrap_or_default());
    target.saturating_add(before + mark + after)
}

/// An error that a type of ours raises after reading a value is placed where
/// `serde_json` got to by then: past spaces, or past the bracket that closes
/// what is around the value.
fn end_of_last_value(bytes: &[u8], target: usize) -> usize {
    let spaces_before = |end: usize| {
        let before = bytes.get(..end).unwrap_or(bytes);
        before
            .iter()
            .rev()
            .take_while(|b| b.is_ascii_whitespace())
            .count()
    };
    let mut at = target;
    at = at.saturating_sub(spaces_before(at.saturating_add(1)));
    if matches!(bytes.get(at), Some(b'}' | b']')) {
        at = at.saturating_sub(1 + spaces_before(at));
    }
    at
}
