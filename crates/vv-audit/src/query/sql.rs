use vv_store::Sql;

/// The first and the last height that are there; zeros without any.
pub(super) static ENDS: Sql = Sql::same(
    "audit.ends",
    "select coalesce((select height from audit_events where tenant_id = $1 \
     order by height limit 1), 0) as first, \
     coalesce((select height from audit_events where tenant_id = $1 \
     order by height desc limit 1), 0) as last",
);
/// The time of the first event from a height on.
pub(super) static TIME_FROM: Sql = Sql::same(
    "audit.time_from",
    "select seq_ts from audit_events where tenant_id = $1 and height >= $2 \
     order by height limit 1",
);
/// The kinds that the chain has between two texts, found by leaping through
/// the index.
pub(super) static KINDS_BETWEEN: Sql = Sql::same(
    "audit.kinds_between",
    "with recursive found(kind) as ( \
     select (select kind from audit_events where tenant_id = $1 and kind >= $2 and kind < $3 \
     order by kind limit 1) union all \
     select (select e.kind from audit_events e where e.tenant_id = $1 and e.kind > found.kind \
     and e.kind < $3 order by e.kind limit 1) from found where found.kind is not null) \
     select kind from found where kind is not null limit $4",
);
pub(super) static EVENT: Sql = Sql::same(
    "audit.event",
    "select gseq, tenant_id, height, event_id, seq_ts, kind, severity, outcome, actor_kind, \
     actor_ref, target_kind, target_ref, leaf, leaf_hash from audit_events \
     where tenant_id = $1 and event_id = $2",
);
pub(super) static HOURLY: Sql = Sql::split(
    "audit.hourly",
    "select hour, kind, sum(events)::bigint as events from audit_rollups \
     where tenant_id = $1 and hour >= $2 \
     and kind in (select value from jsonb_array_elements_text($3::text::jsonb)) \
     group by hour, kind order by hour, kind",
    "select hour, kind, sum(events) as events from audit_rollups \
     where tenant_id = $1 and hour >= $2 and kind in (select value from json_each($3)) \
     group by hour, kind order by hour, kind",
);
pub(super) static DAILY: Sql = Sql::same(
    "audit.daily",
    "select hour / 24 as day, kind, severity, outcome, cast(sum(events) as bigint) as events \
     from audit_rollups where tenant_id = $1 and hour >= $2 group by 1, 2, 3, 4",
);
/// Who acted most among the newest events.
pub(super) static TOP_ACTORS: Sql = Sql::same(
    "audit.top_actors",
    "select actor_ref as actor, count(*) as events from (select actor_ref from audit_events \
     where tenant_id = $1 and height >= $2 order by height desc limit $3) newest \
     where actor_ref is not null group by actor_ref order by events desc, actor_ref limit $4",
);
/// Every chain there is or must be: a head row alone can be deleted. Chains of
/// events are found by leaping through the index.
pub(super) static CHAINS: Sql = Sql::same(
    "audit.chains",
    "with recursive found(id) as ( \
     select (select tenant_id from audit_events order by tenant_id limit 1) union all \
     select (select e.tenant_id from audit_events e where e.tenant_id > found.id \
     order by e.tenant_id limit 1) from found where found.id is not null) \
     select tenant_id from audit_chains union select id from found where id is not null \
     union select tenant_id from audit_verifications union select tenant_id from tenants \
     order by tenant_id",
)
.across_tenants("the nightly check walks every chain");

/// Statements of reading the trail.
pub(crate) const STATEMENTS: &[&Sql] = &[
    &ENDS,
    &TIME_FROM,
    &KINDS_BETWEEN,
    &EVENT,
    &HOURLY,
    &DAILY,
    &TOP_ACTORS,
    &CHAINS,
];
