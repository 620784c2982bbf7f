//! The walk without a database under it, for whoever measures it.

use vv_base::Ctx;

use super::walk::Walk;
use super::{MAX_STEP, walk_frames};
use crate::audit::{Audit, chain_of};
use crate::error::AuditError;

/// Events of a chain as the database hands them to a verification.
#[derive(Debug)]
pub struct LoadedChain {
    chain: vv_base::TenantId,
    frames: Vec<Vec<u8>>,
}

impl Audit {
    /// Reads the context's chain from its beginning, up to a height.
    #[doc(hidden)]
    pub async fn load_chain(&self, ctx: &Ctx, to: i64) -> Result<LoadedChain, AuditError> {
        let chain = chain_of(ctx);
        let mut frames = Vec::new();
        let mut after = 0;
        while after < to {
            let top = after.saturating_add(MAX_STEP).min(to);
            frames.push(self.frames(ctx, chain, after, top).await?);
            after = top;
        }
        Ok(LoadedChain { chain, frames })
    }
}

impl LoadedChain {
    /// Checks hashes, links, tree and columns; how many events were in order,
    /// or `None` when something was found.
    #[doc(hidden)]
    pub fn walk(&self) -> Option<u64> {
        let mut walk = Walk::new(self.chain);
        for frames in &self.frames {
            walk_frames(&mut walk, frames).ok()?;
            walk.completed.clear();
            walk.subjects.clear();
        }
        (!walk.report.failed()).then_some(walk.checked)
    }
}
