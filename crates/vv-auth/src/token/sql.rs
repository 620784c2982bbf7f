use vv_store::Sql;

pub(super) static ALL_KEYS: Sql = Sql::same(
    "signing_key.all",
    "select key_id, sealed, state from signing_keys order by created_at desc",
);
pub(super) static INSERT_KEY: Sql = Sql::same(
    "signing_key.insert",
    "insert into signing_keys (key_id, kid, algorithm, sealed, state, created_at) \
     values ($1, $2, 'EdDSA', $3, 'active', $4)",
);

/// Statements of this slice.
pub(crate) const STATEMENTS: &[&Sql] = &[&ALL_KEYS, &INSERT_KEY];
