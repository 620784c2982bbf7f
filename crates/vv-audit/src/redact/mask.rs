//! Puts the detectors together and writes the masked text.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use super::fold::Folded;
use super::policy::RedactionPolicy;
use super::{Findings, contact, pan, secret, secret_text};

/// Stands for a whole value.
pub(super) const REDACTED: &str = "[redacted]";
/// Stands for a credential in text.
const SECRET: &str = "[secret]";
const EMAIL: &str = "[email]";
const IP: &str = "[ip]";

/// How often masked text is looked through again. Once is enough unless what
/// was left forms something new.
const ROUNDS: usize = 4;

/// What was found, the weightiest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Ip,
    Email,
    /// A card number and its last four digits, which PCI DSS 4.0.1, 3.4.1, allows to show.
    Pan([u8; 4]),
    Secret,
}

/// Where something was found, in bytes of folded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

/// Masks everything the policy looks for.
pub(super) fn free_text(policy: &RedactionPolicy, text: &str, findings: &mut Findings) -> String {
    rounds(policy, true, text, findings)
}

/// Masks what may not be stored even sealed, but leaves addresses.
pub(super) fn personal_text(
    policy: &RedactionPolicy,
    text: &str,
    findings: &mut Findings,
) -> String {
    rounds(policy, false, text, findings)
}

/// Whether a text is clean.
pub(super) fn is_clean(policy: &RedactionPolicy, text: &str) -> bool {
    find(policy, true, &Folded::new(text)).is_empty()
}

/// The masked form of a card number.
pub(super) fn masked_pan(last: [u8; 4]) -> String {
    let [a, b, c, d] = last.map(char::from);
    format!("[pan ****{a}{b}{c}{d}]")
}

/// Whether a value is what this module writes and nothing else. An unquoted
/// value ends at a space, so of a card number it may see the beginning only.
pub(super) fn is_masked(value: &[u8]) -> bool {
    let whole = [REDACTED, SECRET, EMAIL, IP, "[pan"];
    let whole = whole.iter().any(|mask| value == mask.as_bytes());
    whole || value.strip_prefix(b"[pan ****").is_some_and(|rest| {
        matches!(rest, [a, b, c, d, b']'] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()))
    })
}

fn rounds(
    policy: &RedactionPolicy,
    addresses: bool,
    text: &str,
    findings: &mut Findings,
) -> String {
    let mut text = if is_nfc(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    };
    for _ in 0..ROUNDS {
        let folded = Folded::new(&text);
        let spans = find(policy, addresses, &folded);
        if spans.is_empty() {
            return text.into_owned();
        }
        let masked = write(&text, &folded, &spans, findings);
        text = Cow::Owned(masked);
    }
    if find(policy, addresses, &Folded::new(&text)).is_empty() {
        text.into_owned()
    } else {
        REDACTED.to_owned()
    }
}

/// What is in the text, in order and without overlaps.
fn find(policy: &RedactionPolicy, addresses: bool, folded: &Folded<'_>) -> Vec<Span> {
    let bytes = folded.bytes();
    let mut found = Vec::new();
    secret::find(bytes, &mut found);
    secret_text::find(policy, bytes, &mut found);
    if policy.pan {
        pan::find(bytes, &mut found);
    }
    if addresses && policy.emails {
        contact::find_emails(bytes, &mut found);
    }
    if addresses && policy.ips {
        contact::find_ips(bytes, &mut found);
    }
    merge(found)
}

/// Puts spans in order and makes one of those that overlap.
pub(super) fn merge(mut found: Vec<Span>) -> Vec<Span> {
    found.sort_unstable_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Span> = Vec::with_capacity(found.len());
    for span in found {
        match merged.last_mut() {
            Some(last) if span.start < last.end => {
                // Of two card numbers that overlap, the digits shown are of the later end.
                let both_pans = matches!((last.kind, span.kind), (Kind::Pan(_), Kind::Pan(_)));
                if both_pans && span.end > last.end {
                    last.kind = span.kind;
                } else if !both_pans {
                    last.kind = last.kind.max(span.kind);
                }
                last.end = last.end.max(span.end);
            }
            _ => merged.push(span),
        }
    }
    merged
}

fn write(text: &str, folded: &Folded<'_>, spans: &[Span], findings: &mut Findings) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for span in spans {
        let range = folded.original(span.start..span.end);
        out.push_str(text.get(done..range.start).unwrap_or_default());
        done = range.end;
        match span.kind {
            Kind::Ip => {
                findings.ips += 1;
                out.push_str(IP);
            }
            Kind::Email => {
                findings.emails += 1;
                out.push_str(EMAIL);
            }
            Kind::Pan(last) => {
                findings.pans += 1;
                out.push_str(&masked_pan(last));
            }
            Kind::Secret => {
                findings.secrets += 1;
                out.push_str(SECRET);
            }
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}
