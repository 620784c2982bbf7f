use vv_store::Sql;

/// Tiles by level and place, those that there are.
pub(crate) static TILES: Sql = Sql::split(
    "audit.tiles",
    "select t.level, t.idx, t.hashes from jsonb_to_recordset($2::text::jsonb) \
     as w(level bigint, idx bigint) join audit_tiles t \
     on t.tenant_id = $1 and t.level = w.level and t.idx = w.idx",
    "select t.level, t.idx, t.hashes from json_each($2) w join audit_tiles t \
     on t.tenant_id = $1 and t.level = w.value ->> 'level' and t.idx = w.value ->> 'idx'",
);
/// The leaves themselves, for entry bundles.
pub(crate) static LEAVES: Sql = Sql::same(
    "audit.leaves",
    "select height, leaf from audit_events where tenant_id = $1 and height > $2 \
     and height <= $3 order by height limit $4",
);
pub(crate) static ANCHOR_HASHES: Sql = Sql::same(
    "audit.anchor_hashes",
    "select position, leaf_hash from audit_anchors where position > $1 and position <= $2 \
     order by position limit $3",
)
.across_tenants("the log of logs has every chain");
pub(crate) static ANCHOR_LEAVES: Sql = Sql::same(
    "audit.anchor_leaves",
    "select position, leaf from audit_anchors where position > $1 and position <= $2 \
     order by position limit $3",
)
.across_tenants("the log of logs has every chain");

pub(crate) const STATEMENTS: &[&Sql] = &[&TILES, &LEAVES, &ANCHOR_HASHES, &ANCHOR_LEAVES];
