//! E-mail and IP addresses in text.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::fold::LETTER;
use super::mask::{Kind, Span};

/// Longest text of an IPv6 address with an embedded IPv4 address.
const MAX_IPV6: usize = 45;
/// Longest quoted local part (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 66;

/// Finds e-mail addresses: a local part, `@` or `%40`, and a domain with a dot.
pub(super) fn find_emails(bytes: &[u8], found: &mut Vec<Span>) {
    for (at, byte) in bytes.iter().enumerate() {
        let after = match byte {
            b'@' => at + 1,
            b'%' if bytes.get(at..).is_some_and(|rest| rest.starts_with(b"%40")) => at + 3,
            _ => continue,
        };
        let (before, rest) = (
            bytes.get(..at).unwrap_or_default(),
            bytes.get(after..).unwrap_or_default(),
        );
        if let (Some(local), Some(domain)) = (local_length(before), domain_length(rest)) {
            found.push(Span {
                start: at - local,
                end: after + domain,
                kind: Kind::Email,
            });
        }
    }
}

fn local_length(before: &[u8]) -> Option<usize> {
    if before.last() == Some(&b'"') {
        let mut quoted = before.iter().rev().take(MAX_LOCAL).skip(1);
        return quoted.position(|byte| *byte == b'"').map(|inner| inner + 2);
    }
    let length = before.iter().rev().take_while(|b| is_local(**b)).count();
    (length > 0).then_some(length)
}

/// Letters, digits and what people use of RFC 5322 atext, without the
/// separators of URLs and settings.
const fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'.' | b'_' | b'-' | b'+' | b'\'' | b'!' | b'#' | b'$' | b'*' | b'^' | b'~' | b'%'
        )
        || byte == LETTER
}

fn domain_length(rest: &[u8]) -> Option<usize> {
    let is_domain =
        |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'.' | b'-' | LETTER);
    let run = rest.iter().take_while(is_domain).count();
    let domain = rest.get(..run)?;
    // A full stop or dash behind the address is no part of it.
    let length = domain
        .iter()
        .rposition(|byte| !matches!(byte, b'.' | b'-'))?
        + 1;
    let domain = domain.get(..length)?;
    let labels: Vec<&[u8]> = domain.split(|byte| *byte == b'.').collect();
    let dotted = labels.len() > 1 && labels.first().is_some_and(|label| !label.is_empty());
    dotted.then_some(length)
}

/// Finds IP addresses as [`std::net`] reads them; in IPv4 also zeros in front.
/// A version number of four parts looks the same unless a `v` stands before it.
pub(super) fn find_ips(bytes: &[u8], found: &mut Vec<Span>) {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let run = rest
            .iter()
            .take_while(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'))
            .count();
        let next = rest.get(run).copied().unwrap_or(b' ');
        let run_bytes = rest.get(..run).unwrap_or_default();
        if !is_word(next) && run_bytes.contains(&b':') {
            // A word and a colon before the address may end in hexadecimal digits.
            let whole = !is_word(before(bytes, at)) && push_ipv6(run_bytes, at, found);
            let label = run_bytes.iter().position(|byte| *byte == b':').unwrap_or(0) + 1;
            let behind = run_bytes.get(label..).unwrap_or_default();
            if !whole && (behind.first() != Some(&b':')) {
                push_ipv6(behind, at + label, found);
            }
        }
        push_ipv4s(bytes, at, run, found);
        at += run + 1;
    }
}

fn before(bytes: &[u8], at: usize) -> u8 {
    let index = at.checked_sub(1);
    index
        .and_then(|index| bytes.get(index).copied())
        .unwrap_or(b' ')
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == LETTER
}

fn push_ipv6(run: &[u8], at: usize, found: &mut Vec<Span>) -> bool {
    // Colons and full stops of the sentence may cling to the end.
    for trail in 0..=2 {
        let Some((text, cut)) = run.split_at_checked(run.len().saturating_sub(trail)) else {
            return false;
        };
        if text.len() < 3 || !cut.iter().all(|byte| matches!(byte, b':' | b'.')) {
            return false;
        }
        let address = (text.len() <= MAX_IPV6).then_some(text);
        let address = address.and_then(|text| std::str::from_utf8(text).ok());
        if address.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok()) {
            found.push(Span {
                start: at,
                end: at + text.len(),
                kind: Kind::Ip,
            });
            return true;
        }
    }
    false
}

