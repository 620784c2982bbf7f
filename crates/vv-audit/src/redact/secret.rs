//! Credentials that are known by their own form: tokens with a prefix, JSON web
//! tokens, private keys, card track data.

use super::mask::{Kind, Span};

/// How a token begins, how many characters it has at least behind that, and
/// whether it may begin in the middle of a word.
struct Prefix(&'static [u8], usize, bool);

const PREFIXES: &[Prefix] = &[
    // This product: refresh tokens, API keys, root keys.
    Prefix(b"vvr1_", 16, true),
    Prefix(b"vv_live_", 16, true),
    Prefix(b"vv_test_", 16, true),
    Prefix(b"vvroot1:", 16, true),
    // Others, as their makers publish them for secret scanners.
    Prefix(b"AGE-SECRET-KEY-1", 20, true),
    Prefix(b"AIza", 30, false),
    Prefix(b"AKIA", 16, false),
    Prefix(b"ASIA", 16, false),
    Prefix(b"SG.", 30, false),
    Prefix(b"dop_v1_", 20, true),
    Prefix(b"ghp_", 20, true),
    Prefix(b"gho_", 20, true),
    Prefix(b"ghu_", 20, true),
    Prefix(b"ghs_", 20, true),
    Prefix(b"ghr_", 20, true),
    Prefix(b"github_pat_", 20, true),
    Prefix(b"glpat-", 16, true),
    Prefix(b"hf_", 30, false),
    Prefix(b"hvs.", 20, false),
    Prefix(b"npm_", 30, false),
    Prefix(b"pypi-", 30, false),
    Prefix(b"rk_live_", 16, true),
    Prefix(b"rk_test_", 16, true),
    Prefix(b"shpat_", 20, true),
    Prefix(b"sk-ant-", 16, false),
    Prefix(b"sk-proj-", 16, false),
    Prefix(b"sk-", 32, false),
    Prefix(b"sk_live_", 16, true),
    Prefix(b"sk_test_", 16, true),
    Prefix(b"whsec_", 16, true),
    Prefix(b"xapp-", 16, false),
    Prefix(b"xoxa-", 10, false),
    Prefix(b"xoxb-", 10, false),
    Prefix(b"xoxe-", 10, false),
    Prefix(b"xoxp-", 10, false),
    Prefix(b"xoxr-", 10, false),
    Prefix(b"xoxs-", 10, false),
    Prefix(b"ya29.", 20, false),
];

/// Length of this product's console cookie, which has no prefix.
const COOKIE: usize = 64;
/// Shortest JSON web token; the shortest header alone has more than half of that.
const MIN_JWT: usize = 24;
/// Most characters of the name on track 1, and some more.
const MAX_TRACK: usize = 128;

/// Finds credentials in folded text.
pub(super) fn find(bytes: &[u8], found: &mut Vec<Span>) {
    find_tokens(bytes, found);
    find_cookies(bytes, found);
    find_private_keys(bytes, found);
    find_tracks(bytes, found);
}

fn push(found: &mut Vec<Span>, start: usize, end: usize) {
    found.push(Span {
        start,
        end,
        kind: Kind::Secret,
    });
}

/// What base64 in either alphabet and the punctuation of tokens consist of.
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'/' | b'=' | b'~' | b':')
}

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn count(bytes: &[u8], test: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| test(**byte)).count()
}

fn find_tokens(bytes: &[u8], found: &mut Vec<Span>) {
    let mut before = b' ';
    let mut at = 0;
    // Up to here no JSON web token begins; keeps the search linear.
    let mut no_jwt = 0;
    while let Some(rest) = bytes.get(at..)
        && let Some(first) = rest.first()
    {
        let length = match first {
            b'e' if at >= no_jwt && rest.starts_with(b"eyJ") => {
                let run = count(rest, |byte| is_base64url(byte) || byte == b'.');
                let whole = rest.get(..run).unwrap_or_default();
                no_jwt = at + run;
                (run >= MIN_JWT && whole.contains(&b'.')).then_some(run)
            }
            _ if may_begin(rest) => prefixed(rest, before),
            _ => None,
        };
        let step = length.unwrap_or(1);
        if let Some(length) = length {
            push(found, at, at + length);
        }
        before = bytes.get(at + step - 1).copied().unwrap_or(b' ');
        at += step;
    }
}

/// A quick look at the first two bytes, for nearly all text has no token.
const fn may_begin(rest: &[u8]) -> bool {
    matches!(
        rest,
        [b'A', b'G' | b'I' | b'K' | b'S', ..]
            | [b'S', b'G', ..]
            | [b'd', b'o', ..]
            | [b'g', b'h' | b'i' | b'l', ..]
            | [b'h', b'f' | b'v', ..]
            | [b'n', b'p', ..]
            | [b'p', b'y', ..]
            | [b'r', b'k', ..]
            | [b's', b'h' | b'k', ..]
            | [b'v', b'v' | b'_', ..]
            | [b'w', b'h', ..]
            | [b'x', b'a' | b'o', ..]
            | [b'y', b'a', ..]
    )
}

