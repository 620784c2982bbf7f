//! The rules a new password must pass. Pure and table-tested.
//!
//! NIST SP 800-63B-4 §3.1.1.2: length in code points after NFC normalisation,
//! every character allowed, no composition rules, the whole value checked
//! against what attackers try first, and against words of the context.

use serde::Serialize;
use unicode_normalization::UnicodeNormalization as _;
use vv_base::Secret;

/// Shortest password, in code points.
pub const MIN_PASSWORD_LENGTH: u16 = 12;
const MIN_LENGTH: usize = 12;
/// Longest password, in code points.
const MAX_LENGTH: usize = 256;
/// Estimation cost grows with length; the first part already decides.
const ESTIMATED_LENGTH: usize = 64;
/// A password that falls within 10^8 guesses is refused.
const MIN_GUESSES_LOG10: f64 = 8.0;
/// Bits at which the score reaches 100.
const FULL_SCORE_BITS: f64 = 80.0;

/// What the password must not contain.
#[derive(Debug, Clone, Copy, Default)]
pub struct PasswordContext<'a> {
    /// The person's name for signing in, if it is not the e-mail address.
    pub username: Option<&'a str>,
    /// The person's e-mail address.
    pub email: Option<&'a str>,
    /// The tenant's name.
    pub tenant: Option<&'a str>,
}

/// One reason to refuse a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Stable code such as `password.too_short`.
    pub code: &'static str,
    /// The reason in a sentence.
    pub message: String,
}

/// One piece of advice.
pub type Advice = String;

/// The judgement on a password.
#[derive(Debug, Clone, Serialize)]
pub struct Assessment {
    /// No fault was found.
    pub valid: bool,
    /// 0 (worthless) to 100 (80 bits or more).
    pub score: u8,
    /// Estimated bits an attacker must guess, rounded to a tenth.
    pub entropy_bits: f64,
    /// Why it is refused.
    pub errors: Vec<Fault>,
    /// How to do better.
    pub suggestions: Vec<Advice>,
}

/// The form in which passwords are judged and hashed: Unicode NFC.
pub(crate) fn normalize(password: &str) -> Secret<String> {
    Secret::new(password.nfc().collect())
}

/// Judges a password on the spot; takes milliseconds for long ones.
pub fn assess(password: &str, context: &PasswordContext<'_>) -> Assessment {
    judge(normalize(password).expose(), &context_words(context))
}

/// Judges a normalised password against words that it must not consist of.
pub(super) fn judge(text: &str, words: &[String]) -> Assessment {
    let mut errors = Vec::new();
    let length = text.chars().count();
    if length < MIN_LENGTH {
        errors.push(Fault {
            code: "password.too_short",
            message: format!("Use at least {MIN_LENGTH} characters; this has {length}."),
        });
    }
    if length > MAX_LENGTH {
        errors.push(Fault {
            code: "password.too_long",
            message: format!("Use at most {MAX_LENGTH} characters."),
        });
    }
    if text.contains('\0') {
        errors.push(Fault {
            code: "password.null_character",
            message: "The null character cannot be typed everywhere; leave it out.".to_owned(),
        });
    }
    if let Some(word) = contained_word(text, words) {
        errors.push(Fault {
            code: "password.contains_context",
            message: format!("Leave out “{word}”: attackers try it first."),
        });
    }
    let estimate = estimate(text, words);
    if length >= MIN_LENGTH && estimate.guesses_log10 < MIN_GUESSES_LOG10 {
        errors.push(Fault {
            code: "password.too_guessable",
            message: "This is among the first passwords an attacker would try.".to_owned(),
        });
    }
    let bits = estimate.guesses_log10 * std::f64::consts::LOG2_10;
    Assessment {
        valid: errors.is_empty(),
        score: score(bits),
        entropy_bits: (bits * 10.0).round() / 10.0,
        suggestions: suggestions(&estimate, length, errors.is_empty()),
        errors,
    }
}

