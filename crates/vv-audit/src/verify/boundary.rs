//! Where a chain begins of which old events were pruned.

use vv_base::TenantId;

use super::found::Question;
use super::walk::Walk;
use crate::audit::Audit;
use crate::error::AuditError;
use crate::write::{HOUR, month_of, month_start};

impl Audit {
    /// A walk at the first event that must be there. Which one that is the
    /// signed manifest of what was pruned says.
    pub(super) async fn first_walk(
        &self,
        chain: TenantId,
        pruned_to: i64,
    ) -> Result<Walk, AuditError> {
        let mut walk = Walk::new(chain);
        let found = self
            .store()
            .read(&self.inner.ctx, "audit.verify_boundary", async |tx| {
                self.boundary_at(tx, chain, pruned_to).await
            })
            .await;
        let boundary = match found {
            Ok(None) => return Ok(walk),
            Ok(Some(boundary)) => Some(boundary),
            Err(AuditError::Manifest) => None,
            Err(other) => return Err(other),
        };
        walk.after = pruned_to;
        walk.height = pruned_to;
        let genuine = boundary.filter(|b| i64::try_from(b.height) == Ok(pruned_to));
        let Some(boundary) = genuine else {
            walk.range = None;
            let detail = "the manifest of what was pruned is missing or not genuine";
            walk.report
                .at(Question::Completeness, pruned_to, "manifest", detail);
            return Ok(walk);
        };
        walk.range = Some(boundary.range);
        walk.prev = boundary.last_hash;
        walk.last_ts = boundary.last_ts.unix_micros();
        Ok(walk)
    }
}

/// The hour from which roll-ups count events that are still there: segments
/// end with their month.
pub(super) fn first_hour(walk: &Walk, pruned_to: i64) -> i64 {
    if pruned_to == 0 {
        return i64::MIN;
    }
    let month = month_of(vv_base::Timestamp::from_unix_micros(walk.last_ts));
    let next = if month % 100 == 12 {
        month + 89
    } else {
        month + 1
    };
    month_start(next).div_euclid(HOUR)
}
