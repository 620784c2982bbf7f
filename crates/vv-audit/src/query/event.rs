//! Events as people see them.

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::Value;
use vv_base::{Ctx, EventId, SubjectId, TenantId, Timestamp, UserId};
use vv_crypto::SealedField;
use vv_store::row;

use super::walk::Placed;
use crate::audit::Audit;
use crate::blind;
use crate::error::AuditError;
use crate::export::OpenedField;
use crate::leaf::Leaf;
use crate::subject::SubjectSealer;
use crate::view::{BodyText, BodyView, SealedView};

row! {
    /// An event as it is stored.
    pub(crate) struct StoredEvent {
        pub(crate) gseq: i64,
        pub(crate) tenant_id: TenantId,
        pub(crate) height: i64,
        pub(crate) event_id: EventId,
        pub(crate) seq_ts: Timestamp,
        pub(crate) kind: String,
        pub(crate) severity: String,
        pub(crate) outcome: String,
        pub(crate) actor_kind: String,
        pub(crate) actor_ref: Option<UserId>,
        pub(crate) target_kind: Option<String>,
        pub(crate) target_ref: Option<String>,
        pub(crate) leaf: Vec<u8>,
        pub(crate) leaf_hash: [u8; 32],
    }
}

impl Placed for StoredEvent {
    const SELECT: &'static str = "select gseq, tenant_id, height, event_id, seq_ts, kind, severity, \
         outcome, actor_kind, actor_ref, target_kind, target_ref, leaf, leaf_hash \
         from audit_events";

    fn height(&self) -> i64 {
        self.height
    }
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
    /// When it happened; `None` when the leaf cannot be read.
    pub occurred: Option<Timestamp>,
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
    /// The facts that are not personal, an object.
    pub details: Value,
    /// The leaf hash in lowercase hex.
    pub leaf_hash: String,
    /// Personal fields; `None` as the value once the subject was erased.
    pub personal: Vec<OpenedField>,
}

/// An event with everything that is stored of it.
#[derive(Debug, Clone, Serialize)]
pub struct EventDetail {
    /// What a list shows.
    #[serde(flatten)]
    pub event: EventView,
    /// Whose chain it is in.
    pub chain: TenantId,
    /// The request it belongs to.
    pub request: Option<String>,
    /// The session it belongs to.
    pub session: Option<String>,
    /// The service that wrote it.
    pub service: Option<String>,
    /// The process that wrote it.
    pub node: Option<String>,
    /// Hash of the leaf before in lowercase hex.
    pub prev_hash: Option<String>,
    /// The canonical body; `None` when the leaf cannot be read.
    pub body: Option<String>,
    /// The bytes that were hashed, in base64 (RFC 4648 §4).
    pub leaf: String,
}

impl EventDetail {
    pub(super) fn new(event: EventView, row: &StoredEvent) -> Self {
        let leaf = Leaf::decode(&row.leaf).ok();
        let body = leaf.and_then(|leaf| BodyView::parse(leaf.body));
        let text = |text: BodyText<'_>| text.decoded().into_owned();
        Self {
            event,
            chain: row.tenant_id,
            request: body.map(|body| text(body.request)),
            session: body.and_then(|body| body.session).map(text),
            service: body.map(|body| text(body.service)),
            node: body.map(|body| text(body.node)),
            prev_hash: leaf.map(|leaf| hex::encode(leaf.header.prev)),
            body: leaf.map(|leaf| leaf.body.to_owned()),
            leaf: STANDARD.encode(&row.leaf),
        }
    }
}

/// The keys of everybody whose fields are in some rows.
pub(crate) struct Keys(HashMap<SubjectId, SubjectSealer>);

impl Keys {
    /// The personal fields of a leaf, in the order in which they stand there.
    pub(crate) fn open(&self, row: &StoredEvent) -> Vec<OpenedField> {
        let Some(body) = body_of(&row.leaf) else {
            return Vec::new();
        };
        let open = |field: SealedView<'_>| {
            let name = field.field.decoded();
            let (subject, sealed) = take_apart(field)?;
            let key = self.0.get(&subject)?;
            key.open(row.tenant_id, row.event_id, &name, &sealed)
        };
        body.sealed()
            .map(|field| (field.field.decoded().into_owned(), open(field)))
            .collect()
    }
}

impl Audit {
    /// The keys for these rows, in one question to the store of keys.
    pub(crate) async fn keys_for(
        &self,
        ctx: &Ctx,
        rows: &[StoredEvent],
    ) -> Result<Keys, AuditError> {
        let bodies = rows.iter().filter_map(|row| body_of(&row.leaf));
        let subjects: BTreeSet<SubjectId> = bodies
            .flat_map(|body| body.sealed().filter_map(|f| subject_of(f.key_id)))
            .collect();
        if subjects.is_empty() {
            return Ok(Keys(HashMap::new()));
        }
        let subjects: Vec<SubjectId> = subjects.into_iter().collect();
        let found = self.existing_sealers(ctx, &subjects).await?;
        Ok(Keys(found))
    }

    /// The rows with their personal fields in clear.
    pub(crate) async fn views(
        &self,
        ctx: &Ctx,
        rows: &[StoredEvent],
    ) -> Result<Vec<EventView>, AuditError> {
        let keys = self.keys_for(ctx, rows).await?;
        Ok(rows.iter().map(|row| view(&keys, row)).collect())
    }
}

pub(super) fn view(keys: &Keys, row: &StoredEvent) -> EventView {
    let personal = keys.open(row);
    let body = body_of(&row.leaf);
    let details = body.and_then(|body| serde_json::from_str(body.details_text()).ok());
    EventView {
        event_id: row.event_id,
        height: row.height,
        time: row.seq_ts,
        occurred: body.map(|body| Timestamp::from_unix_micros(body.occurred)),
        details: details.unwrap_or(Value::Null),
        kind: row.kind.clone(),
        severity: row.severity.clone(),
        outcome: row.outcome.clone(),
        actor_kind: row.actor_kind.clone(),
        actor: row.actor_ref,
        target_kind: row.target_kind.clone(),
        target: row.target_ref.clone(),
        leaf_hash: hex::encode(row.leaf_hash),
        personal,
    }
}

/// Whether an opened field says what was searched for. The index keeps half of
/// a hash, and erased people must not be found by what they were.
pub(super) fn says(personal: &[OpenedField], wanted: &(String, String)) -> bool {
    let (field, value) = wanted;
    personal.iter().any(|(name, found)| {
        found
            .as_ref()
            .is_some_and(|found| blind::same(field, value, name, found))
    })
}

fn body_of(leaf: &[u8]) -> Option<BodyView<'_>> {
    BodyView::parse(Leaf::decode(leaf).ok()?.body)
}

fn subject_of(text: BodyText<'_>) -> Option<SubjectId> {
    text.decoded().parse().ok()
}

fn take_apart(field: SealedView<'_>) -> Option<(SubjectId, SealedField)> {
    let bytes = |text: BodyText<'_>| URL_SAFE_NO_PAD.decode(text.raw()).ok();
    let sealed = SealedField {
        nonce: bytes(field.nonce)?.try_into().ok()?,
        ct: bytes(field.ct)?,
        cm: bytes(field.cm)?.try_into().ok()?,
    };
    Some((subject_of(field.key_id)?, sealed))
}
