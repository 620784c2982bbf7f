//! The signed statement about one segment of a chain.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use vv_base::{TenantId, Timestamp};
use vv_crypto::{Note, NoteError, VerifierKey, verify_text};

use crate::audit::Audit;
use crate::tree::CompactRange;

/// The first line: no other text that is signed with the same key has it.
const TITLE: &str = "valueverse audit segment v1";
/// Categories of one segment at most.
const MAX_COUNTS: usize = 256;

/// Why a text is not a manifest, or not one to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The signature is missing, wrong or of an unknown key.
    #[error("the manifest of an audit segment is not signed by a known key: {0}")]
    Signature(#[from] NoteError),
    /// The text is not a manifest, or its parts contradict each other.
    #[error("the manifest of an audit segment cannot be read")]
    Text,
    /// It speaks of another segment than the place where it was found.
    #[error("the manifest belongs to another audit segment")]
    Other,
}

/// State of a chain between two events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The tree up to here.
    pub range: CompactRange,
    /// Hash of the last leaf up to here; zeros at the start of the chain.
    pub leaf: [u8; 32],
}

/// The archive file of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveRef {
    /// Its path within the archive folder.
    pub path: String,
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
}

/// What a segment holds. Nothing in it is personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The chain.
    pub chain: TenantId,
    /// The month in UTC, such as 202611.
    pub month: u32,
    /// Bytes of all leaves together.
    pub bytes: u64,
    /// When its first event got its place.
    pub first_at: Timestamp,
    /// When its last event got its place.
    pub last_at: Timestamp,
    /// How many events of each category.
    pub counts: BTreeMap<String, u64>,
    /// The chain before its first event.
    pub before: Edge,
    /// The chain after its last event.
    pub after: Edge,
    /// The archive file, once there is one.
    pub archive: Option<ArchiveRef>,
}

impl Edge {
    /// The start of a chain.
    pub(super) fn start() -> Self {
        Self {
            range: CompactRange::new(),
            leaf: [0; 32],
        }
    }
}

impl Manifest {
    /// The height of the first event.
    pub fn from_height(&self) -> u64 {
        self.before.range.size() + 1
    }

    /// The height of the last event.
    pub fn to_height(&self) -> u64 {
        self.after.range.size()
    }

    /// How many events there are.
    pub fn events(&self) -> u64 {
        self.to_height() - self.before.range.size()
    }

    /// The text that is signed.
    pub fn encode(&self) -> String {
        let mut text = format!("{TITLE}\n");
        let mut line = |name: &str, value: &dyn std::fmt::Display| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name} {value}");
        };
        line("chain", &self.chain);
        line("month", &self.month);
        line(
            "heights",
            &format!("{} {}", self.from_height(), self.to_height()),
        );
        line("bytes", &self.bytes);
        let (first, last) = (self.first_at.unix_micros(), self.last_at.unix_micros());
        line("times", &format!("{first} {last}"));
        for (name, edge) in [("before", &self.before), ("after", &self.after)] {
            line(&format!("{name}-leaf"), &hex::encode(edge.leaf));
            line(&format!("{name}-root"), &hex::encode(edge.range.root()));
            for hash in edge.range.hashes() {
                line(&format!("{name}-range"), &hex::encode(hash));
            }
        }
        for (category, count) in &self.counts {
            line("count", &format!("{category} {count}"));
        }
        if let Some(archive) = &self.archive {
            line(
                "archive",
                &format!("{} {}", hex::encode(archive.sha256), archive.path),
            );
        }
        text
    }

    /// Reads the text of a manifest, which has exactly one spelling.
    pub fn decode(text: &str) -> Result<Self, ManifestError> {
        Self::read(text)
            .filter(|manifest| manifest.encode() == text)
            .ok_or(ManifestError::Text)
    }

    /// Checks the signature of a note and reads its text.
    pub fn verify(note: &str, keys: &[VerifierKey]) -> Result<Self, ManifestError> {
        Self::decode(&verify_text(note, keys)?.text)
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = Lines(text.strip_suffix('\n')?.split('\n').peekable());
        if lines.0.next()? != TITLE {
            return None;
        }
        let chain = lines.one("chain")?.parse().ok()?;
        let month = number(lines.one("month")?)?;
        let (from, to) = pair(lines.one("heights")?)?;
        let bytes = number(lines.one("bytes")?)?;
        let (first, last): (i64, i64) = pair(lines.one("times")?)?;
        let before = lines.edge(
            "before-leaf",
            "before-root",
            "before-range",
            u64::checked_sub(from, 1)?,
        )?;
        let after = lines.edge("after-leaf", "after-root", "after-range", to)?;
        let mut counts = BTreeMap::new();
        while let Some(value) = lines.maybe("count") {
            let (category, count) = value.split_once(' ')?;
            counts.insert(category.to_owned(), number(count)?);
            if counts.len() > MAX_COUNTS {
                return None;
            }
        }
        let archive = match lines.maybe("archive") {
            Some(value) => {
                let (sha256, path) = value.split_once(' ')?;
                Some(ArchiveRef {
                    path: path.to_owned(),
                    sha256: hash(sha256)?,
                })
            }
            None => None,
        };
        let whole = lines.0.next().is_none();
        let total = counts
            .values()
            .try_fold(0_u64, |sum, n| sum.checked_add(*n))?;
        let fits = from <= to && first <= last && Some(total) == (to + 1).checked_sub(from);
        (whole && fits).then_some(Self {
            chain,
            month,
            bytes,
            first_at: Timestamp::from_unix_micros(first),
            last_at: Timestamp::from_unix_micros(last),
            counts,
            before,
            after,
            archive,
        })
    }
}

