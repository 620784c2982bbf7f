use vv_store::Sql;

pub(super) static FOLLOW: Sql = Sql::same(
    "audit.follow",
    "select gseq, tenant_id, height, event_id, seq_ts, kind, severity, outcome, actor_kind, \
     actor_ref, target_kind, target_ref, leaf, leaf_hash from audit_events \
     where tenant_id = $1 and height > $2 order by height limit $3",
);
pub(super) static FOLLOW_ALL: Sql = Sql::same(
    "audit.follow_all",
    "select gseq, tenant_id, height, event_id, seq_ts, kind, severity, outcome, actor_kind, \
     actor_ref, target_kind, target_ref, leaf, leaf_hash from audit_events \
     where gseq > $1 order by gseq limit $2",
)
.across_tenants("alerts look at the events of every tenant");
pub(super) static LAST_OF_CHAIN: Sql = Sql::same(
    "audit.last_of_chain",
    "select coalesce((select height from audit_events where tenant_id = $1 \
     order by height desc limit 1), 0) as last",
);
pub(super) static LAST_OF_ALL: Sql = Sql::same(
    "audit.last_of_all",
    "select gseq from audit_sequencer where id = 1",
);

pub(crate) const STATEMENTS: &[&Sql] = &[&FOLLOW, &FOLLOW_ALL, &LAST_OF_CHAIN, &LAST_OF_ALL];
