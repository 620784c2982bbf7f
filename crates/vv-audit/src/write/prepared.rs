use vv_base::{Ctx, EventId, TenantId};

use crate::audit::{Audit, chain_of};
use crate::blind::{self, BlindEntry};
use crate::body::Json;
use crate::error::AuditError;
use crate::event::Event;
use crate::projection::Projection;
use crate::view::{BodyValue, BodyView};

/// An event whose body is final: sealed, canonical, with everything but its place.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) chain: TenantId,
    pub(crate) event_id: EventId,
    /// Canonical JSON, stored verbatim behind the header of the leaf.
    pub(crate) body: String,
    pub(crate) columns: Projection,
    pub(crate) words: Option<String>,
    pub(crate) blind: Vec<BlindEntry>,
}

impl Prepared {
    /// From a body that was stored; `None` when it is not one of ours.
    pub(crate) fn from_body(chain: TenantId, body: String, blind: Vec<BlindEntry>) -> Option<Self> {
        let view = BodyView::parse(&body)?;
        let columns = Projection::of(&view)?;
        Some(Self {
            chain,
            event_id: columns.event_id,
            words: words_of(&view),
            columns,
            body,
            blind,
        })
    }
}

/// What full-text search finds the event by: texts among its details.
pub(crate) fn words_of(body: &BodyView<'_>) -> Option<String> {
    let mut words = String::new();
    for (_, value) in body.details() {
        match value {
            BodyValue::Text(text) => add(&text.decoded(), &mut words),
            BodyValue::List(text) | BodyValue::Object(text) => {
                if let Some(json) = Json::decode(text) {
                    collect(&json, &mut words);
                }
            }
            BodyValue::Null | BodyValue::Bool(_) | BodyValue::Int(_) => {}
        }
    }
    (!words.is_empty()).then_some(words)
}

fn collect(value: &Json, words: &mut String) {
    match value {
        Json::Text(text) => add(text, words),
        Json::List(items) => items.iter().for_each(|item| collect(item, words)),
        Json::Object(pairs) => pairs.values().for_each(|value| collect(value, words)),
        Json::Null | Json::Bool(_) | Json::Int(_) => {}
    }
}

fn add(text: &str, words: &mut String) {
    if !words.is_empty() {
        words.push(' ');
    }
    // PostgreSQL's text cannot hold it, and nobody searches for it.
    words.extend(text.chars().map(|c| if c == '\0' { ' ' } else { c }));
}

impl Audit {
    /// Seals and encodes an event for the context's chain.
    pub(crate) fn prepare(&self, ctx: &Ctx, event: &Event) -> Result<Prepared, AuditError> {
        let chain = chain_of(ctx);
        let event_id = ctx.new_id();
        let json = event.to_body(ctx, chain, event_id, &self.inner.node)?;
        let body = json.encode();
        crate::leaf::check_body(&body)?;
        let blind = blind::entries(self.keyring().audit_index(), chain, event);
        Prepared::from_body(chain, body, blind)
            .ok_or(AuditError::Leaf(crate::leaf::LeafError::Format))
    }
}
