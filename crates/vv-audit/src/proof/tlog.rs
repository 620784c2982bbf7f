//! `.tlog-proof` files (C2SP tlog-proof v1): a leaf's proof and the checkpoint
//! it leads to, for checking offline.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vv_crypto::MAX_NOTE_BYTES;

use crate::tree::Hash;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
/// Longest extra data, in bytes: room for a proof inside of it.
const MAX_EXTRA: usize = 8 << 10;
/// Most hashes of a proof in a tree of 2^63 leaves.
const MAX_PATH: usize = 63;

/// A proof that a leaf is in a log, with the checkpoint it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// What else a checker needs, such as how to get from the data to the
    /// leaf. Not signed: it proves nothing by itself.
    pub extra: Option<Vec<u8>>,
    /// The leaf's place, from 0.
    pub index: u64,
    /// The siblings on the way up, lowest first.
    pub path: Vec<Hash>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

/// The text is no `.tlog-proof` in its one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a tlog-proof: the {0} is missing or malformed")]
pub struct TlogProofError(&'static str);

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = TlogProofError;

    fn from_str(text: &str) -> Result<Self, TlogProofError> {
        if text.len() > MAX_NOTE_BYTES {
            return Err(TlogProofError("length"));
        }
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or(TlogProofError("checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(TlogProofError("first line"));
        }
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(encoded) => {
                lines.next();
                let extra = STANDARD.decode(encoded).ok();
                let fits = extra.filter(|extra| extra.len() <= MAX_EXTRA);
                Some(fits.ok_or(TlogProofError("extra data"))?)
            }
            None => None,
        };
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index "))
            .and_then(decimal)
            .ok_or(TlogProofError("index"))?;
        let path: Option<Vec<Hash>> = lines.map(hash).collect();
        Ok(Self {
            extra,
            index,
            path: path
                .filter(|path| path.len() <= MAX_PATH)
                .ok_or(TlogProofError("proof"))?,
            checkpoint: checkpoint.to_owned(),
        })
    }
}

/// ASCII digits without leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.starts_with('0') && text.len() > 1;
    (digits && !leading_zero).then(|| text.parse().ok())?
}

/// A hash as base64, padded.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    if text.len() != 44 {
        return None;
    }
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof() -> TlogProof {
        TlogProof {
            extra: Some(b"how to".to_vec()),
            index: 73_894,
            path: vec![[1; 32], [2; 32]],
            checkpoint: "example.com/log\n1\nAA==\n\n\u{2014} example.com/log AAAA\n".to_owned(),
        }
    }

    #[test]
    fn the_text_is_the_one_of_the_specification() {
        let text = proof().to_string();
        assert_eq!(
            text,
            "c2sp.org/tlog-proof@v1\nextra aG93IHRv\nindex 73894\n\
             AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n\
             AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n\n\
             example.com/log\n1\nAA==\n\n\u{2014} example.com/log AAAA\n"
        );
        assert_eq!(text.parse(), Ok(proof()));
        let bare = TlogProof {
            extra: None,
            path: Vec::new(),
            ..proof()
        };
        assert_eq!(bare.to_string().parse(), Ok(bare));
    }

    /// The example of the specification, whose hashes are complete.
    #[test]
    fn the_example_of_the_specification_is_read() {
        let text = "c2sp.org/tlog-proof@v1\nindex 73894\n\
                    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n\
                    B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=\n\n\
                    example.com/fancylog\n109482\n\
                    sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\n\u{2014} example.com/fancylog AAAA\n";
        let proof: TlogProof = text.parse().unwrap();
        assert_eq!((proof.index, proof.path.len()), (73_894, 2));
        assert_eq!(proof.to_string(), text);
    }

    #[test]
    fn other_spellings_are_refused() {
        let text = proof().to_string();
        for (from, to) in [
            ("@v1", "@v2"),
            ("index 73894", "index 073894"),
            ("index 73894", "index +1"),
            ("index 73894\n", ""),
            ("extra aG93IHRv", "extra !"),
            ("AQEBAQE=", "AQEBAQE"),
            ("\n\n", "\n"),
        ] {
            assert!(
                text.replacen(from, to, 9).parse::<TlogProof>().is_err(),
                "{to:?}"
            );
        }
    }
}
