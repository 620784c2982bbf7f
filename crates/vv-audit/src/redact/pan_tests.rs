use super::*;

fn found_in(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    find(text.as_bytes(), &mut found);
    let found = super::super::mask::merge(found);
    let spans = found.iter().map(|span| {
        let Kind::Pan(last) = span.kind else {
            panic!("not a card number");
        };
        let last = String::from_utf8(last.to_vec()).expect("digits");
        (&text[span.start..span.end], last)
    });
    spans.collect()
}

/// Numbers as payment processors use them for tests, one or more of each brand.
const CARDS: &[&str] = &[
    "4111111111111111",
    "4012888888881881",
    "4222222222222",
    "4000000760000002",
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "2720990000000007",
    "378282246310005",
    "341111111111111",
    "6011111111111117",
    "6011000990139424",
    "6445644564456445",
    "3530111333300000",
    "3566002020360505",
    "30569309025904",
    "38520000023237",
    "36227206271667",
    "6200000000000005",
    "6304000000000000",
    "6759649826438453",
    "5019717010103742",
    "2200770000000002",
    "8100000000000002",
];

#[test]
fn cards_of_all_brands_are_found_in_any_dress() {
    for card in CARDS {
        let last = card[card.len() - 4..].to_owned();
        assert_eq!(found_in(card), [(*card, last.clone())]);
        for text in [
            format!("card {card}."),
            format!("paid with{card}today"),
            format!("\"{card}\""),
            format!("{card}=x"),
            format!("id:{card},1"),
            format!("+{card}"),
        ] {
            assert_eq!(found_in(&text), [(*card, last.clone())], "{text}");
        }
        for (separator, size) in [(" ", 4), ("-", 4), (" ", 6), ("-", 5), (" ", 1)] {
            let groups: Vec<&str> = card.as_bytes().chunks(size).map(to_text).collect();
            let text = groups.join(separator);
            assert_eq!(found_in(&text), [(&*text, last.clone())], "{text}");
        }
        let number = card.parse().expect("a number");
        assert_eq!(last_four(number).map(Vec::from), Some(last.into_bytes()));
    }
}

fn to_text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("digits")
}

#[test]
fn numbers_beside_a_card_number_do_not_hide_it() {
    for text in [
        "12 4111 1111 1111 1111",
        "4111-1111-1111-1111 12-26 123",
        "1 4111111111111111 2",
        "99-4111111111111111",
        "deadbeef4111111111111111",
        "550e8400-e29b-41d4-a716-446655440000 4111111111111111",
    ] {
        let found = found_in(text);
        let whole = |(part, _): &(&str, String)| {
            let digits: String = part.chars().filter(char::is_ascii_digit).collect();
            digits.contains("4111111111111111")
        };
        assert!(found.iter().any(whole), "{text}: {found:?}");
    }
}

#[test]
fn other_numbers_are_left_alone() {
    for text in [
        "",
        "4111111111111112",
        "411111111111111",
        "41111111111111111111",
        "4111  1111  1111  1111",
        "4111.1111.1111.1111",
        "4111,1111,1111,1111",
        // Times in milliseconds, microseconds and nanoseconds; dates.
        "1795000000000",
        "1795000000000001",
        "1795000000000000008",
        "2026-11-22 18-03-11",
        "20261122180311",
        // Telephone numbers.
        "+49 30 123456 78",
        "+44 20 7946 0958",
        "0049 170 1234567",
        // UUIDs of versions 1, 4 and 7, one without letters.
        "6fa459ea-ee8a-11d2-90d4-00c04fd430c8",
        "550e8400-e29b-41d4-a716-446655440000",
        "41111111-1111-4111-8111-111111111111",
        "0193511e-8a4b-7c1d-9e2f-3a4b5c6d7e8f",
        // Hashes with a card number in them.
        "4111111111111111a4111111111111111b4111111111111111c4111111111111",
        "d41d8cd94111111111111111ecf8427e",
    ] {
        assert_eq!(found_in(text), [], "{text}");
    }
}

/// `SplitMix64`, so that the rate is the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn digits(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from_digit(u32::try_from(self.next() % 10).expect("a digit"), 10))
            .map(|digit| digit.expect("a digit"))
            .collect()
    }
}

/// Per mille of random digits that look like a card number, for 12 to 20 digits.
#[test]
fn false_alarms_on_random_digits_are_as_documented() {
    let mut numbers = Numbers(1);
    let mut rate = |length: usize| {
        let hits = (0..20_000).filter(|_| !found_in(&numbers.digits(length)).is_empty());
        hits.count() / 20
    };
    let rates: Vec<usize> = (12..=20).map(&mut rate).collect();
    assert_eq!(rates, [0, 15, 9, 12, 39, 16, 16, 24, 0]);
}

/// Identifiers of random bits hold no card numbers, however they are written.
#[test]
fn random_identifiers_raise_no_alarm() {
    let mut numbers = Numbers(2);
    for _ in 0..20_000 {
        let (high, low) = (numbers.next(), numbers.next());
        let hex = format!("{high:016x}{low:016x}");
        let uuid = format!(
            "{}-{}-4{}-8{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..]
        );
        assert_eq!(found_in(&uuid), [], "{uuid}");
        assert_eq!(found_in(&hex), [], "{hex}");
    }
}
