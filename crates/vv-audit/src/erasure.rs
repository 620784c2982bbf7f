//! Erasing a person from the trail: their key is destroyed, and what was
//! sealed under it cannot be read any more, in exports and old backups too.
//! No event changes, so that every verdict stays as it was.

use vv_base::{Ctx, SubjectId, UserId};
use vv_store::{Sql, args};

use crate::audit::Audit;
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::Event;
use crate::subject::DESTROY;

/// Entries of the blind index removed per transaction.
const STEP: i64 = 2_000;

static DROP_BLIND: Sql = Sql::same(
    "audit.drop_blind",
    "delete from audit_blind where subject_id = $1 and (tenant_id, field_index, height) in \
     (select tenant_id, field_index, height from audit_blind where subject_id = $1 limit $2)",
)
.across_tenants("a person is erased wherever they are");

/// Statements of erasure on the main store.
pub(crate) const STATEMENTS: &[&Sql] = &[&DROP_BLIND];

/// What erasing a person did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erased {
    /// Whether the key was live until now; not when it was destroyed before,
    /// or when the person never had one.
    pub key_destroyed: bool,
    /// Entries of the blind index that were removed.
    pub index_entries: u64,
}

impl Audit {
    /// Destroys the key of a person, wherever their events are: no personal
    /// field of theirs can be read or found again, and none is stored from now
    /// on. There is no way back.
    ///
    /// Two events of kind `privacy.subject_erased` in the context's chain tell
    /// of it: one before the key goes, so that it never goes without a trace,
    /// and one when all is done. May be repeated, and must be after an error:
    /// then it finishes what was begun.
    ///
    /// Events of transactions that are under way keep an index entry, which
    /// leads to nothing readable; repeating removes it.
    pub async fn erase_subject(&self, ctx: &Ctx, user: UserId) -> Result<Erased, AuditError> {
        let subject = SubjectId::from_uuid(user.uuid());
        let live = self
            .existing_sealer(ctx, subject)
            .await?
            .is_some_and(|sealer| sealer.is_live());
        if live {
            let begun = told(user).detail("stage", "begun");
            self.append(ctx, begun).await?;
        }
        self.destroy_key(ctx, subject).await?;
        // What waits in the intake gets its place, and its index entry, first.
        self.catch_up().await?;
        let index_entries = self.drop_blind(ctx, subject).await?;
        let done = told(user)
            .detail("stage", "completed")
            .detail("key_destroyed", live)
            .detail(
                "index_entries",
                i64::try_from(index_entries).unwrap_or(i64::MAX),
            );
        self.append(ctx, done).await?;
        Ok(Erased {
            key_destroyed: live,
            index_entries,
        })
    }

    /// Leaves a note that the key is gone, also where there never was one: it
    /// must not be made later.
    async fn destroy_key(&self, ctx: &Ctx, subject: SubjectId) -> Result<(), AuditError> {
        let system = ctx.clone().for_system();
        let tenant = ctx.tenant();
        self.keys()
            .tx(&system, "subject.destroy", async |tx| {
                let gone: &[u8] = &[];
                tx.exec(&DESTROY, args![subject, tenant, gone, ctx.now()])
                    .await
                    .map(drop)
            })
            .await?;
        Ok(())
    }

    async fn drop_blind(&self, ctx: &Ctx, subject: SubjectId) -> Result<u64, AuditError> {
        let system = ctx.clone().for_system();
        let mut dropped = 0;
        loop {
            let now = self
                .store()
                .tx(&system, "audit.drop_blind", async |tx| {
                    tx.exec(&DROP_BLIND, args![subject, STEP]).await
                })
                .await?;
            if now == 0 {
                return Ok(dropped);
            }
            dropped += now;
        }
    }
}

fn told(user: UserId) -> Event {
    Event::new(Kind::SubjectErased).target("user", user)
}
