//! Legal holds: while one is in force, no event of its chain is pruned.

use vv_base::{Ctx, Id, Timestamp, UserId};
use vv_store::{args, row};

use super::{RetentionError, sql};
use crate::audit::{Audit, chain_of};
use crate::catalogue::Kind;
use crate::event::Event;

/// Longest reason, in characters.
pub const MAX_REASON: usize = 500;
/// Holds in force at once on one chain.
const MAX_ACTIVE: i64 = 100;
/// Holds of one answer, released ones among them.
const MOST: i64 = 1_000;

row! {
    /// A legal hold on a chain.
    #[derive(Debug, Clone)]
    pub struct LegalHold {
        /// Its id.
        pub hold_id: HoldId,
        /// Why it was placed.
        pub reason: String,
        /// Who placed it, if a signed-in person did.
        pub placed_by: Option<UserId>,
        /// When it was placed.
        pub placed_at: Timestamp,
        /// Who released it, if a signed-in person did.
        pub released_by: Option<UserId>,
        /// When it was released; in force until then.
        pub released_at: Option<Timestamp>,
    }
}

/// Id of a legal hold.
pub type HoldId = Id<LegalHold>;

impl Audit {
    /// Places a legal hold on the context's chain. When this returns, nothing
    /// more of the chain is pruned. The reason must not be personal: it is
    /// part of the trail for good.
    pub async fn place_hold(&self, ctx: &Ctx, reason: &str) -> Result<HoldId, RetentionError> {
        let length = reason.chars().count();
        if reason.trim().is_empty() || length > MAX_REASON || reason.chars().any(char::is_control) {
            return Err(RetentionError::Reason);
        }
        let (chain, hold, now) = (chain_of(ctx), ctx.new_id::<LegalHold>(), ctx.now());
        let event = Event::new(Kind::LegalHoldPlaced)
            .target("legal_hold", hold)
            .detail("reason", reason);
        self.store()
            .tx(&ctx.clone().for_system(), "audit.place_hold", async |tx| {
                // A step of pruning that is under way comes first.
                let _: Option<(i64,)> = tx.opt(&sql::LOCK_CHAIN, args![chain]).await?;
                let (active,): (i64,) = tx.one(&sql::ACTIVE_HOLDS, args![chain]).await?;
                if active >= MAX_ACTIVE {
                    return Err(RetentionError::TooManyHolds);
                }
                let by = ctx.actor.user();
                tx.exec_one(&sql::INSERT_HOLD, args![hold, chain, reason, by, now])
                    .await?;
                self.record(ctx, tx, event).await?;
                Ok(hold)
            })
            .await
    }

    /// Lifts a legal hold of the context's chain.
    pub async fn release_hold(&self, ctx: &Ctx, hold: HoldId) -> Result<(), RetentionError> {
        let (chain, now) = (chain_of(ctx), ctx.now());
        let event = Event::new(Kind::LegalHoldReleased).target("legal_hold", hold);
        self.store()
            .tx(
                &ctx.clone().for_system(),
                "audit.release_hold",
                async |tx| {
                    let by = ctx.actor.user();
                    let released = tx
                        .exec(&sql::RELEASE_HOLD, args![chain, hold, by, now])
                        .await?;
                    if released == 0 {
                        return Err(RetentionError::NoHold);
                    }
                    self.record(ctx, tx, event).await?;
                    Ok(())
                },
            )
            .await
    }

    /// The legal holds of the context's chain, newest first, the released ones too.
    pub async fn holds(&self, ctx: &Ctx) -> Result<Vec<LegalHold>, RetentionError> {
        let chain = chain_of(ctx);
        let holds = self
            .store()
            .read(ctx, "audit.holds", async |tx| {
                tx.all(&sql::HOLDS, args![chain, MOST]).await
            })
            .await?;
        Ok(holds)
    }
}
