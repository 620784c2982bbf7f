//! Paths of tiles and entry bundles, as tlog-tiles spells them.

use std::fmt;
use std::str::FromStr;

use super::{TILE_WIDTH, TileId};

/// The longest that can be right has 53 bytes.
const MAX_PATH: usize = 64;
const MAX_LEVEL: u16 = 63;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TileKind {
    /// Hashes of the tile level given here, 0 to 63.
    Hashes(u8),
    /// The entries (leaf bytes) below a tile of level 0.
    Entries,
}

/// `tile/<L>/<N>[.p/<W>]` or `tile/entries/<N>[.p/<W>]`. Each tile has exactly
/// one spelling; no other parses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TilePath {
    /// Hashes or entries.
    pub kind: TileKind,
    /// `<N>`, the place among the tiles of the level.
    pub index: u64,
    /// `<W>`, 1 to 255, or 256 for a full tile.
    pub width: u16,
}

/// The text is no path of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile or an entry bundle")]
pub struct TilePathError;

impl TilePath {
    /// The tile whose hashes are asked for, or belong to the entries.
    pub fn tile(self) -> TileId {
        TileId {
            level: match self.kind {
                TileKind::Hashes(level) => level,
                TileKind::Entries => 0,
            },
            index: self.index,
        }
    }

    /// Whether a tree of `size` leaves has so much of the tile.
    pub fn exists_in(self, size: u64) -> bool {
        self.width >= 1 && self.width <= self.tile().width_in(size)
    }
}

impl FromStr for TilePath {
    type Err = TilePathError;

    fn from_str(text: &str) -> Result<Self, TilePathError> {
        if text.len() > MAX_PATH {
            return Err(TilePathError);
        }
        let (kind, rest) = text
            .strip_prefix("tile/")
            .and_then(|rest| rest.split_once('/'))
            .ok_or(TilePathError)?;
        let kind = if kind == "entries" {
            TileKind::Entries
        } else {
            let level = decimal(kind).filter(|level| *level <= MAX_LEVEL);
            let level = level.and_then(|level| u8::try_from(level).ok());
            TileKind::Hashes(level.ok_or(TilePathError)?)
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => {
                let width = decimal(width).filter(|width| (1..TILE_WIDTH).contains(width));
                (index, width.ok_or(TilePathError)?)
            }
            None => (rest, TILE_WIDTH),
        };
        Ok(Self {
            kind,
            index: parse_index(index).ok_or(TilePathError)?,
            width,
        })
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let mut unit = 1_u64;
        while let Some(larger) = unit.checked_mul(1000)
            && self.index / larger > 0
        {
            unit = larger;
        }
        while unit > 1 {
            write!(f, "x{:03}/", self.index / unit % 1000)?;
            unit /= 1000;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.width < TILE_WIDTH {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

/// A decimal number of at most three digits without leading zeros.
fn decimal(text: &str) -> Option<u16> {
    let spelled = text.len() <= 3
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|_| spelled)
}

/// Groups of three digits, each but the last behind an `x`.
fn parse_index(text: &str) -> Option<u64> {
    let (groups, last) = match text.rsplit_once('/') {
        Some((groups, last)) => (Some(groups), last),
        None => (None, text),
    };
    let mut index = 0_u64;
    for group in groups.into_iter().flat_map(|groups| groups.split('/')) {
        index = append(index, group.strip_prefix('x')?)?;
        // More groups than needed would be a second spelling.
        if index == 0 {
            return None;
        }
    }
    append(index, last)
}

fn append(index: u64, group: &str) -> Option<u64> {
    if group.len() != 3 || !group.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    index.checked_mul(1000)?.checked_add(group.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_spelling() {
        let hashes = |level, index, width| TilePath {
            kind: TileKind::Hashes(level),
            index,
            width,
        };
        for (text, path) in [
            ("tile/0/000", hashes(0, 0, 256)),
            ("tile/0/x001/x234/067", hashes(0, 1_234_067, 256)),
            ("tile/63/999.p/255", hashes(63, 999, 255)),
            ("tile/1/x001/000.p/1", hashes(1, 1000, 1)),
            (
                "tile/0/x018/x446/x744/x073/x709/x551/615",
                hashes(0, u64::MAX, 256),
            ),
            (
                "tile/entries/273.p/112",
                TilePath {
                    kind: TileKind::Entries,
                    index: 273,
                    width: 112,
                },
            ),
        ] {
            assert_eq!(text.parse(), Ok(path));
            assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "tile//000",
            "/tile/0/000",
            "tile/0/000/",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/Entries/000",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/x000/000",
            "tile/0/x001",
            "tile/0/001/002",
            "tile/0/x001/x002",
            "tile/0/x1/002",
            "tile/0/+01",
            "tile/0/०००",
            "tile/0/000.p",
            "tile/0/000.p/",
            "tile/0/000.p/0",
            "tile/0/000.p/01",
            "tile/0/000.p/256",
            "tile/0/000.p/1/",
            "tile/0/000.p/1.p/1",
            "tile/0/000.p/+1",
            "tile/0/../000",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
        ] {
            assert_eq!(text.parse::<TilePath>(), Err(TilePathError), "{text:?}");
        }
    }

    #[test]
    fn only_what_the_tree_has_exists() {
        let exists = |text: &str, size| text.parse::<TilePath>().expect("a path").exists_in(size);
        assert!(exists("tile/0/000.p/5", 5));
        assert!(exists("tile/0/000.p/5", 300));
        assert!(!exists("tile/0/000.p/6", 5));
        assert!(!exists("tile/0/000", 255));
        assert!(exists("tile/entries/001.p/44", 300));
        assert!(!exists("tile/entries/001.p/45", 300));
        assert!(exists("tile/1/000.p/1", 300));
        assert!(!exists("tile/9/000.p/1", u64::MAX));
    }
}
