//! Credentials that are known by what stands before them: a name such as
//! `password=`, a scheme such as `Bearer`, a user in a URL.

use super::mask::{Kind, Span, is_masked};
use super::names;
use super::policy::{Meaning, RedactionPolicy};
use super::secret::{is_token, position};

/// Longest name that is looked at before `=` or `:`.
const MAX_NAME: usize = 64;
/// Most white space between a name and its value.
const MAX_SPACE: usize = 4;
/// A word of so many small letters behind a scheme is prose.
const MAX_PROSE: usize = 20;

/// Finds credentials in folded text.
pub(super) fn find(policy: &RedactionPolicy, bytes: &[u8], found: &mut Vec<Span>) {
    if bytes.iter().any(|byte| matches!(byte, b'=' | b':')) {
        find_named(policy, bytes, found);
        find_url_passwords(bytes, found);
    }
    find_words(bytes, found);
}

fn push(bytes: &[u8], start: usize, end: usize, found: &mut Vec<Span>) -> bool {
    let value = bytes.get(start..end).unwrap_or_default();
    if value.is_empty() || is_masked(value) {
        return false;
    }
    found.push(Span {
        start,
        end,
        kind: Kind::Secret,
    });
    true
}

fn count(bytes: &[u8], from: usize, most: usize, test: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default().iter();
    rest.take(most).take_while(|byte| test(**byte)).count()
}

/// `name = value`, `"name": "value"`, `name=>value` and the like.
fn find_named(policy: &RedactionPolicy, bytes: &[u8], found: &mut Vec<Span>) {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..)
        && let Some(place) = rest.iter().position(|byte| matches!(byte, b'=' | b':'))
    {
        let sign = at + place;
        at = sign + 1;
        // `token: x`, and in two words `API key: x`.
        let names = [1, 2].map(|words| name_before(bytes, sign, words));
        let mut names = names.into_iter().flatten();
        let Some(name) = names.find(|name| policy.meaning(name) == Meaning::Secret) else {
            continue;
        };
        let (start, end) = value_after(bytes, sign + 1, to_line_end(name));
        if push(bytes, start, end, found) {
            at = end;
        }
    }
}

/// Header fields whose values have spaces in them.
fn to_line_end(name: &str) -> bool {
    let name = names::plain(name);
    name.ends_with("authorization") || name.ends_with("cookie")
}

/// The last words before a sign, quotes between them and the sign left out.
fn name_before(bytes: &[u8], sign: usize, words: usize) -> Option<&str> {
    let before = bytes.get(..sign)?;
    let quotes = |b: &&u8| matches!(b, b' ' | b'"' | b'\'' | b'\\' | b'`' | b']');
    let skipped = before.iter().rev().take(MAX_SPACE).take_while(quotes);
    let before = before.get(..before.len() - skipped.count())?;
    let mut spaces = 0;
    let length = before
        .iter()
        .rev()
        .take(MAX_NAME)
        .take_while(|byte| {
            spaces += usize::from(**byte == b' ');
            let of_name = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' ');
            of_name && spaces < words
        })
        .count();
    let name = before.get(before.len() - length..)?;
    let name = std::str::from_utf8(name).ok();
    name.filter(|name| !name.is_empty())
}

