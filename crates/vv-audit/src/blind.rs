//! Finding sealed fields without opening them: a keyed hash per tenant, field
//! and value. The rows are no evidence and go when their subject is erased.

use std::net::IpAddr;

use unicode_normalization::UnicodeNormalization as _;
use vv_base::{SubjectId, TenantId};
use vv_crypto::AuditIndexKey;

use crate::event::Event;

/// Fields that can be searched for.
pub const SEARCHABLE: [&str; 4] = ["email", "identifier", "ip", "phone"];

/// Bytes of the hash that are kept. Collisions cost a superfluous hit, which
/// the reader drops after opening the field.
const INDEX: usize = 16;
const SUBJECT: usize = 16;

/// One sealed field that can be found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BlindEntry {
    pub(crate) subject: SubjectId,
    pub(crate) index: [u8; INDEX],
}

/// The index of a value; `field` is one of [`SEARCHABLE`].
pub(crate) fn index_of(
    key: &AuditIndexKey,
    chain: TenantId,
    field: &str,
    value: &str,
) -> [u8; INDEX] {
    shorten(&key.index(Some(chain), family(field), &normalise(field, value)))
}

/// The index under every key generation, for a search.
pub(crate) fn candidates(
    key: &AuditIndexKey,
    chain: TenantId,
    field: &str,
    value: &str,
) -> Vec<[u8; INDEX]> {
    let found = key.candidates(Some(chain), family(field), &normalise(field, value));
    found.iter().map(shorten).collect()
}

/// Addresses typed into the sign-in form are e-mail addresses as well.
fn family(field: &str) -> &str {
    if field == "identifier" {
        "email"
    } else {
        field
    }
}

/// Whether a field that was opened is the one that was searched for.
pub(crate) fn same(wanted_field: &str, wanted: &str, field: &str, found: &str) -> bool {
    family(wanted_field) == family(field)
        && normalise(wanted_field, wanted) == normalise(field, found)
}

/// The spellings that people use for one value are brought to one.
fn normalise(field: &str, value: &str) -> String {
    let value = value.trim();
    match field {
        "ip" => match value.parse::<IpAddr>() {
            Ok(ip) => ip.to_canonical().to_string(),
            Err(_) => value.to_lowercase(),
        },
        "phone" => value
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/'))
            .collect(),
        _ => value.nfc().collect::<String>().to_lowercase(),
    }
}

fn shorten(hash: &[u8; 32]) -> [u8; INDEX] {
    let mut short = [0; INDEX];
    short
        .iter_mut()
        .zip(hash)
        .for_each(|(to, from)| *to = *from);
    short
}

/// The entries of an event. Fields of erased subjects are not stored at all.
pub(crate) fn entries(key: &AuditIndexKey, chain: TenantId, event: &Event) -> Vec<BlindEntry> {
    let mut found: Vec<BlindEntry> = event
        .personal
        .iter()
        .filter(|personal| SEARCHABLE.contains(&personal.field.as_ref()))
        .filter(|personal| personal.sealer.is_live())
        .map(|personal| BlindEntry {
            subject: personal.sealer.subject(),
            index: index_of(key, chain, &personal.field, &personal.text),
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

pub(crate) fn encode(entries: &[BlindEntry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * (SUBJECT + INDEX));
    for entry in entries {
        bytes.extend_from_slice(entry.subject.as_bytes());
        bytes.extend_from_slice(&entry.index);
    }
    bytes
}

pub(crate) fn decode(bytes: &[u8]) -> Option<Vec<BlindEntry>> {
    let mut rest = bytes;
    let mut entries = Vec::new();
    while let Some((subject, tail)) = rest.split_first_chunk::<SUBJECT>() {
        let (index, tail) = tail.split_first_chunk::<INDEX>()?;
        let subject = SubjectId::from_bytes(*subject);
        entries.push(BlindEntry {
            subject,
            index: *index,
        });
        rest = tail;
    }
    rest.is_empty().then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_their_encoding_and_damage_is_noticed() {
        let entries = vec![
            BlindEntry {
                subject: SubjectId::from_bytes([1; 16]),
                index: [2; 16],
            };
            3
        ];
        let bytes = encode(&entries);
        assert_eq!(decode(&bytes), Some(entries));
        assert_eq!(decode(&bytes[1..]), None);
        assert_eq!(decode(b""), Some(Vec::new()));
    }

    #[test]
    fn spelling_does_not_matter() {
        assert_eq!(normalise("email", " Ann@Example.COM "), "ann@example.com");
        assert!(same("ip", "::FFFF:198.51.100.7", "ip", "198.51.100.7"));
        assert!(same("phone", "+49 (30) 1234-5", "phone", "+493012345"));
        assert!(same("email", "Ann@x.de", "identifier", "ann@x.de"));
        assert!(!same("email", "ann@x.de", "phone", "ann@x.de"));
        assert_eq!(family("identifier"), family("email"));
        assert_ne!(family("ip"), family("email"));
    }
}
