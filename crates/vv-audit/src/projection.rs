//! The columns beside a leaf, which exist for searching.

use vv_base::{EventId, RequestId, UserId};

use crate::view::BodyView;

/// The search columns of an event, always derived from the body, both when it
/// is written and when it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Projection {
    pub(crate) event_id: EventId,
    pub(crate) kind: String,
    pub(crate) severity: String,
    pub(crate) outcome: String,
    pub(crate) actor_kind: String,
    pub(crate) actor_ref: Option<UserId>,
    pub(crate) target_kind: Option<String>,
    pub(crate) target_ref: Option<String>,
    pub(crate) request_id: RequestId,
}

impl Projection {
    /// `None` when an id in the body is not one.
    pub(crate) fn of(body: &BodyView<'_>) -> Option<Self> {
        let (category, action) = (body.category.decoded(), body.action.decoded());
        let mut kind = String::with_capacity(category.len() + action.len() + 1);
        kind.push_str(&category);
        kind.push('.');
        kind.push_str(&action);
        Some(Self {
            event_id: body.event_id.decoded().parse().ok()?,
            kind,
            severity: body.severity.decoded().into_owned(),
            outcome: body.outcome.decoded().into_owned(),
            actor_kind: body.actor_kind.decoded().into_owned(),
            actor_ref: match body.actor_ref {
                Some(text) => Some(text.decoded().parse().ok()?),
                None => None,
            },
            target_kind: body.target.map(|target| target.kind.decoded().into_owned()),
            target_ref: body.target.map(|target| target.id.decoded().into_owned()),
            request_id: body.request.decoded().parse().ok()?,
        })
    }
}