/// Where a value begins and ends, its quotes left out.
fn value_after(bytes: &[u8], from: usize, whole_line: bool) -> (usize, usize) {
    let mut start = from + count(bytes, from, 1, |byte| matches!(byte, b'>' | b'='));
    start += count(bytes, start, MAX_SPACE, |byte| matches!(byte, b' ' | b'\t'));
    let slashes = count(bytes, start, 2, |byte| byte == b'\\');
    let rest = |start: usize| bytes.get(start..).unwrap_or_default();
    if let Some(quote @ (b'"' | b'\'' | b'`')) = rest(start + slashes).first().copied() {
        start += slashes + 1;
        let mut escaped = false;
        let inner = rest(start).iter().take_while(|byte| {
            // In text that was quoted twice the closing quote has a backslash as well.
            let closes = **byte == quote && (!escaped || slashes > 0);
            escaped = **byte == b'\\' && !escaped;
            !closes
        });
        let length = inner.count();
        let last = rest(start).get(..length);
        let slash = usize::from(slashes > 0 && last.and_then(<[u8]>::last) == Some(&b'\\'));
        return (start, start + length - slash);
    }
    let ends = |byte: u8| {
        if whole_line {
            matches!(byte, b'\n' | b'\r' | b'"' | b'\'')
        } else {
            byte.is_ascii_whitespace()
                || matches!(
                    byte,
                    b',' | b';' | b'&' | b')' | b'}' | b'"' | b'\'' | b'<' | b'|'
                )
        }
    };
    (
        start,
        start + count(bytes, start, usize::MAX, |byte| !ends(byte)),
    )
}

/// The password in `scheme://user:password@host`.
fn find_url_passwords(bytes: &[u8], found: &mut Vec<Span>) {
    let mut at = 0;
    while let Some(place) = position(bytes, b"://", at) {
        let start = place + 3;
        let length = count(bytes, start, usize::MAX, |byte| {
            !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'?' | b'#' | b'"' | b'<' | b'>')
        });
        at = start + length;
        let authority = bytes.get(start..at).unwrap_or_default();
        let user = authority.iter().rposition(|byte| *byte == b'@');
        let colon = authority.iter().position(|byte| *byte == b':');
        if let (Some(user), Some(colon)) = (user, colon)
            && colon < user
        {
            push(bytes, start + colon + 1, start + user, found);
        }
    }
}

/// Credentials behind a scheme, and card verification codes and PINs behind
/// their names.
fn find_words(bytes: &[u8], found: &mut Vec<Span>) {
    let mut at = 0;
    while at < bytes.len() {
        let length = count(bytes, at, usize::MAX, |byte| byte.is_ascii_alphanumeric());
        let word = bytes.get(at..at + length).unwrap_or_default();
        let after = at + length;
        at = after + usize::from(length == 0);
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        match word.len() {
            5 | 6 if is("bearer") || is("basic") => find_scheme(bytes, after, found),
            3 | 4 if names::CARD_CODE.iter().any(|name| is(name)) => {
                find_code(bytes, after, 3..=4, found);
            }
            3 if is("pin") => find_code(bytes, after, 4..=12, found),
            _ => {}
        }
    }
}

fn find_scheme(bytes: &[u8], after: usize, found: &mut Vec<Span>) {
    let space = count(bytes, after, MAX_SPACE, |byte| matches!(byte, b' ' | b'\t'));
    let start = after + space;
    // Tokens that are not cut at the end of the sentence lose nothing by it.
    let length = count(bytes, start, usize::MAX, is_token);
    let token = bytes.get(start..start + length).unwrap_or_default();
    let prose = length <= MAX_PROSE
        && token
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b':' | b'-'));
    if space > 0 && length >= 6 && !prose {
        push(bytes, start, start + length, found);
    }
}

fn find_code(
    bytes: &[u8],
    after: usize,
    digits: std::ops::RangeInclusive<usize>,
    found: &mut Vec<Span>,
) {
    let filler = |byte: u8| matches!(byte, b' ' | b':' | b'=' | b'#' | b'"' | b'\'');
    let mut start = after + count(bytes, after, MAX_SPACE, filler);
    for word in [&b"code"[..], b"number", b"is", b"was"] {
        let rest = bytes.get(start..).unwrap_or_default();
        if start > after && rest.starts_with(word) {
            start += word.len();
            start += count(bytes, start, MAX_SPACE, filler);
        }
    }
    let length = count(bytes, start, *digits.end() + 1, |byte| {
        byte.is_ascii_digit()
    });
    if start > after && digits.contains(&length) {
        push(bytes, start, start + length, found);
    }
}