/// The length of a token with a known prefix at the start of `rest`.
fn prefixed(rest: &[u8], before: u8) -> Option<usize> {
    PREFIXES.iter().find_map(|Prefix(prefix, least, inside)| {
        let tail = rest.strip_prefix(*prefix)?;
        if !inside && before.is_ascii_alphanumeric() {
            return None;
        }
        let enough = tail.iter().take(*least).filter(|b| is_token(**b)).count() == *least;
        enough.then(|| prefix.len() + count(tail, is_token))
    })
}

fn find_cookies(bytes: &[u8], found: &mut Vec<Span>) {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() >= COOKIE) {
        let run = count(rest, is_base64url);
        let word = rest.get(..run).unwrap_or_default();
        let has = |test: fn(&u8) -> bool| word.iter().any(test);
        if run == COOKIE
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_digit)
        {
            push(found, at, at + run);
        }
        at += run + 1;
    }
}

/// The place of `needle` at or after `from`.
pub(super) fn position(bytes: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let place = rest.windows(needle.len()).position(|part| part == needle)?;
    Some(from + place)
}

/// PEM and the formats that imitate it. A key that is cut off is masked to the
/// end of the text.
fn find_private_keys(bytes: &[u8], found: &mut Vec<Span>) {
    const DASHES: &[u8] = b"-----";
    let mut at = 0;
    while let Some(start) = position(bytes, b"-----BEGIN", at) {
        let label = start + b"-----BEGIN".len();
        let label_end = position(bytes, DASHES, label).unwrap_or(bytes.len());
        at = label_end;
        if position(
            bytes.get(..label_end).unwrap_or_default(),
            b"PRIVATE KEY",
            label,
        )
        .is_none()
        {
            continue;
        }
        let end = position(bytes, b"-----END", label_end)
            .and_then(|end| position(bytes, DASHES, end + DASHES.len()))
            .map_or(bytes.len(), |end| end + DASHES.len());
        push(found, start, end);
        at = end;
    }
}

/// Magnetic stripe data (ISO/IEC 7813), with and without sentinels.
fn find_tracks(bytes: &[u8], found: &mut Vec<Span>) {
    for (at, byte) in bytes.iter().enumerate() {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        match byte {
            // Track 1: % B number ^ name ^ expiry, service code, discretionary data ?
            b'^' => {
                let before = bytes.get(..at).unwrap_or_default();
                let number = before
                    .iter()
                    .rev()
                    .take(24)
                    .take_while(|b| b.is_ascii_digit() || **b == b' ')
                    .count();
                let letter = before.len().checked_sub(number + 1);
                let letter = letter.filter(|at| matches!(bytes.get(*at), Some(b'B' | b'b')));
                if let Some(start) = letter
                    && number >= 12
                {
                    let sentinel = usize::from(start > 0 && bytes.get(start - 1) == Some(&b'%'));
                    push(found, start - sentinel, at + 1 + track_rest(rest));
                }
            }
            // Track 2: ; number = expiry, service code, discretionary data ?
            b'=' | b'D' => {
                let before = bytes.get(..at).unwrap_or_default();
                let number = before
                    .iter()
                    .rev()
                    .take(20)
                    .take_while(|b| b.is_ascii_digit())
                    .count();
                let expiry = count(rest.get(..7).unwrap_or(rest), |b| b.is_ascii_digit());
                if (12..=19).contains(&number) && expiry == 7 {
                    let start = at - number;
                    let sentinel = usize::from(start > 0 && bytes.get(start - 1) == Some(&b';'));
                    let digits = count(rest, |byte| byte.is_ascii_digit());
                    let close = usize::from(rest.get(digits) == Some(&b'?'));
                    push(found, start - sentinel, at + 1 + digits + close);
                }
            }
            _ => {}
        }
    }
}

/// Track 1 behind its first caret, up to the end sentinel or the line's end.
fn track_rest(rest: &[u8]) -> usize {
    let rest = rest.get(..MAX_TRACK).unwrap_or(rest);
    let line = count(rest, |byte| !matches!(byte, b'\n' | b'\r'));
    let line = rest.get(..line).unwrap_or_default();
    let close = line.iter().position(|byte| *byte == b'?');
    close.map_or(line.len(), |close| close + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_is_found_where_it_may_begin() {
        for Prefix(prefix, least, inside) in PREFIXES {
            let token = [prefix, "a1B2".repeat(16).as_bytes()].concat();
            let short = token.get(..prefix.len() + least - 1).expect("long enough");
            let count = |text: &[u8]| {
                let mut found = Vec::new();
                find_tokens(text, &mut found);
                found.len()
            };
            let name = String::from_utf8_lossy(prefix);
            assert_eq!(count(&token), 1, "{name}");
            assert_eq!(count(short), 0, "{name}");
            let glued = [b"a", token.as_slice()].concat();
            assert_eq!(count(&glued), usize::from(*inside), "{name}");
        }
    }
}
