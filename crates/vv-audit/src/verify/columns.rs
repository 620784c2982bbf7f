//! Search columns against the body that they were derived from.

use vv_base::Id;

use super::frame::Stored;
use crate::view::{BodyText, BodyView};

/// The first column that does not say what the body says, as a finding's code.
pub(super) fn first_wrong(row: &Stored<'_>, body: &BodyView<'_>) -> Option<&'static str> {
    let target = body.target;
    let checks = [
        (is_kind(row.kind, body), "column:kind"),
        (same(body.severity, row.severity), "column:severity"),
        (same(body.outcome, row.outcome), "column:outcome"),
        (same(body.actor_kind, row.actor_kind), "column:actor_kind"),
        (
            same_or_none(target.map(|t| t.kind), row.target_kind),
            "column:target_kind",
        ),
        (
            same_or_none(target.map(|t| t.id), row.target_ref),
            "column:target_ref",
        ),
        (is_id(body.event_id, row.event_id), "column:event_id"),
        (is_id(body.request, row.request_id), "column:request_id"),
        (is_actor(body, row.actor_ref), "column:actor_ref"),
    ];
    checks
        .into_iter()
        .find_map(|(right, code)| (!right).then_some(code))
}

fn is_kind(column: &[u8], body: &BodyView<'_>) -> bool {
    let dot = body.category.decoded().len();
    match column.split_at_checked(dot) {
        Some((category, [b'.', action @ ..])) => {
            same(body.category, category) && same(body.action, action)
        }
        _ => false,
    }
}

fn same(text: BodyText<'_>, column: &[u8]) -> bool {
    std::str::from_utf8(column).is_ok_and(|column| text == *column)
}

fn same_or_none(text: Option<BodyText<'_>>, column: Option<&[u8]>) -> bool {
    match (text, column) {
        (Some(text), Some(column)) => same(text, column),
        (None, None) => true,
        _ => false,
    }
}

fn is_id(text: BodyText<'_>, column: &[u8]) -> bool {
    let id = text.raw().parse::<Id<()>>();
    id.is_ok_and(|id| id.as_bytes().as_slice() == column)
}

fn is_actor(body: &BodyView<'_>, column: Option<&[u8]>) -> bool {
    match (body.actor_ref, column) {
        (Some(text), Some(column)) => is_id(text, column),
        (None, None) => true,
        _ => false,
    }
}
