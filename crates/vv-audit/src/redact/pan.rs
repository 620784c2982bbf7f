//! Card numbers: 13 to 19 digits, alone or in groups with one space or hyphen
//! between, that a known brand issues and whose check digit is right.
//!
//! Of random strings of 16 digits 4 in 100 look like this, of other lengths 1 to
//! 2.5 in 100; a test counts them. Digits inside a UUID or a hexadecimal hash are left alone, and
//! so is a run of more than 19 digits without separators.

use super::mask::{Kind, Span};

/// Fewest and most digits of a card number.
const MIN_DIGITS: usize = 13;
const MAX_DIGITS: usize = 19;
/// Shortest mix of hexadecimal letters and digits taken for a hash or an id.
const MIN_HASH: usize = 32;

/// Numbers that brands issue: first and last value of the leading six digits,
/// and how many digits the whole may have. UATP, which begins with 1, is left
/// out, because times in milliseconds do so too.
const ISSUED: &[(u32, u32, &[usize])] = &[
    // Mir, Borica.
    (220_000, 220_599, &[16, 17, 18, 19]),
    // Mastercard.
    (222_100, 272_099, &[16]),
    // Diners Club.
    (300_000, 305_999, &[14, 15, 16, 17, 18, 19]),
    (309_500, 309_599, &[14, 15, 16, 17, 18, 19]),
    // American Express.
    (340_000, 349_999, &[15]),
    // JCB.
    (352_800, 358_999, &[16, 17, 18, 19]),
    // Diners Club.
    (360_000, 369_999, &[14, 15, 16, 17, 18, 19]),
    // American Express.
    (370_000, 379_999, &[15]),
    // Diners Club, Discover.
    (380_000, 399_999, &[14, 15, 16, 17, 18, 19]),
    // Visa, and national brands beside it.
    (400_000, 499_999, &[13, 16, 19]),
    // Maestro, Verve, Dankort, Elo.
    (500_000, 509_999, &[13, 14, 15, 16, 17, 18, 19]),
    // Mastercard.
    (510_000, 559_999, &[16]),
    // Maestro.
    (560_000, 589_999, &[13, 14, 15, 16, 17, 18, 19]),
    // Discover, RuPay.
    (600_000, 609_999, &[16, 17, 18, 19]),
    // UnionPay, Discover.
    (620_000, 629_999, &[16, 17, 18, 19]),
    // Maestro, InstaPayment, InterPayment, Elo, Hipercard.
    (630_000, 639_999, &[13, 14, 15, 16, 17, 18, 19]),
    // Discover, RuPay, Troy.
    (644_000, 659_999, &[16, 17, 18, 19]),
    // Maestro.
    (670_000, 679_999, &[13, 14, 15, 16, 17, 18, 19]),
    // UnionPay, RuPay.
    (810_000, 829_999, &[16, 17, 18, 19]),
    // Uzcard.
    (860_000, 860_099, &[16]),
    // Troy.
    (979_200, 979_299, &[16]),
    // Humo.
    (986_000, 986_099, &[16]),
];

/// Whether digits, given as values, are a card number.
fn is_pan(digits: &[u8]) -> bool {
    let Some(leading) = digits.first_chunk::<6>() else {
        return false;
    };
    let leading = leading
        .iter()
        .fold(0, |n, digit| n * 10 + u32::from(*digit));
    let issued = ISSUED.iter().any(|(first, last, lengths)| {
        (*first..=*last).contains(&leading) && lengths.contains(&digits.len())
    });
    issued && luhn(digits)
}

/// ISO/IEC 7812-1, annex B.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let doubled = u32::from(*digit) * if place % 2 == 1 { 2 } else { 1 };
            doubled / 10 + doubled % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Groups of digits with one separator between each two.
#[derive(Default)]
struct Chain {
    digits: Vec<u8>,
    places: Vec<usize>,
    /// Index of the first digit of each group.
    groups: Vec<usize>,
}

