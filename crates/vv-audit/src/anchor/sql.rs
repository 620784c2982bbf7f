use vv_store::{Bulk, Sql};

/// Leaves of the anchor log.
pub static ANCHORS: Bulk = Bulk::new(
    "audit.insert_anchors",
    "audit",
    "audit_anchors",
    &[
        "position",
        "tenant_id",
        "at",
        "size",
        "root",
        "leaf",
        "leaf_hash",
    ],
)
.under_row_security();

/// Chains that got events in a range of global sequence numbers.
pub(crate) static CHANGED_SINCE: Sql = Sql::same(
    "audit.changed_since",
    "select distinct tenant_id from audit_events where gseq > $1 and gseq <= $2 limit $3",
);
/// Chains whose head is not what was anchored last, however long ago.
pub(crate) static UNANCHORED: Sql = Sql::same(
    "audit.unanchored",
    "select c.tenant_id from audit_chains c where c.tenant_id <> $1 and c.height <> \
     coalesce((select a.size from audit_anchors a where a.tenant_id = c.tenant_id \
     order by a.size desc limit 1), 0) order by c.tenant_id limit $2",
);
/// The largest size at which each of these chains was anchored.
pub(crate) static ANCHORED_SIZES: Sql = Sql::split(
    "audit.anchored_sizes",
    "select w.chain, (select a.size from audit_anchors a where a.tenant_id = w.chain \
     order by a.size desc limit 1) from (select value::uuid as chain \
     from jsonb_array_elements_text($1::text::jsonb)) w",
    "select w.chain, (select a.size from audit_anchors a where a.tenant_id = w.chain \
     order by a.size desc limit 1) from (select unhex(value) as chain from json_each($1)) w",
);
/// The first anchor of a chain that covers a height.
pub(crate) static COVERING_ANCHOR: Sql = Sql::same(
    "audit.covering_anchor",
    "select leaf from audit_anchors where tenant_id = $1 and size >= $2 \
     order by size, position limit 1",
);
/// The first anchored sizes that cover each of some heights.
pub(crate) static ANCHORS_OVER: Sql = Sql::split(
    "audit.anchors_over",
    "select w.height, (select a.size from audit_anchors a where a.tenant_id = $1 \
     and a.size >= w.height order by a.size limit 1) from (select value::bigint as height \
     from jsonb_array_elements_text($2::text::jsonb)) w",
    "select w.height, (select a.size from audit_anchors a where a.tenant_id = $1 \
     and a.size >= w.height order by a.size limit 1) \
     from (select value as height from json_each($2)) w",
);
pub(crate) static NEWEST_CHECKPOINTS: Sql = Sql::same(
    "audit.newest_checkpoints",
    "select size, signed_at from audit_checkpoints order by size desc limit 2",
);
pub(crate) static CHECKPOINT_OF: Sql = Sql::same(
    "audit.checkpoint_of",
    "select note from audit_checkpoints where size = $1",
);
pub(crate) static SAVE_CHECKPOINT: Sql = Sql::same(
    "audit.save_checkpoint",
    "insert into audit_checkpoints (size, root, signed_at, note) values ($1, $2, $3, $4)",
);
pub(crate) static DROP_CHECKPOINT: Sql = Sql::same(
    "audit.drop_checkpoint",
    "delete from audit_checkpoints where size = $1",
);
pub(crate) static NEWEST_RECEIPTS: Sql = Sql::same(
    "audit.newest_receipts",
    "select size, at from audit_receipts where sink = $1 order by size desc limit 2",
);
pub(crate) static RECEIPTS_OF: Sql = Sql::same(
    "audit.receipts_of",
    "select sink, receipt from audit_receipts where size = $1 order by sink limit 64",
);
pub(crate) static RECEIPT: Sql = Sql::same(
    "audit.receipt",
    "select size, receipt from audit_receipts where sink = $1 and size >= $2 \
     order by size limit 1",
);
pub(crate) static SAVE_RECEIPT: Sql = Sql::same(
    "audit.save_receipt",
    "insert into audit_receipts (sink, size, at, receipt) values ($1, $2, $3, $4) \
     on conflict (sink, size) do nothing",
);
pub(crate) static DROP_RECEIPT: Sql = Sql::same(
    "audit.drop_receipt",
    "delete from audit_receipts where sink = $1 and size = $2",
);

pub(crate) const STATEMENTS: &[&Sql] = &[
    &CHANGED_SINCE,
    &UNANCHORED,
    &ANCHORED_SIZES,
    &COVERING_ANCHOR,
    &ANCHORS_OVER,
    &NEWEST_CHECKPOINTS,
    &CHECKPOINT_OF,
    &SAVE_CHECKPOINT,
    &DROP_CHECKPOINT,
    &NEWEST_RECEIPTS,
    &RECEIPTS_OF,
    &RECEIPT,
    &SAVE_RECEIPT,
    &DROP_RECEIPT,
];
