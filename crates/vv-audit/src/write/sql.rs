use vv_store::Sql;

pub(crate) static INSERT_INTAKE: Sql = Sql::same(
    "audit.insert_intake",
    "insert into audit_intake (tenant_id, event_id, node, boot, body, blind, mac) \
     values ($1, $2, $3, $4, $5, $6, $7)",
);
/// Rows of the oldest transactions first, so that what was caused comes after its cause.
pub(crate) static TAKE_INTAKE: Sql = Sql::split(
    "audit.take_intake",
    "select id, tenant_id, event_id, node, boot, body, blind, mac from audit_intake \
     where refused_at is null and tenant_id not in (select value::uuid \
     from jsonb_array_elements_text($1::text::jsonb)) order by id limit $2",
    "select id, tenant_id, event_id, node, boot, body, blind, mac from audit_intake \
     where refused_at is null and tenant_id not in (select unhex(value) from json_each($1)) order by id limit $2",
)
.across_tenants("one batch appends to the chains of many tenants");
/// Whether anything waits, for batches that would otherwise be empty.
pub(crate) static ANY_INTAKE: Sql = Sql::split(
    "audit.any_intake",
    "select 1::bigint from audit_intake where refused_at is null and tenant_id not in \
     (select value::uuid from jsonb_array_elements_text($1::text::jsonb)) limit 1",
    "select 1 from audit_intake where refused_at is null and tenant_id not in \
     (select unhex(value) from json_each($1)) limit 1",
)
.across_tenants("one batch appends to the chains of many tenants");
pub(crate) static DELETE_INTAKE: Sql = Sql::split(
    "audit.delete_intake",
    "delete from audit_intake where id in \
     (select value::bigint from jsonb_array_elements_text($1::text::jsonb))",
    "delete from audit_intake where id in (select value from json_each($1))",
)
.across_tenants("one batch appends to the chains of many tenants");
pub(crate) static REFUSE_INTAKE: Sql = Sql::split(
    "audit.refuse_intake",
    "update audit_intake set refused_at = $2 where id in \
     (select value::bigint from jsonb_array_elements_text($1::text::jsonb))",
    "update audit_intake set refused_at = $2 where id in (select value from json_each($1))",
)
.across_tenants("one batch appends to the chains of many tenants");
pub(crate) static LOCK_SEQUENCER: Sql = Sql::split(
    "audit.lock_sequencer",
    "select holder, epoch, lease_until, gseq from audit_sequencer where id = 1 for update",
    "select holder, epoch, lease_until, gseq from audit_sequencer where id = 1",
);
pub(crate) static SEE_SEQUENCER: Sql = Sql::same(
    "audit.see_sequencer",
    "select holder, epoch, lease_until, gseq from audit_sequencer where id = 1",
);
pub(crate) static ADVANCE_SEQUENCER: Sql = Sql::same(
    "audit.advance_sequencer",
    "update audit_sequencer set holder = $1, epoch = $2, lease_until = $3, gseq = $4 \
     where id = 1 and gseq = $5",
);
pub(crate) static FIND_HEADS: Sql = Sql::split(
    "audit.find_heads",
    "select tenant_id, height, head_hash, head_ts, head_mac, tree, pruned_to from audit_chains \
     where tenant_id in (select value::uuid from jsonb_array_elements_text($1::text::jsonb)) \
     order by tenant_id for update",
    "select tenant_id, height, head_hash, head_ts, head_mac, tree, pruned_to from audit_chains \
     where tenant_id in (select unhex(value) from json_each($1)) order by tenant_id",
);
pub(crate) static FIND_HEAD: Sql = Sql::same(
    "audit.find_head",
    "select tenant_id, height, head_hash, head_ts, head_mac, tree, pruned_to from audit_chains \
     where tenant_id = $1",
);
pub(crate) static INSERT_HEAD: Sql = Sql::same(
    "audit.insert_head",
    "insert into audit_chains (tenant_id, height, head_hash, head_ts, head_mac) \
     values ($1, 0, $2, $3, $4)",
);
/// Moves each head from the height it was read at, and only from there.
pub(crate) static ADVANCE_HEADS: Sql = Sql::split(
    "audit.advance_heads",
    "update audit_chains c set height = r.height, head_hash = decode(r.hash, 'hex'), \
     head_ts = r.ts, head_mac = decode(r.mac, 'hex'), tree = decode(r.tree, 'hex') \
     from jsonb_to_recordset($1::text::jsonb) as r(chain uuid, was bigint, height bigint, \
     hash text, ts bigint, mac text, tree text) where c.tenant_id = r.chain and c.height = r.was",
    "update audit_chains set height = r.height, head_hash = unhex(r.hash), head_ts = r.ts, \
     head_mac = unhex(r.mac), tree = unhex(r.tree) from (select value ->> 'chain' as chain, \
     value ->> 'was' as was, value ->> 'height' as height, value ->> 'hash' as hash, \
     value ->> 'ts' as ts, value ->> 'mac' as mac, value ->> 'tree' as tree from json_each($1)) r \
     where audit_chains.tenant_id = unhex(r.chain) and audit_chains.height = r.was",
);
/// Puts one head where it belongs, whatever it said before.
pub(crate) static REPLACE_HEAD: Sql = Sql::same(
    "audit.replace_head",
    "insert into audit_chains (tenant_id, height, head_hash, head_ts, head_mac, tree, pruned_to) \
     values ($1, $2, $3, $4, $5, $6, $7) on conflict (tenant_id) do update set \
     height = excluded.height, head_hash = excluded.head_hash, head_ts = excluded.head_ts, \
     head_mac = excluded.head_mac, tree = excluded.tree, pruned_to = excluded.pruned_to",
);
/// The last event there is, whatever the head says.
pub(crate) static LAST_HEIGHT: Sql = Sql::same(
    "audit.last_height",
    "select height from audit_events where tenant_id = $1 order by height desc limit 1",
);
pub(crate) static LAST_EVENT: Sql = Sql::same(
    "audit.last_event",
    "select height, leaf_hash, seq_ts from audit_events where tenant_id = $1 \
     order by height desc limit 1",
);
/// How far the last verification got.
pub(crate) static SEEN_HEIGHT: Sql = Sql::same(
    "audit.seen_height",
    "select height from audit_verifications where tenant_id = $1",
);
pub(crate) static LAST_ANCHOR: Sql = Sql::same(
    "audit.last_anchor",
    "select position from audit_anchors order by position desc limit 1",
)
.across_tenants("the log of logs has every chain");
pub(crate) static LEAF_HASHES: Sql = Sql::same(
    "audit.leaf_hashes",
    "select height, leaf_hash from audit_events where tenant_id = $1 and height > $2 \
     and height <= $3 order by height limit $4",
);
/// `SQLite` joins two blobs to a text.
pub(crate) static GROW_TILE: Sql = Sql::split(
    "audit.grow_tile",
    "insert into audit_tiles (tenant_id, level, idx, hashes) values ($1, $2, $3, $4) \
     on conflict (tenant_id, level, idx) do update set hashes = audit_tiles.hashes || excluded.hashes",
    "insert into audit_tiles (tenant_id, level, idx, hashes) values ($1, $2, $3, $4) \
     on conflict (tenant_id, level, idx) \
     do update set hashes = cast(audit_tiles.hashes || excluded.hashes as blob)",
);
pub(crate) static COUNT_PRUNED: Sql = Sql::same(
    "audit.count_pruned",
    "select count(*) from audit_segments where tenant_id = $1 and state in ('pruning', 'pruned')",
);
pub(crate) static DROP_TILES: Sql = Sql::same(
    "audit.drop_tiles",
    "delete from audit_tiles where tenant_id = $1",
);
/// Makes the partition of a month, where there are partitions.
pub(crate) static ENSURE_MONTH: Sql = Sql::split(
    "audit.ensure_month",
    "select audit.ensure_month($1)",
    "select $1",
);
pub(crate) static ADD_COUNTS: Sql = Sql::split(
    "audit.add_counts",
    "insert into audit_rollups as old (tenant_id, hour, kind, severity, outcome, events) \
     select r.chain, r.hour, r.kind, r.severity, r.outcome, r.events \
     from jsonb_to_recordset($1::text::jsonb) as r(chain uuid, hour bigint, kind text, \
     severity text, outcome text, events bigint) \
     on conflict (tenant_id, hour, kind, severity, outcome) \
     do update set events = old.events + excluded.events",
    "insert into audit_rollups as old (tenant_id, hour, kind, severity, outcome, events) \
     select unhex(value ->> 'chain'), value ->> 'hour', value ->> 'kind', value ->> 'severity', \
     value ->> 'outcome', value ->> 'events' from json_each($1) where true \
     on conflict (tenant_id, hour, kind, severity, outcome) \
     do update set events = old.events + excluded.events",
);
pub(crate) static INSERT_BLIND: Sql = Sql::split(
    "audit.insert_blind",
    "insert into audit_blind (tenant_id, field_index, height, subject_id) \
     select r.chain, decode(r.index, 'hex'), r.height, r.subject \
     from jsonb_to_recordset($1::text::jsonb) as r(chain uuid, index text, height bigint, \
     subject uuid) on conflict do nothing",
    "insert into audit_blind (tenant_id, field_index, height, subject_id) \
     select unhex(value ->> 'chain'), unhex(value ->> 'index'), value ->> 'height', \
     unhex(value ->> 'subject') from json_each($1) where true on conflict do nothing",
);
pub(crate) static INSERT_TEXT: Sql = Sql::split(
    "audit.insert_text",
    "insert into audit_text (tenant_id, height, words) \
     select r.chain, r.height, array_to_tsvector(array_remove(string_to_array(r.words, ' '), '')) \
     from jsonb_to_recordset($1::text::jsonb) as r(chain uuid, height bigint, words text) \
     on conflict do nothing",
    "insert into audit_text (rowid, words) \
     select value ->> 'gseq', value ->> 'words' from json_each($1)",
)
.across_tenants("the words name the chain");
/// Everything that goes with the rows of a batch, in one message to the server:
/// what [`ADD_COUNTS`], [`INSERT_BLIND`], [`INSERT_TEXT`], [`GROW_TILE`] and
/// [`ADVANCE_HEADS`] do. Says how many heads moved.
pub(crate) static SETTLE: Sql = Sql::split(
    "audit.settle",
    "with counts as (insert into audit_rollups as old (tenant_id, hour, kind, severity, outcome, \
     events) select r.chain, r.hour, r.kind, r.severity, r.outcome, r.events \
     from jsonb_to_recordset($1::text::jsonb) as r(chain uuid, hour bigint, kind text, \
     severity text, outcome text, events bigint) \
     on conflict (tenant_id, hour, kind, severity, outcome) \
     do update set events = old.events + excluded.events), \
     blind as (insert into audit_blind (tenant_id, field_index, height, subject_id) \
     select r.chain, decode(r.index, 'hex'), r.height, r.subject \
     from jsonb_to_recordset($2::text::jsonb) as r(chain uuid, index text, height bigint, \
     subject uuid) on conflict do nothing), \
     texts as (insert into audit_text (tenant_id, height, words) \
     select r.chain, r.height, array_to_tsvector(array_remove(string_to_array(r.words, ' '), '')) \
     from jsonb_to_recordset($3::text::jsonb) as r(chain uuid, height bigint, words text) \
     on conflict do nothing), \
     tiles as (insert into audit_tiles as old (tenant_id, level, idx, hashes) \
     select r.chain, r.level, r.idx, decode(r.hashes, 'hex') \
     from jsonb_to_recordset($4::text::jsonb) as r(chain uuid, level bigint, idx bigint, \
     hashes text) on conflict (tenant_id, level, idx) \
     do update set hashes = old.hashes || excluded.hashes), \
     heads as (update audit_chains c set height = r.height, head_hash = decode(r.hash, 'hex'), \
     head_ts = r.ts, head_mac = decode(r.mac, 'hex'), tree = decode(r.tree, 'hex') \
     from jsonb_to_recordset($5::text::jsonb) as r(chain uuid, was bigint, height bigint, \
     hash text, ts bigint, mac text, tree text) \
     where c.tenant_id = r.chain and c.height = r.was returning 1) \
     select count(*) from heads",
    // There every statement is a call within the process.
    "select 0",
)
.across_tenants("one batch appends to the chains of many tenants");
pub(crate) static COUNT_NODE: Sql = Sql::same(
    "audit.count_node",
    "insert into audit_nodes as old (node, boot, sequenced, spooled, first_at, last_at) \
     values ($1, $2, $3, $4, $5, $5) on conflict (node, boot) do update set \
     sequenced = old.sequenced + excluded.sequenced, spooled = old.spooled + excluded.spooled, \
     last_at = excluded.last_at",
);
pub(crate) static SPOOL_CURSOR: Sql = Sql::same(
    "audit.spool_cursor",
    "select segment, \"offset\" from audit_spool_cursors where node = $1",
);
pub(crate) static MOVE_SPOOL_CURSOR: Sql = Sql::same(
    "audit.move_spool_cursor",
    "insert into audit_spool_cursors (node, segment, \"offset\") values ($1, $2, $3) \
     on conflict (node) do update set segment = excluded.segment, \"offset\" = excluded.\"offset\"",
);
/// Chains with a row behind the place their head names.
pub(crate) static OVERRUN: Sql = Sql::same(
    "audit.overrun",
    "select c.tenant_id from audit_chains c where exists (select 1 from audit_events e \
     where e.tenant_id = c.tenant_id and e.height > c.height)",
)
.across_tenants("one batch appends to the chains of many tenants");
/// Which of these events are in the chain or on their way already.
pub(crate) static KNOWN_EVENTS: Sql = Sql::split(
    "audit.known_events",
    "with given as (select value::uuid as id from jsonb_array_elements_text($1::text::jsonb)) \
     select event_id from audit_events where event_id in (select id from given) \
     union select event_id from audit_intake where event_id in (select id from given)",
    "with given as (select unhex(value) as id from json_each($1)) \
     select event_id from audit_events where event_id in (select id from given) \
     union select event_id from audit_intake where event_id in (select id from given)",
)
.across_tenants("a spool holds events of every tenant");

/// Statements of the write path.
pub(crate) const STATEMENTS: &[&Sql] = &[
    &INSERT_INTAKE,
    &TAKE_INTAKE,
    &ANY_INTAKE,
    &DELETE_INTAKE,
    &REFUSE_INTAKE,
    &LOCK_SEQUENCER,
    &SEE_SEQUENCER,
    &ADVANCE_SEQUENCER,
    &FIND_HEADS,
    &FIND_HEAD,
    &INSERT_HEAD,
    &ADVANCE_HEADS,
    &REPLACE_HEAD,
    &LAST_HEIGHT,
    &LAST_EVENT,
    &SEEN_HEIGHT,
    &LAST_ANCHOR,
    &LEAF_HASHES,
    &GROW_TILE,
    &COUNT_PRUNED,
    &DROP_TILES,
    &ENSURE_MONTH,
    &ADD_COUNTS,
    &INSERT_BLIND,
    &INSERT_TEXT,
    &SETTLE,
    &COUNT_NODE,
    &SPOOL_CURSOR,
    &MOVE_SPOOL_CURSOR,
    &KNOWN_EVENTS,
    &OVERRUN,
];
