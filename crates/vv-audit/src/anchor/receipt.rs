//! What a tenant keeps to show later, without this installation, that an event
//! was in the trail.

use serde::{Deserialize, Serialize};
use vv_base::{Ctx, TenantId};
use vv_crypto::{NoteError, VerifiedNote, VerifierKey, verify_note};
use vv_store::args;

use super::{AnchorLeaf, sql};
use crate::audit::{ANCHOR_CHAIN, Audit, chain_of};
use crate::error::AuditError;
use crate::leaf::{LeafError, leaf_hash};
use crate::proof::{InclusionProof, TlogProof, to_i64};
use crate::tree::{Hash, ProofError};

/// The way from an event to a signed checkpoint of the anchor log: the event is
/// in the tree of its chain, the root of that tree is in an anchor leaf, the
/// anchor leaf is in the anchor log, whose head is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The event in the tree of its chain.
    pub event: InclusionProof,
    /// The bytes of the anchor leaf with that tree's root, as hex.
    #[serde(with = "hex_bytes")]
    pub anchor_leaf: Vec<u8>,
    /// The anchor leaf in the anchor log.
    pub anchor: InclusionProof,
    /// The signed checkpoint of the anchor log.
    pub checkpoint: String,
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The event is another one.
    #[error("the receipt is for another event")]
    Event,
    /// The anchor leaf cannot be read.
    #[error(transparent)]
    Leaf(#[from] LeafError),
    /// A path does not lead to its root.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The parts of the receipt do not belong together.
    #[error("the {0} of the receipt does not fit the other parts")]
    Parts(&'static str),
    /// The checkpoint is not signed by the keys given.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Receipt {
    /// Checks every step from the bytes of the event's leaf to the signatures
    /// under the checkpoint. The keys are those of the anchor log and of
    /// witnesses; who signed, and when, is in the answer.
    pub fn verify(
        &self,
        leaf: &[u8],
        keys: &[VerifierKey],
    ) -> Result<(AnchorLeaf, VerifiedNote), ReceiptError> {
        if leaf_hash(leaf) != self.event.leaf_hash {
            return Err(ReceiptError::Event);
        }
        self.event.verify()?;
        let anchored = AnchorLeaf::decode(&self.anchor_leaf)?;
        if (anchored.size, anchored.root) != (self.event.tree_size, self.event.root) {
            return Err(ReceiptError::Parts("anchor leaf"));
        }
        let index = anchored.position.checked_sub(1);
        if leaf_hash(&self.anchor_leaf) != self.anchor.leaf_hash
            || index != Some(self.anchor.leaf_index)
        {
            return Err(ReceiptError::Parts("anchor proof"));
        }
        self.anchor.verify()?;
        let note = verify_note(&self.checkpoint, keys)?;
        if (note.checkpoint.size, note.checkpoint.root) != (self.anchor.tree_size, self.anchor.root)
        {
            return Err(ReceiptError::Parts("checkpoint"));
        }
        Ok((anchored, note))
    }

    /// The receipt that [`Receipt::to_tlog_proof`] wrote, checked like any other.
    pub fn from_tlog_proof(
        proof: &TlogProof,
        leaf: &[u8],
        keys: &[VerifierKey],
    ) -> Result<(Self, VerifiedNote), ReceiptError> {
        let extra = proof.extra.as_deref().and_then(split_extra);
        let (anchor_leaf, leaf_index, path) = extra.ok_or(ReceiptError::Parts("extra data"))?;
        let anchored = AnchorLeaf::decode(&anchor_leaf)?;
        let note = verify_note(&proof.checkpoint, keys)?;
        let receipt = Self {
            event: InclusionProof {
                leaf_index,
                tree_size: anchored.size,
                leaf_hash: leaf_hash(leaf),
                path,
                root: anchored.root,
            },
            anchor: InclusionProof {
                leaf_index: proof.index,
                tree_size: note.checkpoint.size,
                leaf_hash: leaf_hash(&anchor_leaf),
                path: proof.path.clone(),
                root: note.checkpoint.root,
            },
            anchor_leaf,
            checkpoint: proof.checkpoint.clone(),
        };
        receipt.verify(leaf, keys)?;
        Ok((receipt, note))
    }

    /// The same as a `.tlog-proof` of the anchor leaf. The extra data are
    /// `anchor leaf ‖ u64be leaf_index ‖ path` of the event in its chain.
    pub fn to_tlog_proof(&self) -> TlogProof {
        let index = self.event.leaf_index.to_be_bytes();
        let path = self.event.path.concat();
        TlogProof {
            extra: Some([self.anchor_leaf.as_slice(), &index, &path].concat()),
            index: self.anchor.leaf_index,
            path: self.anchor.path.clone(),
            checkpoint: self.checkpoint.clone(),
        }
    }
}

impl Audit {
    /// The receipt of the event at `height` of the context's chain, under a
    /// checkpoint with the cosignature of a witness if there is one. An event
    /// that is in no anchor yet gets its receipt a second later: `NotAnchored`.
    pub async fn receipt(&self, ctx: &Ctx, height: u64) -> Result<Receipt, AuditError> {
        if height == 0 || height > self.log(ctx).head().await?.size {
            return Err(AuditError::OutOfRange);
        }
        let chain = chain_of(ctx);
        let mut found = self.covering_anchor(chain, height).await?;
        if found.is_none() {
            self.anchor_round().await?;
            found = self.covering_anchor(chain, height).await?;
        }
        let anchor_leaf = found.ok_or(AuditError::NotAnchored)?;
        let anchored = AnchorLeaf::decode(&anchor_leaf)?;
        let event = self.log(ctx).inclusion(height, Some(anchored.size)).await?;
        let (size, checkpoint) = self.covering_checkpoint(anchored.position).await?;
        let log = self.anchor_log();
        let anchor = log.inclusion(anchored.position, Some(size)).await?;
        let fits = anchored.chain == chain
            && anchored.root == event.root
            && leaf_hash(&anchor_leaf) == anchor.leaf_hash;
        if !fits {
            return Err(AuditError::TreeDamaged);
        }
        Ok(Receipt {
            event,
            anchor_leaf,
            anchor,
            checkpoint,
        })
    }

    async fn covering_anchor(
        &self,
        chain: TenantId,
        height: u64,
    ) -> Result<Option<Vec<u8>>, AuditError> {
        let found: Option<(Vec<u8>,)> = self
            .store()
            .read(&self.inner.ctx, "audit.covering_anchor", async |tx| {
                tx.opt(&sql::COVERING_ANCHOR, args![chain, to_i64(height)])
                    .await
            })
            .await?;
        Ok(found.map(|(leaf,)| leaf))
    }

    /// A checkpoint of the anchor log that holds the leaf at `position`:
    /// cosigned if there is one, else the newest.
    async fn covering_checkpoint(&self, position: u64) -> Result<(u64, String), AuditError> {
        let sinks = &self.inner.settings.anchor.sinks;
        let witnesses: Vec<&str> = sinks
            .iter()
            .map(|sink| sink.name.as_str())
            .filter(|name| self.witness_keys(name).is_some())
            .collect();
        let cosigned = self
            .store()
            .read(&self.inner.ctx, "audit.cosigned", async |tx| {
                for name in witnesses {
                    let args = args![name, to_i64(position)];
                    let found: Option<(u64, String)> = tx.opt(&sql::RECEIPT, args).await?;
                    if found.is_some() {
                        return Ok::<_, AuditError>(found);
                    }
                }
                Ok(None)
            })
            .await?;
        let origin = self.inner.anchors.origin_of(ANCHOR_CHAIN);
        // A receipt that somebody else wrote would not verify: check it first.
        if let Some((size, note)) = cosigned
            && self.is_ours(&note, &origin, size).await?
        {
            return Ok((size, note));
        }
        let log = self.anchor_log();
        let note = log.checkpoint().await?;
        let keys = log.verifier_keys()?;
        Ok((verify_note(&note, &keys)?.checkpoint.size, note))
    }

    /// Whether a note is a checkpoint of our anchor log as it was at a size.
    pub(super) async fn is_ours(
        &self,
        note: &str,
        origin: &str,
        size: u64,
    ) -> Result<bool, AuditError> {
        let log = self.anchor_log();
        let Ok(verified) = verify_note(note, &log.verifier_keys()?) else {
            return Ok(false);
        };
        let checkpoint = verified.checkpoint;
        if checkpoint.origin.as_str() != origin || checkpoint.size != size {
            return Ok(false);
        }
        match log.root_at(size).await {
            Ok(root) => Ok(root == checkpoint.root),
            Err(AuditError::OutOfRange) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Anchor leaf, leaf index and path out of the extra data.
fn split_extra(extra: &[u8]) -> Option<(Vec<u8>, u64, Vec<Hash>)> {
    let (leaf, rest) = extra.split_at_checked(AnchorLeaf::LENGTH)?;
    let (index, path) = rest.split_first_chunk::<8>()?;
    let (path, []) = path.as_chunks::<32>() else {
        return None;
    };
    Some((leaf.to_vec(), u64::from_be_bytes(*index), path.to_vec()))
}

mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        hex::decode(String::deserialize(from)?).map_err(|_| D::Error::custom("expected hex digits"))
    }
}
