use vv_store::Sql;

pub(crate) static LOCK_HEAD: Sql = Sql::split(
    "audit.lock_head",
    "select height, head_hash, head_ts, head_mac from audit_chains \
     where tenant_id = $1 for update",
    "select height, head_hash, head_ts, head_mac from audit_chains where tenant_id = $1",
);
pub(crate) static FIND_HEAD: Sql = Sql::same(
    "audit.find_head",
    "select height, head_hash, head_ts, head_mac from audit_chains where tenant_id = $1",
);
pub(crate) static INSERT_HEAD: Sql = Sql::same(
    "audit.insert_head",
    "insert into audit_chains (tenant_id, height, head_hash, head_ts, head_mac) \
     values ($1, 0, $2, $3, $4) on conflict (tenant_id) do nothing",
);
pub(crate) static ADVANCE_HEAD: Sql = Sql::same(
    "audit.advance_head",
    "update audit_chains set height = $3, head_hash = $4, head_ts = $5, head_mac = $6 \
     where tenant_id = $1 and height = $2",
);
pub(crate) static INSERT_EVENT: Sql = Sql::same(
    "audit.insert_event",
    "insert into audit_events (tenant_id, height, event_id, seq_ts, kind, severity, outcome, \
     actor_kind, actor_ref, target_kind, target_ref, request_id, leaf, leaf_hash) \
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
);
pub(crate) static EVENTS_FROM: Sql = Sql::same(
    "audit.events_from",
    "select height, event_id, seq_ts, kind, severity, outcome, actor_kind, actor_ref, \
     target_kind, target_ref, request_id, leaf, leaf_hash from audit_events \
     where tenant_id = $1 and height > $2 order by height limit $3",
);
/// The last event there is, whatever the head says.
pub(crate) static LAST_HEIGHT: Sql = Sql::same(
    "audit.last_height",
    "select height from audit_events where tenant_id = $1 order by height desc limit 1",
);
/// How far the last verification got.
pub(crate) static SEEN_HEIGHT: Sql = Sql::same(
    "audit.seen_height",
    "select height from audit_verifications where tenant_id = $1",
);
pub(crate) static HOURLY: Sql = Sql::same(
    "audit.hourly",
    "select seq_ts / 3600000000 as hour, kind, count(*) as events from audit_events \
     where tenant_id = $1 and kind in ($2, $3) and seq_ts >= $4 group by 1, 2 order by 1, 2",
);
pub(crate) static SAVE_VERIFICATION: Sql = Sql::same(
    "audit.save_verification",
    "insert into audit_verifications (tenant_id, verified_at, height, verified, first_bad_height) \
     values ($1, $2, $3, $4, $5) on conflict (tenant_id) do update set \
     verified_at = excluded.verified_at, height = excluded.height, \
     verified = excluded.verified, first_bad_height = excluded.first_bad_height",
);
pub(crate) static LAST_VERIFICATION: Sql = Sql::same(
    "audit.last_verification",
    "select verified_at, height, verified, first_bad_height from audit_verifications \
     where tenant_id = $1",
);
/// Every chain there is or must be: a head row alone can be deleted.
pub(crate) static CHAINS: Sql = Sql::same(
    "audit.chains",
    "select tenant_id from audit_chains union select tenant_id from audit_events \
     union select tenant_id from audit_verifications union select tenant_id from tenants \
     order by tenant_id",
)
.across_tenants("the nightly check walks every chain");

/// Statements of the main store, for the test that prepares them all.
pub const STATEMENTS: &[&Sql] = &[
    &LOCK_HEAD,
    &FIND_HEAD,
    &INSERT_HEAD,
    &ADVANCE_HEAD,
    &INSERT_EVENT,
    &EVENTS_FROM,
    &LAST_HEIGHT,
    &SEEN_HEIGHT,
    &HOURLY,
    &SAVE_VERIFICATION,
    &LAST_VERIFICATION,
    &CHAINS,
];
