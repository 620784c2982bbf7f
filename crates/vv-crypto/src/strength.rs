//! Recognises secrets that protect nothing: too short, published, repeated.
//!
//! This catches mistakes. It cannot tell a random text from a clever sentence;
//! secrets are expected to come from a random generator.

use std::collections::HashSet;
use std::fmt;

/// Fewest bytes a secret may have.
const MIN_BYTES: usize = 32;
/// Fewest different bytes in a secret of at least [`MIN_BYTES`].
const MIN_DISTINCT: usize = 10;

/// What is wrong with a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Nothing there.
    Empty,
    /// A placeholder from a template or a secret printed in some documentation.
    Placeholder,
    /// Fewer than 32 bytes.
    Short,
    /// One piece written several times.
    Repeated,
    /// Made of a handful of different characters.
    FewCharacters,
    /// Characters counted up or down.
    Sequence,
}

impl Weakness {
    /// The reason as it completes "the secret …".
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Empty => "is empty",
            Self::Placeholder => "is a placeholder or a published default",
            Self::Short => "is shorter than 32 bytes",
            Self::Repeated => "repeats one piece of text",
            Self::FewCharacters => "uses too few different characters",
            Self::Sequence => "is a plain sequence of characters",
        }
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

/// Why this text must not be used as a key or signing secret in production;
/// `None` if nothing speaks against it.
pub fn weak_secret(value: &str) -> Option<&'static str> {
    weakness(value).map(Weakness::reason)
}

/// Like [`weak_secret`], for code that branches on the kind.
pub fn weakness(value: &str) -> Option<Weakness> {
    let value = value.trim();
    if value.is_empty() {
        return Some(Weakness::Empty);
    }
    if is_placeholder(value) {
        return Some(Weakness::Placeholder);
    }
    if value.len() < MIN_BYTES {
        return Some(Weakness::Short);
    }
    weak_pattern(value.as_bytes())
}

/// Patterns no random generator produces.
pub(crate) fn weak_pattern(bytes: &[u8]) -> Option<Weakness> {
    let repeats = |period: usize| {
        bytes
            .iter()
            .zip(bytes.iter().skip(period))
            .all(|(a, b)| a == b)
    };
    // A long text is checked for short periods only, to keep this linear.
    if (1..=(bytes.len() / 2).min(128)).any(repeats) {
        return Some(Weakness::Repeated);
    }
    if bytes.iter().collect::<HashSet<_>>().len() < MIN_DISTINCT {
        return Some(Weakness::FewCharacters);
    }
    let steps = |step: u8| {
        bytes
            .iter()
            .zip(bytes.iter().skip(1))
            .filter(|(a, b)| a.wrapping_add(step) == **b)
            .count()
    };
    let half = bytes.len() / 2;
    if steps(1) > half || steps(u8::MAX) > half {
        return Some(Weakness::Sequence);
    }
    None
}

/// Whether a text is a template placeholder, a well-known default or a secret
/// printed in widely copied documentation. Of any length, so it also serves
/// for passwords of mail servers and the like.
pub fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    let bracketed = [
        ("<", ">"),
        ("{{", "}}"),
        ("${", "}"),
        ("[", "]"),
        ("%", "%"),
    ]
    .iter()
    .any(|(open, close)| {
        value.len() > open.len() && value.starts_with(open) && value.ends_with(close)
    });
    if bracketed || PUBLISHED.contains(&value) {
        return true;
    }
    let plain: String = value
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let stem = plain.trim_end_matches(|c: char| c.is_ascii_digit());
    WHOLE.contains(&stem) || PARTS.iter().any(|part| plain.contains(part))
}

