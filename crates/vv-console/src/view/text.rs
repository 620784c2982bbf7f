//! Numbers, times and hashes as people read them.

#![expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates hand over references to fields"
)]

use std::fmt::Display;

use vv_base::{Span, Timestamp};

/// A whole number with a comma between thousands: `1,204,518`.
pub(crate) fn number(n: impl Display) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The form of a noun after a whole number: `one` after exactly one, `many` otherwise.
pub(crate) fn plural<'a>(n: impl Display, one: &'a str, many: &'a str) -> &'a str {
    if n.to_string() == "1" { one } else { many }
}

/// The share in percent with one decimal, rounded down: `98.2 %`. So 100 %
/// means all of them.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".into();
    }
    let tenths = u128::from(part.min(whole)) * 1000 / u128::from(whole);
    match (tenths / 10, tenths % 10) {
        (full, 0) => format!("{full} %"),
        (full, tenth) => format!("{full}.{tenth} %"),
    }
}

/// Day and time to the second, in UTC.
pub(crate) fn stamp(at: &Timestamp) -> String {
    at.format_utc("%-d %b %Y, %H:%M:%S UTC")
}

/// Day and time to the second without zone, for tables that name it once.
pub(crate) fn stamp_short(at: &Timestamp) -> String {
    at.format_utc("%-d %b %Y, %H:%M:%S")
}

/// How long ago, or the day when that is more than a week.
pub(crate) fn ago(at: &Timestamp, now: &Timestamp) -> String {
    let seconds = now.since(*at).as_seconds();
    match seconds {
        ..-60 => stamp(at),
        -60..60 => "just now".into(),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..172_800 => "yesterday".into(),
        172_800..604_800 => format!("{} days ago", seconds / 86_400),
        _ => at.format_utc("%-d %b %Y"),
    }
}

/// A length of time in its two largest units: `3 d 4 h`, `12 min`, `8 s`.
pub(crate) fn span(span: &Span) -> String {
    let seconds = span.as_seconds().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// The first characters of a hash, enough to compare two by eye.
pub(crate) fn short(hash: &str) -> String {
    const SHOWN: usize = 12;
    if hash.chars().count() <= SHOWN {
        return hash.into();
    }
    hash.chars().take(SHOWN).chain(['…']).collect()
}

/// A word with its first letter large.
pub(crate) fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// The name of a field in words: `User agent` for `user_agent`.
pub(crate) fn words(name: &str) -> String {
    match name {
        "ip" => "IP address".into(),
        "email" => "E-mail".into(),
        _ => capitalised(&name.replace('_', " ")),
    }
}

/// One or two letters that stand for a person.
pub(crate) fn initials(name: &str) -> String {
    let mut words = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty());
    let first = words.next().and_then(|w| w.chars().next());
    let last = words.next_back().and_then(|w| w.chars().next());
    let letters: String = first
        .into_iter()
        .chain(last)
        .flat_map(char::to_uppercase)
        .collect();
    if letters.is_empty() {
        "?".into()
    } else {
        letters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_204_518), "1,204,518");
        assert_eq!(number(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn a_share_is_never_rounded_up_to_all() {
        assert_eq!(percent(0, 0), "–");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(99_999, 100_000), "99.9 %");
        assert_eq!(percent(u64::MAX, u64::MAX), "100 %");
    }

    #[test]
    fn times_are_told_by_their_distance() {
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let at = |span: Span| ago(&now.minus(span), &now);
        assert_eq!(at(Span::seconds(59)), "just now");
        assert_eq!(at(Span::minutes(59)), "59 min ago");
        assert_eq!(at(Span::hours(23)), "23 h ago");
        assert_eq!(at(Span::days(1)), "yesterday");
        assert_eq!(at(Span::days(6)), "6 days ago");
        assert_eq!(at(Span::days(30)), "16 Dec 2026");
        assert!(
            at(Span::days(-1)).ends_with("UTC"),
            "a future time is shown in full"
        );
    }

    #[test]
    fn spans_show_two_units() {
        assert_eq!(span(&Span::seconds(8)), "8 s");
        assert_eq!(span(&Span::minutes(12)), "12 min");
        assert_eq!(span(&Span::hours(76)), "3 d 4 h");
        assert_eq!(span(&Span::seconds(-5)), "0 s");
    }

    #[test]
    fn hashes_and_names_are_cut_by_characters() {
        assert_eq!(short("0123456789abcdef"), "0123456789ab…");
        assert_eq!(short("ééééééééééééé"), "éééééééééééé…");
        assert_eq!(initials("Ada King Lovelace"), "AL");
        assert_eq!(initials("ß"), "SS");
        assert_eq!(initials("<>"), "?");
        assert_eq!(words("user_agent"), "User agent");
        assert_eq!(words(""), "");
    }
}
