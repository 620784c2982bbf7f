//! Text as the detectors see it: one byte for each character, with digits of
//! any script, full-width forms, odd spaces and dashes brought to ASCII and
//! invisible characters left out.

use std::borrow::Cow;
use std::ops::Range;

/// Stands for a letter beyond ASCII.
pub(super) const LETTER: u8 = 0x80;
/// Stands for anything else beyond ASCII.
pub(super) const OTHER: u8 = 0x81;

/// The zeros of all sets of decimal digits (general category Nd, Unicode 14).
const ZEROS: &[u32] = &[
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66,
    0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90,
    0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
    0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650,
    0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50,
    0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
];

/// Folded text that remembers where each byte came from.
pub(super) struct Folded<'a> {
    bytes: Cow<'a, [u8]>,
    /// For text beyond ASCII, the offset of each byte's character and the length.
    offsets: Vec<usize>,
}

impl<'a> Folded<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        if text.is_ascii() {
            return Self {
                bytes: Cow::Borrowed(text.as_bytes()),
                offsets: Vec::new(),
            };
        }
        let mut bytes = Vec::with_capacity(text.len());
        let mut offsets = Vec::with_capacity(text.len() + 1);
        for (offset, c) in text.char_indices() {
            if let Some(byte) = fold(c) {
                bytes.push(byte);
                offsets.push(offset);
            }
        }
        offsets.push(text.len());
        Self {
            bytes: Cow::Owned(bytes),
            offsets,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The range in the text that a range of folded bytes came from.
    pub(super) fn original(&self, folded: Range<usize>) -> Range<usize> {
        let at = |index: usize| self.offsets.get(index).copied().unwrap_or(index);
        at(folded.start)..at(folded.end)
    }
}

/// `None` for what nobody sees.
fn fold(c: char) -> Option<u8> {
    if let Ok(byte) = u8::try_from(c)
        && byte.is_ascii()
    {
        return Some(byte);
    }
    Some(match c {
        '\u{ad}'
        | '\u{300}'..='\u{36f}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' => return None,
        // Full-width forms lie in the order of ASCII.
        '\u{ff01}'..='\u{ff5e}' => u8::try_from(u32::from(c) - 0xFEE0).unwrap_or(OTHER),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => b'-',
        '\u{2024}' | '\u{3002}' | '\u{fe52}' | '\u{ff61}' => b'.',
        '\u{fe6b}' => b'@',
        '\u{b9}' => b'1',
        '\u{b2}' => b'2',
        '\u{b3}' => b'3',
        _ if c.is_whitespace() => b' ',
        _ => digit(c).unwrap_or(if c.is_alphanumeric() { LETTER } else { OTHER }),
    })
}

fn digit(c: char) -> Option<u8> {
    let code = u32::from(c);
    let zero = match code {
        // Superscripts and subscripts, which lie in order but for one to three.
        0x2070 | 0x2074..=0x2079 => 0x2070,
        0x2080..=0x2089 => 0x2080,
        _ => {
            let after = ZEROS.partition_point(|zero| *zero <= code);
            *ZEROS.get(after.checked_sub(1)?)?
        }
    };
    let value = u8::try_from(code - zero).ok()?;
    (value < 10).then_some(b'0' + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_other_scripts_become_ascii() {
        let text = "\u{ff14}\u{0661}\u{0967}\u{1d7cf}\u{2075}\u{2081}\u{b2}";
        assert_eq!(Folded::new(text).bytes(), b"4111512");
    }

    #[test]
    fn ranges_lead_back_to_the_text() {
        let text = "\u{e9}\u{200b}a\u{ff20}b \u{20ac}";
        let folded = Folded::new(text);
        assert_eq!(folded.bytes(), &[LETTER, b'a', b'@', b'b', b' ', OTHER]);
        assert_eq!(&text[folded.original(1..4)], "a\u{ff20}b");
        assert_eq!(folded.original(0..6), 0..text.len());
        assert_eq!(Folded::new("abc").original(1..2), 1..2);
    }
}
