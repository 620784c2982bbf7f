//! The body of `add-checkpoint`.

use vv_crypto::{Checkpoint, Note};

use super::WitnessRefusal;
use crate::proof::{decimal, hash};
use crate::tree::Hash;

/// Longest request, in bytes: a proof, a checkpoint and the signatures of many
/// witnesses.
pub const MAX_WITNESS_REQUEST: usize = 128 << 10;
/// Most lines of a proof.
const MAX_PROOF: usize = 63;

/// `old <size>`, proof lines, an empty line, the checkpoint.
pub(super) struct Request<'a> {
    pub(super) old: u64,
    pub(super) proof: Vec<Hash>,
    pub(super) note: &'a str,
    /// Not verified yet.
    pub(super) checkpoint: Checkpoint,
}

impl<'a> Request<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, WitnessRefusal> {
        let bad = WitnessRefusal::Malformed;
        if body.len() > MAX_WITNESS_REQUEST {
            return Err(bad("it is longer than 128 KiB"));
        }
        let body = std::str::from_utf8(body).map_err(|_| bad("it is not UTF-8"))?;
        let (head, note) = body
            .split_once("\n\n")
            .ok_or(bad("there is no empty line before the checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(decimal)
            .ok_or(bad("the old size line"))?;
        let proof: Vec<Hash> = lines
            .map(hash)
            .collect::<Option<_>>()
            .ok_or(bad("a line of the proof"))?;
        if proof.len() > MAX_PROOF {
            return Err(bad("the proof has more than 63 lines"));
        }
        let parsed = Note::parse(note).map_err(|_| bad("the checkpoint is no signed note"))?;
        let checkpoint = Checkpoint::parse(parsed.text()).map_err(|_| bad("the checkpoint"))?;
        // Sizes are kept in signed columns.
        if i64::try_from(checkpoint.size).is_err() {
            return Err(bad("the size is too large"));
        }
        Ok(Self {
            old,
            proof,
            note,
            checkpoint,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    const EXAMPLE: &str = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
        \n\
        example.com/behind-the-sofa\n\
        20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
        \n\
        \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        \u{2014} example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";

    #[test]
    fn the_example_of_the_specification_is_read() {
        let request = Request::parse(EXAMPLE.as_bytes()).expect("valid");
        assert_eq!((request.old, request.proof.len()), (20_852_014, 4));
        assert_eq!(request.checkpoint.size, 20_852_163);
        assert_eq!(
            request.checkpoint.origin.as_str(),
            "example.com/behind-the-sofa"
        );
        assert!(EXAMPLE.ends_with(request.note));
    }

    #[test]
    fn anything_else_is_malformed() {
        let long = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n".repeat(64);
        for (from, to) in [
            ("old 20852014", "old 020852014"),
            ("old 20852014", "old +1"),
            ("old 20852014", "old -1"),
            ("old 20852014", "old"),
            ("old 20852014", "Old 1"),
            ("old 20852014", "old 18446744073709551616"),
            ("old 20852014\n", ""),
            ("old 20852014\n", "old  20852014\n"),
            ("old 20852014\n", "old 20852014\r\n"),
            ("PlRN", "PlR"),
            ("PlRN", "!!!!"),
            ("kaw=\n", "kaw=\n\n"),
            ("PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n", &long),
            ("20852163", "020852163"),
            ("20852163", "9223372036854775808"),
            ("AYQ8=\n", "AYQ8=\n\n"),
            ("9Q=\n", "9Q="),
        ] {
            let text = EXAMPLE.replacen(from, to, 1);
            assert!(
                matches!(
                    Request::parse(text.as_bytes()),
                    Err(WitnessRefusal::Malformed(_))
                ),
                "{to:?}"
            );
        }
        for body in [&b""[..], b"\xff\n\n", b"old 0\n\n", b"old 0\n"] {
            assert!(Request::parse(body).is_err());
        }
        let large = vec![b'a'; MAX_WITNESS_REQUEST + 1];
        assert!(Request::parse(&large).is_err());
    }
}
