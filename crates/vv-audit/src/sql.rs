use vv_store::Sql;

pub(crate) static EVENTS_FROM: Sql = Sql::same(
    "audit.events_from",
    "select height, event_id, seq_ts, kind, severity, outcome, actor_kind, actor_ref, \
     target_kind, target_ref, request_id, leaf, leaf_hash from audit_events \
     where tenant_id = $1 and height > $2 order by height limit $3",
);
/// Statements of the main store, for the test that prepares them all.
pub fn statements() -> Vec<&'static Sql> {
    [
        STATEMENTS,
        crate::write::sql::STATEMENTS,
        crate::proof::sql::STATEMENTS,
        crate::anchor::sql::STATEMENTS,
        crate::witness::sql::STATEMENTS,
        crate::verify::STATEMENTS,
        crate::retention::sql::STATEMENTS,
        crate::query::sql::STATEMENTS,
        crate::tail::STATEMENTS,
        crate::erasure::STATEMENTS,
        crate::health::STATEMENTS,
    ]
    .concat()
}

const STATEMENTS: &[&Sql] = &[&EVENTS_FROM];
