//! What can be asked of a log, each answered from one snapshot.

use std::future::Future;

use vv_store::Tx;

use super::read::{explain, place_of, proven_root, root_tiles};
use super::{ConsistencyProof, InclusionProof, LogHead};
use crate::audit::Audit;
use crate::error::AuditError;
use crate::tree::{CompactRange, Hash, Plan, TileKind, TilePath, TreeError, encode_bundle};
use crate::write::Head;

/// A question and how to answer it.
pub(super) trait Question: Sync {
    type Answer: Send;

    /// How many leaves the log must have.
    fn size_needed(&self) -> u64;

    fn answer(
        &self,
        audit: &Audit,
        tx: &mut Tx,
        head: &Head,
    ) -> impl Future<Output = Result<Self::Answer, AuditError>> + Send;
}

pub(super) struct TheHead;

impl Question for TheHead {
    type Answer = LogHead;

    fn size_needed(&self) -> u64 {
        0
    }

    async fn answer(&self, _: &Audit, _: &mut Tx, head: &Head) -> Result<LogHead, AuditError> {
        Ok(LogHead {
            size: head.height,
            root: head.range.root(),
        })
    }
}

pub(super) struct RootAt(pub(super) u64);

impl Question for RootAt {
    type Answer = Hash;

    fn size_needed(&self) -> u64 {
        self.0
    }

    async fn answer(&self, audit: &Audit, tx: &mut Tx, head: &Head) -> Result<Hash, AuditError> {
        let wanted = root_tiles(head, self.0)?;
        let tiles = audit.load_tiles(tx, head, &wanted).await?;
        proven_root(head, self.0, &tiles)
    }
}

pub(super) struct RangeAt(pub(super) u64);

impl Question for RangeAt {
    type Answer = CompactRange;

    fn size_needed(&self) -> u64 {
        self.0
    }

    async fn answer(
        &self,
        audit: &Audit,
        tx: &mut Tx,
        head: &Head,
    ) -> Result<CompactRange, AuditError> {
        if self.0 == head.height {
            return Ok(head.range.clone());
        }
        let wanted = root_tiles(head, self.0)?;
        let tiles = audit.load_tiles(tx, head, &wanted).await?;
        proven_root(head, self.0, &tiles)?;
        CompactRange::from_tiles(self.0, &tiles).map_err(|error| explain(head, error))
    }
}

pub(super) struct Inclusion {
    pub(super) index: u64,
    pub(super) size: Option<u64>,
}

impl Question for Inclusion {
    type Answer = InclusionProof;

    fn size_needed(&self) -> u64 {
        self.size.unwrap_or(0).max(self.index.saturating_add(1))
    }

    async fn answer(
        &self,
        audit: &Audit,
        tx: &mut Tx,
        head: &Head,
    ) -> Result<InclusionProof, AuditError> {
        let because = |error| explain(head, error);
        let size = self.size.unwrap_or(head.height);
        let plan = Plan::inclusion(self.index, size).map_err(|_| AuditError::OutOfRange)?;
        let (tile, place) = place_of(self.index);
        let mut wanted = root_tiles(head, size)?;
        wanted.extend(plan.tiles());
        wanted.insert(tile);
        let tiles = audit.load_tiles(tx, head, &wanted).await?;
        let leaf_hash = tiles.get(tile).and_then(|hashes| hashes.get(place));
        let proof = InclusionProof {
            leaf_index: self.index,
            tree_size: size,
            leaf_hash: *leaf_hash.ok_or_else(|| because(TreeError::Missing(tile)))?,
            path: plan.assemble(&tiles).map_err(because)?,
            root: proven_root(head, size, &tiles)?,
        };
        proof.verify().map_err(|_| AuditError::TreeDamaged)?;
        Ok(proof)
    }
}

pub(super) struct Consistency {
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Question for Consistency {
    type Answer = ConsistencyProof;

    fn size_needed(&self) -> u64 {
        self.to
    }

    async fn answer(
        &self,
        audit: &Audit,
        tx: &mut Tx,
        head: &Head,
    ) -> Result<ConsistencyProof, AuditError> {
        let because = |error| explain(head, error);
        let plan = Plan::consistency(self.from, self.to).map_err(|_| AuditError::OutOfRange)?;
        let mut wanted = root_tiles(head, self.from)?;
        wanted.extend(root_tiles(head, self.to)?);
        wanted.extend(plan.tiles());
        let tiles = audit.load_tiles(tx, head, &wanted).await?;
        let proof = ConsistencyProof {
            from: self.from,
            to: self.to,
            path: plan.assemble(&tiles).map_err(because)?,
            from_root: proven_root(head, self.from, &tiles)?,
            to_root: proven_root(head, self.to, &tiles)?,
        };
        proof.verify().map_err(|_| AuditError::TreeDamaged)?;
        Ok(proof)
    }
}

impl Question for TilePath {
    /// The bytes, unless the log has no such tile.
    type Answer = Option<Vec<u8>>;

    fn size_needed(&self) -> u64 {
        0
    }

    async fn answer(
        &self,
        audit: &Audit,
        tx: &mut Tx,
        head: &Head,
    ) -> Result<Option<Vec<u8>>, AuditError> {
        if !self.exists_in(head.height) {
            return Ok(None);
        }
        if self.kind == TileKind::Entries {
            let leaves = audit.load_leaves(tx, head, self.index, self.width).await?;
            let bundle = encode_bundle(leaves.iter().map(Vec::as_slice));
            return bundle.map(Some).map_err(|_| AuditError::TreeDamaged);
        }
        let tile = self.tile();
        let tiles = audit.load_tiles(tx, head, &[tile].into()).await?;
        let hashes = tiles
            .get(tile)
            .and_then(|hashes| hashes.get(..usize::from(self.width)));
        let hashes = hashes.ok_or_else(|| explain(head, TreeError::Missing(tile)))?;
        Ok(Some(hashes.concat()))
    }
}
