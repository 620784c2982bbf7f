use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization as _;

use super::AccountError;

/// An e-mail address in the one form under which we store and find it:
/// trimmed, in lowercase and in Unicode NFC.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Longest address, RFC 5321 §4.5.3.1.3 less the angle brackets.
    const MAX_BYTES: usize = 254;
    /// Longest part before the at sign, RFC 5321 §4.5.3.1.1.
    const MAX_LOCAL_BYTES: usize = 64;

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = AccountError;

    /// Accepts what mail servers deliver to: one at sign, something on both
    /// sides, a dotted or single-label host, no spaces or control characters.
    fn from_str(text: &str) -> Result<Self, AccountError> {
        let text = text.trim();
        let (local, host) = text.rsplit_once('@').ok_or(AccountError::Email)?;
        let labels_fit = host
            .split('.')
            .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
        let fits = text.len() <= Self::MAX_BYTES
            && !local.is_empty()
            && local.len() <= Self::MAX_LOCAL_BYTES
            && labels_fit
            && !local.contains('@')
            && !text
                .chars()
                .any(|c| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c))
            && !text.chars().any(is_invisible);
        if fits {
            Ok(Self(text.to_lowercase().nfc().collect()))
        } else {
            Err(AccountError::Email)
        }
    }
}

/// Characters that show nothing or turn the writing direction: with them two
/// addresses can look the same.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Addresses are personal: they do not belong in logs.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_one_spelling() {
        let address: EmailAddress = " Ada@Example.ORG ".parse().unwrap();
        assert_eq!(address.as_str(), "ada@example.org");
        let decomposed: EmailAddress = "jose\u{301}@example.org".parse().unwrap();
        assert_eq!(decomposed.as_str(), "jos\u{e9}@example.org");
        assert!("a\u{200b}b@example.org".parse::<EmailAddress>().is_err());
        assert!("a\u{202e}b@example.org".parse::<EmailAddress>().is_err());
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in [
            "", "@", "a@", "@b", "a b@c", "a@b@c", "a@b..c", "a@-b", "a@b\n", "a\u{0}@b", "<a@b>",
        ] {
            let parsed = text.parse::<EmailAddress>();
            if text == "a@b\n" {
                assert!(parsed.is_ok(), "a line end around the address is trimmed");
            } else {
                assert!(parsed.is_err(), "{text:?}");
            }
        }
        assert!(
            format!("{}@b.example", "x".repeat(65))
                .parse::<EmailAddress>()
                .is_err()
        );
    }
}