struct Lines<'a>(std::iter::Peekable<std::str::Split<'a, char>>);

impl<'a> Lines<'a> {
    fn maybe(&mut self, name: &str) -> Option<&'a str> {
        let value = self.0.peek()?.strip_prefix(name)?.strip_prefix(' ')?;
        self.0.next();
        Some(value)
    }

    fn one(&mut self, name: &str) -> Option<&'a str> {
        self.maybe(name)
    }

    fn edge(&mut self, leaf: &str, root: &str, range: &str, size: u64) -> Option<Edge> {
        let leaf = hash(self.one(leaf)?)?;
        let root = hash(self.one(root)?)?;
        let mut hashes = Vec::new();
        while let Some(value) = self.maybe(range) {
            hashes.push(hash(value)?);
        }
        let range = CompactRange::from_parts(size, hashes).ok()?;
        (range.root() == root).then_some(Edge { range, leaf })
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn pair<T: std::str::FromStr>(text: &str) -> Option<(T, T)> {
    let (first, second) = text.split_once(' ')?;
    Some((number(first)?, number(second)?))
}

fn hash(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

impl Audit {
    /// The keys that sign manifests, for whoever checks an archive.
    pub fn manifest_keys(&self) -> Result<Vec<VerifierKey>, ManifestError> {
        Ok(self
            .keyring()
            .text_signer(&self.manifest_name())?
            .verifier_keys()?)
    }

    fn manifest_name(&self) -> String {
        format!("{}/segments", self.settings().origin)
    }

    pub(super) fn sign_manifest(&self, manifest: &Manifest) -> Result<String, ManifestError> {
        let signer = self.keyring().text_signer(&self.manifest_name())?;
        Ok(signer.sign_text(&manifest.encode())?)
    }

    /// Reads a manifest that this installation signed, under whatever name it
    /// had then: the key is the same.
    pub(super) fn own_manifest(&self, note: &str) -> Result<Manifest, ManifestError> {
        let parsed = Note::parse(note)?;
        let mut keys = Vec::new();
        for signature in parsed.signatures() {
            let signer = self.keyring().text_signer(signature.name().as_str())?;
            keys.extend(signer.verifier_keys()?);
        }
        Manifest::verify(note, &keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(archive: Option<ArchiveRef>) -> Manifest {
        let mut range = CompactRange::new();
        range.push([1; 32]).unwrap();
        let before = Edge {
            range: range.clone(),
            leaf: [1; 32],
        };
        range.push([2; 32]).unwrap();
        range.push([3; 32]).unwrap();
        Manifest {
            chain: TenantId::from_bytes([7; 16]),
            month: 202_611,
            bytes: 900,
            first_at: Timestamp::from_unix_micros(5),
            last_at: Timestamp::from_unix_micros(6),
            counts: [("app".to_owned(), 1), ("auth".to_owned(), 1)].into(),
            before,
            after: Edge {
                range,
                leaf: [3; 32],
            },
            archive,
        }
    }

    #[test]
    fn a_manifest_comes_back_as_it_was() {
        let archive = ArchiveRef {
            path: "a/b c.vva".to_owned(),
            sha256: [9; 32],
        };
        for manifest in [sample(None), sample(Some(archive))] {
            let text = manifest.encode();
            assert_eq!(Manifest::decode(&text), Ok(manifest));
        }
        assert_eq!(
            (sample(None).from_height(), sample(None).to_height()),
            (2, 3)
        );
    }

    #[test]
    fn every_line_counts() {
        let text = sample(None).encode();
        let lines: Vec<_> = text.lines().collect();
        for gone in 0..lines.len() {
            let mut left = lines.clone();
            left.remove(gone);
            let left = left.join("\n") + "\n";
            assert_eq!(Manifest::decode(&left), Err(ManifestError::Text), "{left}");
            let twice = text.replacen(lines[gone], &format!("{0}\n{0}", lines[gone]), 1);
            assert_eq!(
                Manifest::decode(&twice),
                Err(ManifestError::Text),
                "{twice}"
            );
        }
        for (from, to) in [
            ("heights 2 3", "heights 02 3"),
            ("heights 2 3", "heights 0 3"),
            ("heights 2 3", "heights 2 4"),
            ("heights 2 3", "heights 2 18446744073709551615"),
            ("count app 1", "count app 2"),
            ("count app 1", "count app +1"),
            ("times 5 6", "times 7 6"),
            ("bytes 900", "bytes 900 "),
            (TITLE, "valueverse audit segment v2"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert_eq!(Manifest::decode(&changed), Err(ManifestError::Text), "{to}");
        }
        assert_eq!(Manifest::decode(""), Err(ManifestError::Text));
        assert_eq!(Manifest::decode("\n"), Err(ManifestError::Text));
    }
}
