use vv_store::Sql;

pub(super) static LAST_SEGMENT: Sql = Sql::same(
    "audit.last_segment",
    "select tenant_id, month, from_height, to_height, state, manifest, archive, archive_sha256, \
     closed_at, archived_at, pruned_at from audit_segments where tenant_id = $1 \
     order by month desc limit 1",
);
pub(super) static SEGMENT: Sql = Sql::same(
    "audit.segment",
    "select tenant_id, month, from_height, to_height, state, manifest, archive, archive_sha256, \
     closed_at, archived_at, pruned_at from audit_segments where tenant_id = $1 and month = $2",
);
pub(super) static SEGMENTS: Sql = Sql::same(
    "audit.segments",
    "select tenant_id, month, from_height, to_height, state, manifest, archive, archive_sha256, \
     closed_at, archived_at, pruned_at from audit_segments where tenant_id = $1 and month > $2 \
     order by month limit $3",
);
/// The segment that ends where the chain was pruned to.
pub(super) static SEGMENT_UP_TO: Sql = Sql::same(
    "audit.segment_up_to",
    "select tenant_id, month, from_height, to_height, state, manifest, archive, archive_sha256, \
     closed_at, archived_at, pruned_at from audit_segments where tenant_id = $1 \
     and to_height = $2 and state in ('pruning', 'pruned')",
);
/// Chains that have a head. One without is for the verification to find.
pub(super) static CHAINS: Sql = Sql::same(
    "audit.chains_with_head",
    "select tenant_id from audit_chains order by tenant_id",
);
/// The oldest segment of each chain that is not gone yet.
pub(super) static OLDEST_LEFT: Sql = Sql::same(
    "audit.oldest_left",
    "select tenant_id, min(month) from audit_segments where state <> 'pruned' \
     group by tenant_id order by tenant_id",
);
pub(super) static CLOSED_SEGMENTS: Sql = Sql::same(
    "audit.closed_segments",
    "select tenant_id, month from audit_segments where state = 'closed' \
     order by month, tenant_id limit $1",
);
pub(super) static INSERT_SEGMENT: Sql = Sql::same(
    "audit.insert_segment",
    "insert into audit_segments (tenant_id, month, from_height, to_height, state, manifest, \
     closed_at) values ($1, $2, $3, $4, 'closed', $5, $6)",
);
pub(super) static MARK_ARCHIVED: Sql = Sql::same(
    "audit.mark_archived",
    "update audit_segments set state = 'archived', manifest = $3, archive = $4, \
     archive_sha256 = $5, archived_at = $6 \
     where tenant_id = $1 and month = $2 and state = 'closed'",
);
pub(super) static MARK_PRUNING: Sql = Sql::same(
    "audit.mark_pruning",
    "update audit_segments set state = 'pruning' \
     where tenant_id = $1 and month = $2 and state = 'archived'",
);
pub(super) static MARK_PRUNED: Sql = Sql::same(
    "audit.mark_pruned",
    "update audit_segments set state = 'pruned', pruned_at = $3 \
     where tenant_id = $1 and month = $2 and state = 'pruning'",
);
/// When the first event after a height got its place.
pub(super) static NEXT_TIME: Sql = Sql::same(
    "audit.next_time",
    "select seq_ts from audit_events where tenant_id = $1 and height > $2 order by height limit 1",
);
/// Keeps appends to one chain, and holds on it, apart from its pruning.
pub(super) static LOCK_CHAIN: Sql = Sql::split(
    "audit.lock_chain",
    "select height from audit_chains where tenant_id = $1 for update",
    "select height from audit_chains where tenant_id = $1",
);
pub(super) static TILE_HASHES: Sql = Sql::same(
    "audit.tile_hashes",
    "select hashes from audit_tiles where tenant_id = $1 and level = 0 and idx = $2",
);
/// Puts the leaf hashes of a tile down; a longer row is never made shorter.
pub(super) static KEEP_TILE: Sql = Sql::same(
    "audit.keep_tile",
    "insert into audit_tiles (tenant_id, level, idx, hashes) values ($1, 0, $2, $3) \
     on conflict (tenant_id, level, idx) do update set hashes = excluded.hashes \
     where length(excluded.hashes) >= length(audit_tiles.hashes)",
);
/// Where a step of pruning ends: the highest of the next few events.
pub(super) static PRUNE_UP_TO: Sql = Sql::same(
    "audit.prune_up_to",
    "select max(height) from (select height from audit_events where tenant_id = $1 \
     and height >= $2 and height <= $3 order by height limit $4) step",
);
pub(super) static PRUNE_TEXT: Sql = Sql::split(
    "audit.prune_text",
    "delete from audit_text where tenant_id = $1 and height >= $2 and height <= $3",
    "delete from audit_text where rowid in (select gseq from audit_events \
     where tenant_id = $1 and height >= $2 and height <= $3)",
);
pub(super) static PRUNE_BLIND: Sql = Sql::same(
    "audit.prune_blind",
    "delete from audit_blind where tenant_id = $1 and height >= $2 and height <= $3",
);
/// `SQLite` only; on `PostgreSQL` the function does it.
pub(super) static PRUNE_EVENTS: Sql = Sql::split(
    "audit.prune_events",
    "select audit.prune_events($1, $2, $3)",
    "delete from audit_events where gseq in (select e.gseq from audit_segments s \
     join audit_events e on e.tenant_id = s.tenant_id \
     and e.height between s.from_height and s.to_height \
     where s.tenant_id = $1 and s.month = $2 and s.state = 'pruning' \
     order by e.height limit $3)",
);
pub(super) static PRUNED_MONTHS: Sql = Sql::same(
    "audit.pruned_months",
    "select month from audit_segments group by month \
     having count(*) = sum(case when state = 'pruned' then 1 else 0 end) order by month",
)
.across_tenants("a partition holds the events of every tenant");
pub(super) static DROP_MONTH: Sql = Sql::split(
    "audit.drop_month",
    "select audit.drop_empty_month($1)",
    "select $1 is null",
);
pub(super) static INSERT_HOLD: Sql = Sql::same(
    "audit.insert_hold",
    "insert into audit_holds (hold_id, tenant_id, reason, placed_by, placed_at) \
     values ($1, $2, $3, $4, $5)",
);
pub(super) static RELEASE_HOLD: Sql = Sql::same(
    "audit.release_hold",
    "update audit_holds set released_by = $3, released_at = $4 \
     where tenant_id = $1 and hold_id = $2 and released_at is null",
);
pub(super) static HOLDS: Sql = Sql::same(
    "audit.holds",
    "select hold_id, reason, placed_by, placed_at, released_by, released_at from audit_holds \
     where tenant_id = $1 order by placed_at desc, hold_id desc limit $2",
);
pub(super) static ACTIVE_HOLDS: Sql = Sql::same(
    "audit.active_holds",
    "select count(*) from audit_holds where tenant_id = $1 and released_at is null",
);

pub(crate) const STATEMENTS: &[&Sql] = &[
    &CHAINS,
    &LAST_SEGMENT,
    &SEGMENT,
    &SEGMENTS,
    &SEGMENT_UP_TO,
    &OLDEST_LEFT,
    &CLOSED_SEGMENTS,
    &INSERT_SEGMENT,
    &MARK_ARCHIVED,
    &MARK_PRUNING,
    &MARK_PRUNED,
    &NEXT_TIME,
    &LOCK_CHAIN,
    &TILE_HASHES,
    &KEEP_TILE,
    &PRUNE_UP_TO,
    &PRUNE_TEXT,
    &PRUNE_BLIND,
    &PRUNE_EVENTS,
    &PRUNED_MONTHS,
    &DROP_MONTH,
    &INSERT_HOLD,
    &RELEASE_HOLD,
    &HOLDS,
    &ACTIVE_HOLDS,
];