struct Estimate {
    guesses_log10: f64,
    advice: Vec<String>,
}

fn estimate(text: &str, words: &[String]) -> Estimate {
    let head: Secret<String> = Secret::new(text.chars().take(ESTIMATED_LENGTH).collect());
    let inputs: Vec<&str> = words.iter().map(String::as_str).collect();
    let judged = zxcvbn::zxcvbn(head.expose(), &inputs);
    let advice = judged.feedback().map_or_else(Vec::new, |feedback| {
        feedback
            .suggestions()
            .iter()
            .map(ToString::to_string)
            .collect()
    });
    Estimate {
        guesses_log10: judged.guesses_log10().max(0.0),
        advice,
    }
}

fn suggestions(estimate: &Estimate, length: usize, valid: bool) -> Vec<Advice> {
    if valid {
        return Vec::new();
    }
    let mut advice = estimate.advice.clone();
    if length < MIN_LENGTH {
        advice.insert(0, "Four unrelated words make a good password.".to_owned());
    }
    advice
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped to 0..=100 just before"
)]
fn score(bits: f64) -> u8 {
    (bits / FULL_SCORE_BITS * 100.0).clamp(0.0, 100.0).round() as u8
}

/// Words of three letters or fewer say too little to forbid.
pub(super) fn context_words(context: &PasswordContext<'_>) -> Vec<String> {
    let email_parts = context
        .email
        .into_iter()
        .flat_map(|email| email.split(['@', '.', '+', '-', '_']));
    let named = [context.username, context.tenant];
    let name_parts = named.into_iter().flatten().flat_map(str::split_whitespace);
    let mut words: Vec<String> = email_parts
        .chain(name_parts)
        .chain(["valueverse"])
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() > 3)
        .collect();
    words.sort_unstable();
    words.dedup();
    words.truncate(32);
    words
}

/// The first context word that makes up a third or more of the password.
fn contained_word<'a>(text: &str, words: &'a [String]) -> Option<&'a String> {
    let lower = text.to_lowercase();
    let length = lower.chars().count();
    words
        .iter()
        .find(|word| lower.contains(word.as_str()) && word.chars().count() * 3 >= length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(password: &str, context: &PasswordContext<'_>) -> Vec<&'static str> {
        assess(password, context)
            .errors
            .into_iter()
            .map(|fault| fault.code)
            .collect()
    }

    #[test]
    fn the_table_of_accepted_and_refused_passwords() {
        let context = PasswordContext {
            username: None,
            email: Some("alice.miller@northwind.example"),
            tenant: Some("Northwind Traders"),
        };
        let rows: &[(&str, &[&str])] = &[
            ("correct horse battery staple", &[]),
            ("größer als Zürich 42", &[]),
            ("🦊🦉🐢🦔🐙🦋🐝🦀🐬🦜🐘🦚", &[]),
            ("short", &["password.too_short"]),
            ("", &["password.too_short"]),
            ("passwordpassword", &["password.too_guessable"]),
            ("123456789012", &["password.too_guessable"]),
            ("aaaaaaaaaaaaaaaa", &["password.too_guessable"]),
            ("northwind-9!xq#", &["password.contains_context"]),
            ("a gentle tide of northwind stories", &[]),
            ("with\0null inside it", &["password.null_character"]),
        ];
        for (password, expected) in rows {
            assert_eq!(codes(password, &context), *expected, "{password:?}");
        }
        let long = "ab cd".repeat(60);
        assert_eq!(codes(&long, &context), ["password.too_long"]);
    }

    #[test]
    fn composed_and_decomposed_spellings_are_one_password() {
        assert_eq!(normalize("e\u{301}").expose(), normalize("\u{e9}").expose());
    }

    #[test]
    fn scores_run_from_0_to_100() {
        assert_eq!(score(0.0), 0);
        assert_eq!(score(40.0), 50);
        assert_eq!(score(1e9), 100);
        assert_eq!(score(f64::NAN), 0);
    }
}
