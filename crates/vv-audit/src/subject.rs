//! Keys of data subjects. They live in a store of their own, because erasing a
//! person means destroying their key, and a backup of the events must not
//! bring it back.

use std::collections::HashMap;
use std::sync::Arc;

use vv_base::{Ctx, EventId, Rng, SubjectId, TenantId, UserId};
use vv_crypto::{SealedField, SubjectKey};
use vv_store::{Sql, args, row};

use crate::audit::Audit;
use crate::error::AuditError;

static FIND: Sql = Sql::same(
    "subject.find",
    "select wrapped_key, destroyed_at from subject_keys where subject_id = $1",
);
static INSERT: Sql = Sql::same(
    "subject.insert",
    "insert into subject_keys (subject_id, tenant_id, wrapped_key, created_at) \
     values ($1, $2, $3, $4) on conflict (subject_id) do nothing",
);

static FIND_MANY: Sql = Sql::split(
    "subject.find_many",
    "select subject_id, wrapped_key, destroyed_at from subject_keys where subject_id = any \
     (array(select value::uuid from jsonb_array_elements_text($1::text::jsonb)))",
    "select subject_id, wrapped_key, destroyed_at from subject_keys where subject_id in \
     (select unhex(value) from json_each($1))",
);

/// Of a key nothing is left but the fact that it is gone.
pub(crate) static DESTROY: Sql = Sql::same(
    "subject.destroy",
    "insert into subject_keys (subject_id, tenant_id, wrapped_key, created_at, destroyed_at) \
     values ($1, $2, $3, $4, $4) on conflict (subject_id) do update set \
     wrapped_key = excluded.wrapped_key, \
     destroyed_at = coalesce(subject_keys.destroyed_at, excluded.destroyed_at)",
);

/// Statements on the store of subject keys.
pub const SUBJECT_STATEMENTS: &[&Sql] = &[&FIND, &FIND_MANY, &INSERT, &DESTROY];

row! {
    struct KeyRow {
        wrapped_key: Option<Vec<u8>>,
        destroyed_at: Option<i64>,
    }
}

/// Seals and opens the personal fields of one data subject.
#[derive(Debug, Clone)]
pub struct SubjectSealer {
    subject: SubjectId,
    key: Key,
}

#[derive(Debug, Clone)]
enum Key {
    Live(Arc<SubjectKey>),
    /// The subject was erased.
    Destroyed,
    /// The store of keys does not answer; only the spool takes such fields.
    Deferred,
}

impl SubjectSealer {
    /// Whose fields these are.
    pub const fn subject(&self) -> SubjectId {
        self.subject
    }

    /// Whether fields can be sealed.
    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.key, Key::Live(_))
    }

    /// Whether the key could not be asked for, so that fields wait for their seal.
    pub(crate) const fn is_deferred(&self) -> bool {
        matches!(self.key, Key::Deferred)
    }

    /// Nothing once the subject was erased, or while the key cannot be had.
    pub(crate) fn seal(
        &self,
        chain: TenantId,
        event: EventId,
        field: &str,
        text: &str,
        rng: &dyn Rng,
    ) -> Result<Option<SealedField>, AuditError> {
        let Key::Live(key) = &self.key else {
            return Ok(None);
        };
        key.seal_field(chain.as_bytes(), event, field, text.as_bytes(), rng)
            .map(Some)
            .map_err(|_| AuditError::SubjectKey)
    }

    /// The clear text, unless the subject was erased or the field was altered.
    pub(crate) fn open(
        &self,
        chain: TenantId,
        event: EventId,
        field: &str,
        sealed: &SealedField,
    ) -> Option<String> {
        let Key::Live(key) = &self.key else {
            return None;
        };
        let clear = key
            .open_field(chain.as_bytes(), event, field, sealed)
            .ok()?;
        String::from_utf8(clear.expose().clone()).ok()
    }
}

impl Audit {
    /// The sealer of a person, whose key is made on first use. Ask for it
    /// before opening the transaction that records the event: the key must be
    /// durable before anything is sealed under it.
    pub async fn sealer(&self, ctx: &Ctx, user: UserId) -> Result<SubjectSealer, AuditError> {
        self.subject_sealer(ctx, SubjectId::from_uuid(user.uuid()))
            .await
    }

