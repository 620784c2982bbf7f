//! Reading the trail: pages for people, counts for charts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use vv_base::{Ctx, EventId, Page, PageRequest, SubjectId, TenantId, Timestamp, UserId};
use vv_crypto::SealedField;
use vv_store::{Store, StoreError, Where, args, row};

use crate::body::Json;
use crate::catalogue::Kind;
use crate::error::AuditError;
use crate::event::Event;
use crate::leaf::Leaf;
use crate::record::{Audit, HeadRow, SYSTEM_CHAIN};
use crate::sql;
use crate::verify::EventRow;

/// Which events are wanted.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only this kind, as `category.action`.
    pub kind: Option<String>,
}

/// An event as people see it.
#[derive(Debug, Clone, Serialize)]
pub struct EventView {
    /// The event's id.
    pub event_id: EventId,
    /// Its place in the chain.
    pub height: i64,
    /// When it got its place.
    pub time: Timestamp,
    /// `category.action`.
    pub kind: String,
    /// How much attention it deserves.
    pub severity: String,
    /// How it ended.
    pub outcome: String,
    /// What kind of actor.
    pub actor_kind: String,
    /// The person who acted.
    pub actor: Option<UserId>,
    /// What kind of thing it was done to.
    pub target_kind: Option<String>,
    /// The id of that thing.
    pub target: Option<String>,
    /// The leaf hash in lowercase hex.
    pub leaf_hash: String,
    /// Personal fields; `None` as the value once the subject was erased.
    pub personal: Vec<(String, Option<String>)>,
}

/// The end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// Events so far.
    pub height: i64,
    /// Leaf hash of the newest event.
    pub hash: [u8; 32],
    /// When the newest event got its place.
    pub at: Timestamp,
}

impl ChainHead {
    /// The hash in lowercase hex.
    pub fn hash_hex(&self) -> String {
        hex::encode(self.hash)
    }
}

row! {
    /// How many events of a kind fell into an hour.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct HourCount {
        pub hour: i64,
        pub kind: String,
        pub events: i64,
    }
}

row! {
    struct ChainRow {
        tenant_id: TenantId,
    }
}

impl Audit {
    /// A page of the context's chain, newest first.
    pub async fn list(
        &self,
        ctx: &Ctx,
        store: &Store,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<EventView>, AuditError> {
        let chain = ctx.tenant().unwrap_or(SYSTEM_CHAIN);
        let mut query = Where::select(
            "select height, event_id, seq_ts, kind, severity, outcome, actor_kind, actor_ref, \
             target_kind, target_ref, request_id, leaf, leaf_hash from audit_events",
        )
        .and("tenant_id = ?", args![chain]);
        if let Some(kind) = &filter.kind {
            query = query.and("kind = ?", args![kind.as_str()]);
        }
        if let Some(cursor) = &page.after {
            let before = i64::from_be_bytes(cursor.key_array().map_err(StoreError::from)?);
            query = query.and("height < ?", args![before]);
        }
        let query = query.order("height desc").limit(page.probe_limit());
        let rows: Vec<EventRow> = store
            .read(ctx, "audit.list", async |tx| tx.select(&query).await)
            .await?;
        let page = Page::from_probe(rows, page, |row| row.height.to_be_bytes().to_vec());
        let mut items = Vec::with_capacity(page.items.len());
        for row in page.items {
            items.push(self.view(ctx, chain, row).await?);
        }
        Ok(Page {
            items,
            next_cursor: page.next_cursor,
        })
    }

    /// A page as [`Audit::list`] gives it, for somebody who reads the trail: the
    /// look is recorded (PCI DSS 4.0.1, 10.2.1.3), after the page was read.
    pub async fn list_for_reader(
        &self,
        ctx: &Ctx,
        store: &Store,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<EventView>, AuditError> {
        let found = self.list(ctx, store, filter, page).await?;
        let shown = i64::try_from(found.items.len()).unwrap_or(i64::MAX);
        let event = Event::new(Kind::AuditViewed).detail("shown", shown);
        store
            .tx(ctx, "audit.list_audit", async |tx| {
                self.record(ctx, tx, event).await
            })
            .await?;
        Ok(found)
    }

    async fn view(
        &self,
        ctx: &Ctx,
        chain: TenantId,
        row: EventRow,
    ) -> Result<EventView, AuditError> {
        let body = Leaf::decode(&row.leaf)
            .ok()
            .and_then(|leaf| Json::decode(leaf.body));
        let sealed = body
            .as_ref()
            .and_then(|body| body.get("pii"))
            .map(Json::list)
            .unwrap_or_default();
        let mut personal = Vec::with_capacity(sealed.len());
        for field in sealed {
            if let Some((name, subject, sealed)) = read_sealed(field) {
                let key = self.existing_sealer(ctx, subject).await?;
                let clear = key.and_then(|key| key.open(chain, row.event_id, name, &sealed));
                personal.push((name.to_owned(), clear));
            }
        }
        Ok(EventView {
            event_id: row.event_id,
            height: row.height,
            time: row.seq_ts,
            kind: row.kind,
            severity: row.severity,
            outcome: row.outcome,
            actor_kind: row.actor_kind,
            actor: row.actor_ref,
            target_kind: row.target_kind,
            target: row.target_ref,
            leaf_hash: hex::encode(row.leaf_hash),
            personal,
        })
    }

    /// The newest event of the context's chain; `None` before the first.
    pub async fn head(&self, ctx: &Ctx, store: &Store) -> Result<Option<ChainHead>, AuditError> {
        let chain = ctx.tenant().unwrap_or(SYSTEM_CHAIN);
        let head: Option<HeadRow> = store
            .read(ctx, "audit.find_head", async |tx| {
                tx.opt(&sql::FIND_HEAD, args![chain]).await
            })
            .await?;
        Ok(head.map(|head| ChainHead {
            height: head.height,
            hash: head.head_hash,
            at: head.head_ts,
        }))
    }

    /// Events of two kinds per hour since a moment; hours without any are left out.
    pub async fn hourly(
        &self,
        ctx: &Ctx,
        store: &Store,
        kinds: (Kind, Kind),
        since: Timestamp,
    ) -> Result<Vec<HourCount>, AuditError> {
        let chain = ctx.tenant().unwrap_or(SYSTEM_CHAIN);
        let counts = store
            .read(ctx, "audit.hourly", async |tx| {
                tx.all(
                    &sql::HOURLY,
                    args![chain, kinds.0.name(), kinds.1.name(), since],
                )
                .await
            })
            .await?;
        Ok(counts)
    }

    /// Every chain there is, the system chain among them.
    pub async fn chains(&self, ctx: &Ctx, store: &Store) -> Result<Vec<TenantId>, AuditError> {
        let rows: Vec<ChainRow> = store
            .read(&ctx.clone().for_system(), "audit.chains", async |tx| {
                tx.all(&sql::CHAINS, args![]).await
            })
            .await?;
        Ok(rows.into_iter().map(|row| row.tenant_id).collect())
    }
}

fn read_sealed(field: &Json) -> Option<(&str, SubjectId, SealedField)> {
    let text = |key: &str| field.get(key).and_then(Json::text);
    let bytes = |key: &str| text(key).and_then(|t| URL_SAFE_NO_PAD.decode(t).ok());
    let sealed = SealedField {
        nonce: bytes("nonce")?.try_into().ok()?,
        ct: bytes("ct")?,
        cm: bytes("cm")?.try_into().ok()?,
    };
    Some((text("ref")?, text("key_id")?.parse().ok()?, sealed))
}
