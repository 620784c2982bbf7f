//! Words of full-text search. Both engines store and look up what is taken
//! apart here, so that they find the same and a search never becomes syntax.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use vv_base::TenantId;

use super::filter::FilterError;

/// Characters of a word that count.
const MAX_WORD: usize = 64;
/// Most words of a search.
const MAX_WORDS: usize = 8;
/// Longest text of a search, in characters.
const MAX_TEXT: usize = 200;
/// Hex digits of the chain's id in front of each of its words.
const TAG: usize = 12;

/// What a search asks for; all of it must occur.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words(BTreeSet<Wanted>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    word: String,
    /// Longer words that begin like it count as well.
    prefix: bool,
}

impl Words {
    /// Reads what somebody typed: words, each perhaps with a `*` behind it.
    pub(crate) fn parse(text: &str) -> Result<Self, FilterError> {
        if text.chars().count() > MAX_TEXT {
            return Err(FilterError::LongText(MAX_TEXT));
        }
        let mut wanted = BTreeSet::new();
        let mut rest = fold(text);
        rest.push(' ');
        let mut word = String::new();
        for c in rest.chars() {
            if c.is_alphanumeric() {
                word.push(c);
            } else if !word.is_empty() {
                wanted.insert(Wanted {
                    word: cut(&word).to_owned(),
                    prefix: c == '*',
                });
                word.clear();
            }
        }
        match wanted.len() {
            0 => Err(FilterError::NoWords),
            1..=MAX_WORDS => Ok(Self(wanted)),
            _ => Err(FilterError::ManyWords(MAX_WORDS)),
        }
    }

    /// The search in the language of `SQLite`'s full-text index.
    pub(super) fn to_fts5(&self, chain: TenantId) -> String {
        self.join(" AND ", |wanted| {
            let star = if wanted.prefix { "*" } else { "" };
            format!("\"{}{}\"{star}", tag(chain), wanted.word)
        })
    }

    /// The search as a `tsquery` of `PostgreSQL`.
    pub(super) fn to_tsquery(&self, chain: TenantId) -> String {
        self.join(" & ", |wanted| {
            let star = if wanted.prefix { ":*" } else { "" };
            format!("'{}{}'{star}", tag(chain), wanted.word)
        })
    }

    fn join(&self, with: &str, term: impl Fn(&Wanted) -> String) -> String {
        self.0.iter().map(term).collect::<Vec<_>>().join(with)
    }
}

/// The words of a text as they are stored: each once, behind a piece of the
/// chain's id, so that the list of a word holds events of one chain.
pub(crate) fn indexed(chain: TenantId, text: &str) -> String {
    let folded = fold(text);
    let tag = tag(chain);
    let words: BTreeSet<&str> = folded
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(cut)
        .collect();
    let mut out = String::new();
    for word in words {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&tag);
        out.push_str(word);
    }
    out
}

/// Case and accents do not count.
fn fold(text: &str) -> String {
    let lower = text.to_lowercase();
    lower.nfkd().filter(|c| !is_combining_mark(*c)).collect()
}

fn cut(word: &str) -> &str {
    match word.char_indices().nth(MAX_WORD) {
        Some((end, _)) => word.get(..end).unwrap_or(word),
        None => word,
    }
}

/// The end of the id, which is random. Chains that share it do no harm: the
/// events that are found still name their chain.
fn tag(chain: TenantId) -> String {
    let id = hex::encode(chain.as_bytes());
    id.get(id.len() - TAG..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: TenantId = TenantId::from_bytes([0xab; 16]);

    #[test]
    fn a_search_is_quoted_words_and_nothing_else() {
        let hostile = "\" OR x* ' | ! NEAR( a-b* :* a:c";
        let words = Words::parse(hostile).expect("words");
        let plain = words.to_fts5(CHAIN).replace(&tag(CHAIN), "");
        assert_eq!(
            plain,
            r#""a" AND "b"* AND "c" AND "near" AND "or" AND "x"*"#
        );
        let plain = words.to_tsquery(CHAIN).replace(&tag(CHAIN), "");
        assert_eq!(plain, "'a' & 'b':* & 'c' & 'near' & 'or' & 'x':*");
    }

    #[test]
    fn case_accents_and_compatibility_forms_do_not_matter() {
        let stored = indexed(CHAIN, "Café CAFE ﬁne İstanbul x²");
        let words: Vec<_> = stored.split(' ').map(|w| &w[TAG..]).collect();
        assert_eq!(words, ["cafe", "fine", "istanbul", "x2"]);
    }

    #[test]
    fn searches_are_capped() {
        assert_eq!(Words::parse("  *** "), Err(FilterError::NoWords));
        assert_eq!(
            Words::parse("a b c d e f g h i"),
            Err(FilterError::ManyWords(MAX_WORDS))
        );
        assert_eq!(
            Words::parse(&"a".repeat(MAX_TEXT + 1)),
            Err(FilterError::LongText(MAX_TEXT))
        );
        let long = Words::parse(&"é".repeat(MAX_TEXT)).expect("one word");
        assert_eq!(
            long.to_tsquery(CHAIN),
            format!("'abababababab{}'", "e".repeat(MAX_WORD))
        );
    }
}