    /// The sealer for events that belong to nobody we know, such as a sign-in
    /// with an unknown address: one subject per chain and calendar month, so
    /// that their source addresses can be destroyed month by month.
    pub async fn unattributed(&self, ctx: &Ctx) -> Result<SubjectSealer, AuditError> {
        let chain = ctx.tenant().unwrap_or(crate::SYSTEM_CHAIN);
        let label = format!("{chain}/{}", ctx.now().format_utc("%Y-%m"));
        let index = self
            .keyring()
            .fingerprint()
            .index("audit.unattributed", &label);
        let mut bytes = [0_u8; 16];
        bytes
            .iter_mut()
            .zip(index)
            .for_each(|(to, from)| *to = from);
        self.subject_sealer(ctx, SubjectId::from_custom_bytes(bytes))
            .await
    }

    /// As [`Audit::sealer`], for an event given to [`Audit::emit`]: while the
    /// store of keys is away, its fields wait for their seal in the spool.
    pub async fn sealer_for_emit(
        &self,
        ctx: &Ctx,
        user: UserId,
    ) -> Result<SubjectSealer, AuditError> {
        let subject = SubjectId::from_uuid(user.uuid());
        match self.subject_sealer(ctx, subject).await {
            Err(error) if error.is_outage() => Ok(SubjectSealer {
                subject,
                key: Key::Deferred,
            }),
            other => other,
        }
    }

    pub(crate) async fn subject_sealer(
        &self,
        ctx: &Ctx,
        subject: SubjectId,
    ) -> Result<SubjectSealer, AuditError> {
        if let Some(sealer) = self.existing_sealer(ctx, subject).await? {
            return Ok(sealer);
        }
        let wrap_key = self.keyring().subject_wrap();
        let fresh = SubjectKey::generate(ctx.rng())
            .wrap(wrap_key, subject, ctx.rng())
            .map_err(|_| AuditError::SubjectKey)?;
        let tenant = ctx.tenant();
        self.keys()
            .tx(&everywhere(ctx), "subject.create", async |tx| {
                tx.exec(&INSERT, args![subject, tenant, fresh, ctx.now()])
                    .await
            })
            .await?;
        // Read back: another node may have been first, and its key is the one that counts.
        self.existing_sealer(ctx, subject)
            .await?
            .ok_or(AuditError::SubjectKey)
    }

    /// The sealer of a subject that has a key or had one.
    pub(crate) async fn existing_sealer(
        &self,
        ctx: &Ctx,
        subject: SubjectId,
    ) -> Result<Option<SubjectSealer>, AuditError> {
        let row: Option<KeyRow> = self
            .keys()
            .read(&everywhere(ctx), "subject.find", async |tx| {
                tx.opt(&FIND, args![subject]).await
            })
            .await?;
        let Some(row) = row else { return Ok(None) };
        let key = match (row.wrapped_key, row.destroyed_at) {
            (Some(wrapped), None) => {
                let key = SubjectKey::unwrap(self.keyring().subject_wrap(), subject, &wrapped)
                    .map_err(|_| AuditError::SubjectKey)?;
                Key::Live(Arc::new(key))
            }
            _ => Key::Destroyed,
        };
        Ok(Some(SubjectSealer { subject, key }))
    }

    /// The sealers of those of these subjects that have a key or had one, in
    /// one question. A key that does not open counts as missing here: one
    /// damaged row must not hide the events of everybody else.
    pub(crate) async fn existing_sealers(
        &self,
        ctx: &Ctx,
        subjects: &[SubjectId],
    ) -> Result<HashMap<SubjectId, SubjectSealer>, AuditError> {
        let ids: Vec<_> = subjects
            .iter()
            .map(|id| hex::encode(id.as_bytes()))
            .collect();
        let list = serde_json::json!(ids).to_string();
        let rows: Vec<(SubjectId, Option<Vec<u8>>, Option<i64>)> = self
            .keys()
            .read(&everywhere(ctx), "subject.find_many", async |tx| {
                tx.all(&FIND_MANY, args![list]).await
            })
            .await?;
        let mut sealers = HashMap::with_capacity(rows.len());
        for (subject, wrapped, destroyed) in rows {
            let key = match (wrapped, destroyed) {
                (Some(wrapped), None) => {
                    let wrap_key = self.keyring().subject_wrap();
                    let Ok(key) = SubjectKey::unwrap(wrap_key, subject, &wrapped) else {
                        tracing::error!(%subject, "a subject key does not open");
                        continue;
                    };
                    Key::Live(Arc::new(key))
                }
                _ => Key::Destroyed,
            };
            sealers.insert(subject, SubjectSealer { subject, key });
        }
        Ok(sealers)
    }
}

/// A person has one key, whichever of their tenants the event belongs to.
fn everywhere(ctx: &Ctx) -> Ctx {
    ctx.clone().for_system()
}