impl Chain {
    fn push(&mut self, byte: u8, place: usize) {
        self.digits.push(byte - b'0');
        self.places.push(place);
    }

    fn open_group(&mut self) {
        self.groups.push(self.digits.len());
    }

    /// Looks at every run of whole groups and starts afresh.
    fn close(&mut self, found: &mut Vec<Span>) {
        if self.digits.len() >= MIN_DIGITS {
            self.search(found);
        }
        self.digits.clear();
        self.places.clear();
        self.groups.clear();
    }

    fn search(&self, found: &mut Vec<Span>) {
        let ends = self.groups.iter().copied().skip(1);
        let ends: Vec<usize> = ends.chain([self.digits.len()]).collect();
        for (number, start) in self.groups.iter().enumerate() {
            for end in ends.iter().skip(number) {
                let length = end - start;
                if length > MAX_DIGITS {
                    break;
                }
                let digits = self.digits.get(*start..*end).unwrap_or_default();
                if length >= MIN_DIGITS && is_pan(digits) {
                    found.extend(self.span(*start, *end));
                }
            }
        }
    }

    fn span(&self, start: usize, end: usize) -> Option<Span> {
        let last: [u8; 4] = *self.digits.get(start..end)?.last_chunk()?;
        Some(Span {
            start: *self.places.get(start)?,
            end: self.places.get(end.checked_sub(1)?)? + 1,
            kind: Kind::Pan(last.map(|digit| b'0' + digit)),
        })
    }
}

/// Finds card numbers in folded text.
pub(super) fn find(bytes: &[u8], found: &mut Vec<Span>) {
    if bytes.iter().filter(|byte| byte.is_ascii_digit()).count() < MIN_DIGITS {
        return;
    }
    let mut chain = Chain::default();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        let word = rest.get(..length).unwrap_or_default();
        if word.is_empty() {
            // One separator joins two groups, anything else parts them.
            let joins = matches!(rest, [b' ' | b'-', next, ..] if next.is_ascii_digit());
            let after_digit = at.checked_sub(1).and_then(|before| bytes.get(before));
            if !joins || !after_digit.is_some_and(u8::is_ascii_digit) {
                chain.close(found);
            }
            at += 1;
            continue;
        }
        if let Some(uuid) = rest.first_chunk::<36>()
            && is_uuid(uuid)
            && !rest.get(36).is_some_and(u8::is_ascii_alphanumeric)
        {
            chain.close(found);
            at += 36;
            continue;
        }
        if is_hash(word) {
            chain.close(found);
        } else {
            read_word(word, at, &mut chain, found);
        }
        at += length;
    }
    chain.close(found);
}

fn read_word(word: &[u8], start: usize, chain: &mut Chain, found: &mut Vec<Span>) {
    let mut in_group = false;
    for (index, byte) in word.iter().enumerate() {
        if byte.is_ascii_digit() {
            if !in_group {
                chain.open_group();
            }
            chain.push(*byte, start + index);
            in_group = true;
        } else {
            chain.close(found);
            in_group = false;
        }
    }
}

/// A UUID of a version and variant that RFC 9562 knows.
fn is_uuid(text: &[u8; 36]) -> bool {
    text.iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        14 => matches!(byte, b'1'..=b'8'),
        19 => matches!(byte, b'8' | b'9' | b'a' | b'b' | b'A' | b'B'),
        _ => byte.is_ascii_hexdigit(),
    })
}

fn is_hash(word: &[u8]) -> bool {
    word.len() >= MIN_HASH
        && word.iter().all(u8::is_ascii_hexdigit)
        && word.iter().any(u8::is_ascii_alphabetic)
}

/// The last four digits if a number is a card number.
pub(super) fn last_four(number: u64) -> Option<[u8; 4]> {
    let text = number.to_string();
    let digits: Vec<u8> = text.bytes().map(|byte| byte - b'0').collect();
    if !(MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) || !is_pan(&digits) {
        return None;
    }
    text.as_bytes().last_chunk().copied()
}

#[cfg(test)]
#[path = "pan_tests.rs"]
mod tests;