/// Looks for dotted quads in a run of hexadecimal digits, dots and colons.
fn push_ipv4s(bytes: &[u8], start: usize, run: usize, found: &mut Vec<Span>) {
    let end = start + run;
    let mut at = start;
    while at < end {
        let rest = bytes.get(at..end).unwrap_or_default();
        let length = rest
            .iter()
            .take_while(|b| b.is_ascii_digit() || **b == b'.')
            .count();
        let quad = rest.get(..length).unwrap_or_default();
        let lead = quad.iter().take_while(|byte| **byte == b'.').count();
        let last = quad.iter().rposition(|byte| *byte != b'.');
        if let Some(quad) = last.and_then(|last| quad.get(lead..=last)) {
            let (first, after) = (at + lead, at + lead + quad.len());
            let next = bytes.get(after).copied().unwrap_or(b' ');
            let version = lead == 0
                && matches!(before(bytes, first), b'v' | b'V')
                && !is_word(before(bytes, first.saturating_sub(1)));
            if !version && !is_word(next) && is_quad(quad) {
                found.push(Span {
                    start: first,
                    end: after,
                    kind: Kind::Ip,
                });
            }
        }
        at += length + 1;
    }
}

fn is_quad(text: &[u8]) -> bool {
    let part = |part: &[u8]| {
        let text = std::str::from_utf8(part).ok()?;
        (part.len() <= 3).then(|| text.parse::<u8>().ok()).flatten()
    };
    let mut parts = text.split(|byte| *byte == b'.').map(part);
    let mut octets = [0; 4];
    for octet in &mut octets {
        let Some(Some(value)) = parts.next() else {
            return false;
        };
        *octet = value;
    }
    // The unspecified address says nothing about anybody.
    parts.next().is_none() && !Ipv4Addr::from(octets).is_unspecified()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found_in(text: &str, find: fn(&[u8], &mut Vec<Span>)) -> Vec<&str> {
        let mut found = Vec::new();
        find(text.as_bytes(), &mut found);
        found
            .iter()
            .map(|span| &text[span.start..span.end])
            .collect()
    }

    #[test]
    fn addresses_are_found_without_the_text_around_them() {
        for (text, expected) in [
            (
                "mail ada.lovelace+x@example.co.uk.",
                "ada.lovelace+x@example.co.uk",
            ),
            ("<mailto:o'neil@example.org>", "o'neil@example.org"),
            ("?to=a%40b.example&x", "a%40b.example"),
            ("\"ada l\"@example.org", "\"ada l\"@example.org"),
            ("git@github.com:x/y", "git@github.com"),
        ] {
            assert_eq!(found_in(text, find_emails), [expected], "{text}");
        }
        for text in [
            "a @ b.com",
            "@handle",
            "root@localhost",
            "a@.",
            "x@",
            "50%400",
            "@@",
        ] {
            assert!(found_in(text, find_emails).is_empty(), "{text}");
        }
    }

    #[test]
    fn ip_addresses_are_found_without_the_text_around_them() {
        for (text, expected) in [
            ("from 192.0.2.1.", "192.0.2.1"),
            ("from 192.000.002.001:80", "192.000.002.001"),
            ("host=10.0.0.1/24", "10.0.0.1"),
            ("ip10.0.0.1", "10.0.0.1"),
            ("peer [2001:db8::1]:443", "2001:db8::1"),
            ("2001:db8::1: refused", "2001:db8::1"),
            (
                "peer:2001:0db8:0000:0000:0000:ff00:0042:8329",
                "2001:0db8:0000:0000:0000:ff00:0042:8329",
            ),
            ("fe80::1%eth0", "fe80::1"),
            ("node:fe80::2", "fe80::2"),
            ("dead:2001:db8:0:0:0:0:0:1", "2001:db8:0:0:0:0:0:1"),
            ("(::ffff:192.0.2.1)", "::ffff:192.0.2.1"),
            ("at ::1.", "::1"),
        ] {
            assert_eq!(found_in(text, find_ips).first(), Some(&expected), "{text}");
        }
        for text in [
            "v1.2.3.4",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "18:03:11",
            "2026-11-22T18:03:11.123",
            "aa:bb:cc:dd:ee:ff",
            "std::fmt",
            "a::b::c!",
            "::",
            "0.0.0.0",
            "x 1:2",
        ] {
            assert_eq!(found_in(text, find_ips), [""; 0], "{text}");
        }
    }
}