/// Defaults as a whole, compared in lower case without punctuation and without
/// trailing digits.
const WHOLE: &[&str] = &[
    "admin",
    "changeit",
    "default",
    "demo",
    "dev",
    "development",
    "dummy",
    "example",
    "foobar",
    "jwtsecret",
    "key",
    "letmein",
    "masterkey",
    "mysecret",
    "none",
    "null",
    "pass",
    "password",
    "production",
    "qwerty",
    "root",
    "sample",
    "secret",
    "secretkey",
    "secretpassword",
    "test",
    "testing",
    "testkey",
    "testsecret",
    "todo",
    "token",
    "undefined",
];

/// Pieces that appear in placeholders only. Eight characters or more: a random
/// secret contains one of them less than once in a billion times.
const PARTS: &[&str] = &[
    "changeme",
    "changethis",
    "defaultkey",
    "defaultpassword",
    "defaultsecret",
    "developmentkey",
    "developmentsecret",
    "djangoinsecure",
    "donotuse",
    "examplekey",
    "examplesecret",
    "fromhsmorkms",
    "generateme",
    "generatewith",
    "generateyour",
    "insecurekey",
    "insecuresecret",
    "insertyour",
    "jwtsecretkey",
    "mysecretkey",
    "mysupersecret",
    "notasecret",
    "notsecure",
    "opensslrand",
    "passwordpassword",
    "pcimasterkey",
    "placeholder",
    "putyour",
    "replaceme",
    "replacethis",
    "replacewith",
    "secretsecret",
    "secretstokenurlsafe",
    "securerandomkey",
    "setinproduction",
    "supersecret",
    "testsecretkey",
    "topsecret",
    "verysecret",
    "verysecure",
    "yourapikey",
    "yourjwt",
    "yourmasterkey",
    "yourpassword",
    "yoursecret",
    "yoursecure",
    "yoursuper",
    "yourverysecure",
];

/// Secrets printed in documentation that people copy, exactly as printed.
const PUBLISHED: &[&str] = &[
    // FastAPI security tutorial
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    // jwt.io debugger, old and new
    "your-256-bit-secret",
    "a-string-secret-at-least-256-bits-long",
    // RFC 7515 A.1
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    // Fernet examples
    "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_weakness_is_told_apart() {
        let cases = [
            ("", Weakness::Empty),
            ("  \n", Weakness::Empty),
            ("changeme", Weakness::Placeholder),
            (
                "CHANGE_ME_please_before_going_live_0x1",
                Weakness::Placeholder,
            ),
            ("secret", Weakness::Placeholder),
            ("Password123", Weakness::Placeholder),
            ("your-secret-key", Weakness::Placeholder),
            (
                "<generate-with-secrets.token_urlsafe(32)>",
                Weakness::Placeholder,
            ),
            ("<secure-random-key>", Weakness::Placeholder),
            ("<from-hsm-or-kms>", Weakness::Placeholder),
            ("${JWT_SECRET_KEY}", Weakness::Placeholder),
            (
                "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
                Weakness::Placeholder,
            ),
            ("pL9w_2vXk3", Weakness::Short),
            ("kJ8#kJ8#kJ8#kJ8#kJ8#kJ8#kJ8#kJ8#kJ", Weakness::Repeated),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Weakness::Repeated),
            ("0123456789abcdef0123456789abcdef", Weakness::Repeated),
            ("abbabaabbaababbabaababbaabbabaab", Weakness::FewCharacters),
            ("0123456789abcdefghijklmnopqrstuv", Weakness::Sequence),
            ("zyxwvutsrqponmlkjihgfedcba987654", Weakness::Sequence),
        ];
        for (value, expected) in cases {
            assert_eq!(weakness(value), Some(expected), "{value}");
        }
    }

    #[test]
    fn generated_secrets_pass() {
        for value in [
            "wJd2Qe7bVx0yPfT4nKc9uZ1hLr6sGm3aXo8iEtRkYvB",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "q3T8zN+o/5rKpW1xYc7dVb2mLe9hSg4jUf6aXi0kQnE=",
        ] {
            assert_eq!(weak_secret(value), None, "{value}");
        }
    }
}
