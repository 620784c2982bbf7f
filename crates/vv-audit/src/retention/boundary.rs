//! Where a pruned chain begins.

use vv_base::{TenantId, Timestamp};
use vv_store::{Tx, args};

use super::segment::SegmentRow;
use super::sql;
use crate::audit::Audit;
use crate::error::AuditError;
use crate::tree::CompactRange;

/// The state of a chain behind the last event that was pruned, as its signed
/// manifest tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Boundary {
    /// Events up to this height were pruned.
    pub(crate) height: u64,
    /// The tree up to here.
    pub(crate) range: CompactRange,
    /// Hash of the last leaf that was pruned; the next one holds it.
    pub(crate) last_hash: [u8; 32],
    /// When the last event that was pruned got its place.
    pub(crate) last_ts: Timestamp,
}

impl Audit {
    /// Where a chain begins whose genuine head says that it was pruned so far;
    /// `None` when nothing was pruned.
    pub(crate) async fn boundary_at(
        &self,
        tx: &mut Tx,
        chain: TenantId,
        pruned_to: i64,
    ) -> Result<Option<Boundary>, AuditError> {
        if pruned_to == 0 {
            return Ok(None);
        }
        let row: Option<SegmentRow> = tx.opt(&sql::SEGMENT_UP_TO, args![chain, pruned_to]).await?;
        let segment = row.and_then(|row| match self.open_segment(row) {
            Ok(segment) => Some(segment),
            Err(error) => {
                tracing::error!(%chain, pruned_to, %error, "a pruned audit segment has no genuine manifest");
                None
            }
        });
        let manifest = segment.ok_or(AuditError::Manifest)?.manifest;
        Ok(Some(Boundary {
            height: manifest.to_height(),
            last_hash: manifest.after.leaf,
            last_ts: manifest.last_at,
            range: manifest.after.range,
        }))
    }
}
