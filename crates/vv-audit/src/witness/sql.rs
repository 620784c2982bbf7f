use vv_store::Sql;

/// Adds a log, or brings its keys up to date. What is known of it stays.
pub(crate) static KNOW_LOG: Sql = Sql::same(
    "witness.know_log",
    "insert into audit_witness_logs (origin, keys, size, root, updated_at) \
     values ($1, $2, 0, $3, $4) on conflict (origin) do update set keys = excluded.keys",
);
pub(crate) static LOCK_LOG: Sql = Sql::split(
    "witness.lock_log",
    "select size, root from audit_witness_logs where origin = $1 for update",
    "select size, root from audit_witness_logs where origin = $1",
);
pub(crate) static MOVE_LOG: Sql = Sql::same(
    "witness.move_log",
    "update audit_witness_logs set size = $1, root = $2, updated_at = $3 \
     where origin = $4 and size = $5",
);
pub(crate) static LOGS: Sql = Sql::same(
    "witness.logs",
    "select origin, size, updated_at from audit_witness_logs order by origin limit 10000",
);

pub(crate) const STATEMENTS: &[&Sql] = &[&KNOW_LOG, &LOCK_LOG, &MOVE_LOG, &LOGS];
