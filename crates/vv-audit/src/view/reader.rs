//! The strict reader of canonical bodies. It accepts the one spelling and
//! nothing else, so a text that was read needs no comparison with a re-encoded one.

use std::borrow::Cow;
use std::iter;

use unicode_normalization::is_nfc;

use crate::body::MAX_INTEGER;

/// Text of a body as it stands there: between the quotes, escapes in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyText<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> BodyText<'a> {
    /// The spelling in the body, with its escapes.
    pub const fn raw(self) -> &'a str {
        self.raw
    }

    /// The text, borrowed when nothing in it was escaped.
    pub fn decoded(self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(self.chars().collect())
        } else {
            Cow::Borrowed(self.raw)
        }
    }

    /// The text without quotes and escapes, character by character.
    pub fn chars(self) -> impl Iterator<Item = char> + 'a {
        let mut rest = self.raw.chars();
        iter::from_fn(move || match rest.next()? {
            '\\' => Some(match rest.next()? {
                'b' => '\u{8}',
                't' => '\t',
                'n' => '\n',
                'f' => '\u{c}',
                'r' => '\r',
                'u' => {
                    let code = rest.by_ref().take(4).try_fold(0, |code, digit| {
                        digit.to_digit(16).map(|digit| code * 16 + digit)
                    })?;
                    char::from_u32(code)?
                }
                itself => itself,
            }),
            plain => Some(plain),
        })
    }

    fn follows(self, before: Self) -> bool {
        if self.escaped || before.escaped {
            before.chars().lt(self.chars())
        } else {
            before.raw < self.raw
        }
    }
}

impl PartialEq<str> for BodyText<'_> {
    fn eq(&self, other: &str) -> bool {
        if self.escaped {
            self.chars().eq(other.chars())
        } else {
            self.raw == other
        }
    }
}

impl PartialEq<&str> for BodyText<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

/// A value of a body; lists and objects as their canonical text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyValue<'a> {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number, |n| ≤ 2^53 − 1.
    Int(i64),
    /// Text.
    Text(BodyText<'a>),
    /// A list, brackets included.
    List(&'a str),
    /// An object, braces included.
    Object(&'a str),
}

/// Reads canonical JSON from front to back. Every method returns `None` where
/// the text is not what it should be; the reader is of no use afterwards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Everything has been read.
    pub(crate) fn end(&self) -> Option<()> {
        (self.at == self.text.len()).then_some(())
    }

    /// Reads exactly these bytes.
    #[inline]
    pub(crate) fn literal(&mut self, expected: &str) -> Option<()> {
        self.rest().starts_with(expected.as_bytes()).then(|| {
            self.at += expected.len();
        })
    }

    /// Whether another member of a list or object comes before it closes.
    /// Reads the separator or the closing byte.
    pub(crate) fn more(&mut self, first: bool, close: u8) -> Option<bool> {
        let byte = self.peek()?;
        if byte == close {
            self.at += 1;
            return Some(false);
        }
        if !first {
            self.literal(",")?;
        }
        Some(true)
    }

    /// Reads the key of a member and its colon; keys are ASCII and ascend.
    pub(crate) fn key(&mut self, before: Option<BodyText<'a>>) -> Option<BodyText<'a>> {
        let key = self.string()?;
        if !key.raw.is_ascii() || before.is_some_and(|before| !key.follows(before)) {
            return None;
        }
        self.literal(":")?;
        Some(key)
    }

    pub(crate) fn string(&mut self) -> Option<BodyText<'a>> {
        self.literal("\"")?;
        let start = self.at;
        let (mut escaped, mut ascii) = (false, true);
        loop {
            let rest = self.rest();
            let plain = plain_run(rest);
            self.at += plain;
            match rest.get(plain)? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += escape_length(rest.get(plain..)?)?;
                }
                0x80.. => {
                    ascii = false;
                    let wide = rest.iter().skip(plain).take_while(|byte| **byte >= 0x80);
                    self.at += wide.count();
                }
                _ => return None,
            }
        }
        let raw = self.text.get(start..self.at)?;
        self.at += 1;
        (ascii || is_normal(raw, escaped)).then_some(BodyText { raw, escaped })
    }

    /// A text or `null`.
    #[expect(
        clippy::option_option,
        reason = "nothing where it cannot be read, nothing within for null"
    )]
    pub(crate) fn string_or_null(&mut self) -> Option<Option<BodyText<'a>>> {
        if self.peek()? == b'n' {
            self.literal("null").map(|()| None)
        } else {
            self.string().map(Some)
        }
    }

    /// A whole number in its shortest spelling; there is no minus zero.
    pub(crate) fn int(&mut self) -> Option<i64> {
        let negative = self.literal("-").is_some();
        let rest = self.rest();
        let mut value = 0_i64;
        let mut digits = 0_usize;
        for byte in rest.iter().take_while(|byte| byte.is_ascii_digit()) {
            // Sixteen digits hold the largest number allowed and stay far from overflow.
            if digits == 16 {
                return None;
            }
            value = value * 10 + i64::from(byte - b'0');
            digits += 1;
        }
        let leading_zero = rest.first() == Some(&b'0') && (digits > 1 || negative);
        if digits == 0 || leading_zero || value > MAX_INTEGER {
            return None;
        }
        self.at += digits;
        Some(if negative { -value } else { value })
    }

    /// Any value whose lists and objects nest at most `depth` deep.
    pub(crate) fn value(&mut self, depth: usize) -> Option<BodyValue<'a>> {
        let start = self.at;
        Some(match self.peek()? {
            b'"' => BodyValue::Text(self.string()?),
            b'{' => {
                let depth = depth.checked_sub(1)?;
                self.at += 1;
                let mut before = None;
                while self.more(before.is_none(), b'}')? {
                    before = Some(self.key(before)?);
                    self.value(depth)?;
                }
                BodyValue::Object(self.text.get(start..self.at)?)
            }
            b'[' => {
                let depth = depth.checked_sub(1)?;
                self.at += 1;
                let mut first = true;
                while self.more(first, b']')? {
                    first = false;
                    self.value(depth)?;
                }
                BodyValue::List(self.text.get(start..self.at)?)
            }
            b'n' => self.literal("null").map(|()| BodyValue::Null)?,
            b't' => self.literal("true").map(|()| BodyValue::Bool(true))?,
            b'f' => self.literal("false").map(|()| BodyValue::Bool(false))?,
            _ => BodyValue::Int(self.int()?),
        })
    }

    /// What was read since a position of [`Reader::position`].
    pub(crate) fn since(&self, start: usize) -> Option<&'a str> {
        self.text.get(start..self.at)
    }

    pub(crate) const fn position(&self) -> usize {
        self.at
    }
}

