//! Goes through leaves one after the other and refuses whatever does not fit.

use std::collections::BTreeMap;

use vv_base::{TenantId, Timestamp};

use super::manifest::{Edge, Manifest};
use crate::leaf::{Leaf, leaf_hash};
use crate::view::BodyView;

/// The count of events whose body is not one of ours.
const UNREADABLE: &str = "unreadable";

/// A place in a chain, and what was seen since the segment began.
pub(super) struct Walk {
    chain: TenantId,
    pub(super) edge: Edge,
    last_at: Timestamp,
    seen: Seen,
}

/// What a segment holds so far.
#[derive(Default)]
struct Seen {
    before: Option<Edge>,
    first_at: Option<Timestamp>,
    bytes: u64,
    counts: BTreeMap<String, u64>,
}

/// The leaf does not fit behind the one before.
pub(super) struct Misfit;

impl Walk {
    /// Starts behind the last event of a segment, or at the start of the chain.
    pub(super) fn after(chain: TenantId, before: Option<&Manifest>) -> Self {
        Self {
            chain,
            edge: before.map_or_else(Edge::start, |before| before.after.clone()),
            last_at: before.map_or(Timestamp::from_unix_micros(0), |before| before.last_at),
            seen: Seen::default(),
        }
    }

    /// Starts before the first event of a segment.
    pub(super) fn into_segment(manifest: &Manifest) -> Self {
        Self {
            chain: manifest.chain,
            edge: manifest.before.clone(),
            last_at: Timestamp::from_unix_micros(0),
            seen: Seen::default(),
        }
    }

    /// The height of the last leaf so far.
    pub(super) fn height(&self) -> u64 {
        self.edge.range.size()
    }

    /// When a leaf got its place. It must be the next one of the chain.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<Timestamp, Misfit> {
        let leaf = Leaf::decode(bytes).map_err(|_| Misfit)?;
        let header = leaf.header;
        let fits = header.chain == self.chain
            && header.height == self.height() + 1
            && header.prev == self.edge.leaf
            && header.seq_ts >= self.last_at;
        if fits { Ok(header.seq_ts) } else { Err(Misfit) }
    }

    /// Takes the next leaf.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Misfit> {
        let at = self.check(bytes)?;
        let leaf = Leaf::decode(bytes).map_err(|_| Misfit)?;
        let category = BodyView::parse(leaf.body).map(|body| body.category.decoded());
        let category = category.as_deref().unwrap_or(UNREADABLE);
        if self.seen.before.is_none() {
            self.seen.before = Some(self.edge.clone());
        }
        self.seen.first_at.get_or_insert(at);
        self.seen.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        match self.seen.counts.get_mut(category) {
            Some(count) => *count += 1,
            None => {
                self.seen.counts.insert(category.to_owned(), 1);
            }
        }
        self.last_at = at;
        self.edge.leaf = leaf_hash(bytes);
        self.edge.range.push(self.edge.leaf).map_err(|_| Misfit)
    }

    /// Ends the segment here; `None` when no leaf was seen since the last one.
    pub(super) fn finish(&mut self, month: u32) -> Option<Manifest> {
        let seen = std::mem::take(&mut self.seen);
        Some(Manifest {
            chain: self.chain,
            month,
            bytes: seen.bytes,
            first_at: seen.first_at?,
            last_at: self.last_at,
            counts: seen.counts,
            before: seen.before?,
            after: self.edge.clone(),
            archive: None,
        })
    }
}