/// One byte, eight times.
const fn eight(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// How many bytes come before the first that is not plain: a quote, a
/// backslash, a control character or part of a character beyond ASCII.
#[inline]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    let mut run = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ eight(b'"');
        let slash = word ^ eight(b'\\');
        // A byte below n borrows into its top bit when n is taken away. Borrows
        // reach only bytes above one that is truly below, so the lowest bit is right.
        let special = (word.wrapping_sub(eight(0x20)) & !word)
            | (quote.wrapping_sub(eight(1)) & !quote)
            | (slash.wrapping_sub(eight(1)) & !slash)
            | word;
        let special = special & eight(0x80);
        if special != 0 {
            return run + usize::try_from(special.trailing_zeros() / 8).unwrap_or(0);
        }
        run += 8;
    }
    let plain = |byte: &&u8| matches!(**byte, 0x20..0x80) && !matches!(**byte, b'"' | b'\\');
    run + tail.iter().take_while(plain).count()
}

/// The length of an escape that the canonical form uses (RFC 8785 §3.2.2.2).
fn escape_length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [_, b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r', ..] => Some(2),
        [
            _,
            b'u',
            b'0',
            b'0',
            b'0',
            b'0'..=b'7' | b'b' | b'e' | b'f',
            ..,
        ]
        | [_, b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', ..] => Some(6),
        _ => None,
    }
}

/// What an escape stands for composes with nothing, so the pieces between
/// escapes can be judged one by one.
fn is_normal(raw: &str, escaped: bool) -> bool {
    if !escaped {
        return is_nfc(raw);
    }
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        if !is_nfc(before) {
            return false;
        }
        let escape = if after.starts_with('u') { 5 } else { 1 };
        rest = after.get(escape..).unwrap_or_default();
    }
    is_nfc(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each byte value in each place of a word and behind it, alone and before others.
    #[test]
    fn a_plain_run_ends_at_the_first_special_byte() {
        for length in [1, 7, 8, 9, 16, 21] {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    for filler in [b'a', b' ', b'!', b'#', 0x7f] {
                        let mut bytes = vec![filler; length];
                        bytes[place] = byte;
                        let special = matches!(byte, b'"' | b'\\' | 0..0x20 | 0x80..);
                        let expected = if special { place } else { length };
                        assert_eq!(plain_run(&bytes), expected, "{bytes:?}");
                        bytes[place..].fill(byte);
                        assert_eq!(plain_run(&bytes), expected, "{bytes:?}");
                    }
                }
            }
        }
    }
}
