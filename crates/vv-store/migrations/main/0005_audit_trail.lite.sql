-- The trail an outsider can check: intake, tree, anchors, segments, search.

-- One row. Whoever appends holds it, so batches never interleave. The lease
-- spares other nodes the attempt; the compare-and-set on audit_chains.height
-- is what makes it safe.
create table audit_sequencer (
    id          integer not null primary key check (id = 1),
    holder      text    not null,
    epoch       integer not null,
    lease_until integer not null,
    gseq        integer not null check (gseq >= 0)
) strict;

-- Events of transactions that committed, waiting for their place in a chain.
create table audit_intake (
    id        integer not null primary key autoincrement,
    tenant_id blob    not null,
    event_id  blob    not null,
    node      text    not null,
    boot      blob    not null,
    body      text    not null,
    blind     blob    not null,
    mac       blob    not null check (length(mac) = 32),
    -- Set when the check value is wrong; such rows are kept to be looked at.
    refused_at integer
) strict;
create index audit_intake_refused on audit_intake (refused_at) where refused_at is not null;

create table audit_events_next (
    gseq        integer not null primary key,
    tenant_id   blob    not null,
    height      integer not null check (height > 0),
    event_id    blob    not null,
    seq_ts      integer not null,
    kind        text    not null,
    severity    text    not null,
    outcome     text    not null,
    actor_kind  text    not null,
    actor_ref   blob,
    target_kind text,
    target_ref  text,
    request_id  blob    not null,
    leaf        blob    not null,
    leaf_hash   blob    not null check (length(leaf_hash) = 32)
) strict;
insert into audit_events_next
    select row_number() over (order by seq_ts, tenant_id, height), tenant_id, height, event_id,
        seq_ts, kind, severity, outcome, actor_kind, actor_ref, target_kind, target_ref,
        request_id, leaf, leaf_hash
    from audit_events;
drop trigger audit_events_no_update;
drop trigger audit_events_no_delete;
drop table audit_events;
alter table audit_events_next rename to audit_events;
create unique index audit_events_place on audit_events (tenant_id, height);
create unique index audit_events_event_id on audit_events (event_id);
create index audit_events_kind on audit_events (tenant_id, kind, height);
create index audit_events_severity on audit_events (tenant_id, severity, height)
    where severity <> 'info';
create index audit_events_outcome on audit_events (tenant_id, outcome, height)
    where outcome <> 'success';
create index audit_events_actor on audit_events (tenant_id, actor_ref, height)
    where actor_ref is not null;
create index audit_events_target on audit_events (tenant_id, target_ref, height)
    where target_ref is not null;
insert into audit_sequencer (id, holder, epoch, lease_until, gseq)
    select 1, '', 0, 0, coalesce(max(gseq), 0) from audit_events;

-- Words of events that carry text; the row id is the gseq of the event. They
-- come taken apart, in lower case and without accents, so the tokenizer has to
-- find no more than the spaces.
create virtual table audit_text using fts5 (
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);

-- Finds sealed fields by their keyed hash. Not part of the evidence: rows go
-- when their subject is erased.
create table audit_blind (
    tenant_id   blob    not null,
    field_index blob    not null,
    height      integer not null,
    subject_id  blob    not null,
    primary key (tenant_id, field_index, height, subject_id)
) strict, without rowid;
create index audit_blind_subject on audit_blind (subject_id);
-- For pruning, which takes rows away by height.
create index audit_blind_height on audit_blind (tenant_id, height);

-- The compact range of the chain's tree, largest subtree first.
alter table audit_chains add column tree blob not null default x'';
-- Events up to this height were pruned after their time of retention.
alter table audit_chains add column pruned_to integer not null default 0;
-- All that the last verification found, as JSON.
alter table audit_verifications add column report text;

-- tlog-tiles: level 0 is written when its 256 hashes are there, higher levels grow.
create table audit_tiles (
    tenant_id blob    not null,
    level     integer not null check (level between 0 and 7),
    idx       integer not null check (idx >= 0),
    hashes    blob    not null check (length(hashes) between 32 and 8192),
    primary key (tenant_id, level, idx)
) strict, without rowid;

-- The log of logs: sizes and roots that chains had. Its tree is the chain
-- ffffffff-ffff-ffff-ffff-ffffffffffff.
create table audit_anchors (
    position  integer not null primary key,
    tenant_id blob    not null,
    at        integer not null,
    size      integer not null,
    root      blob    not null check (length(root) = 32),
    leaf      blob    not null,
    leaf_hash blob    not null check (length(leaf_hash) = 32)
) strict;
create index audit_anchors_chain on audit_anchors (tenant_id, size);

-- Signed notes over the anchor log: the newest and the first of each hour.
create table audit_checkpoints (
    size      integer not null primary key,
    root      blob    not null check (length(root) = 32),
    signed_at integer not null,
    note      text    not null
) strict;

-- What parties outside acknowledged: witnesses, files, webhooks.
create table audit_receipts (
    sink    text    not null,
    size    integer not null,
    at      integer not null,
    receipt text    not null,
    primary key (sink, size)
) strict;

-- Logs that this installation witnesses for others.
create table audit_witness_logs (
    origin     text    not null primary key,
    keys       text    not null,
    size       integer not null check (size >= 0),
    root       blob    not null check (length(root) = 32),
    updated_at integer not null
) strict;

-- A closed month of a chain. state: closed, archived, pruning, pruned.
create table audit_segments (
    tenant_id      blob    not null,
    month          integer not null,
    from_height    integer not null,
    to_height      integer not null,
    state          text    not null check (state in ('closed', 'archived', 'pruning', 'pruned')),
    manifest       text    not null,
    archive        text,
    archive_sha256 blob,
    closed_at      integer not null,
    archived_at    integer,
    pruned_at      integer,
    primary key (tenant_id, month)
) strict;

create table audit_holds (
    hold_id     blob    not null primary key,
    tenant_id   blob    not null,
    reason      text    not null,
    placed_by   blob,
    placed_at   integer not null,
    released_by blob,
    released_at integer
) strict;
create index audit_holds_tenant on audit_holds (tenant_id);

create table audit_rollups (
    tenant_id blob    not null,
    hour      integer not null,
    kind      text    not null,
    severity  text    not null,
    outcome   text    not null,
    events    integer not null,
    primary key (tenant_id, hour, kind, severity, outcome)
) strict, without rowid;
insert into audit_rollups
    select tenant_id, seq_ts / 3600000000, kind, severity, outcome, count(*)
    from audit_events group by 1, 2, 3, 4, 5;

-- How many events of each start of each node reached a chain.
create table audit_nodes (
    node      text    not null,
    boot      blob    not null,
    sequenced integer not null,
    spooled   integer not null,
    first_at  integer not null,
    last_at   integer not null,
    primary key (node, boot)
) strict;

-- Up to where the spool of a node was read into a chain.
create table audit_spool_cursors (
    node    text    not null primary key,
    segment integer not null,
    "offset" integer not null
) strict;

-- Where an interrupted verification goes on, and the last verified checkpoint.
create table audit_verify_progress (
    tenant_id  blob    not null,
    purpose    text    not null check (purpose in ('running', 'verified')),
    height     integer not null,
    state      blob    not null,
    mac        blob    not null check (length(mac) = 32),
    updated_at integer not null,
    primary key (tenant_id, purpose)
) strict;

create trigger audit_events_no_update before update on audit_events
begin
    select raise(abort, 'audit_events is append-only');
end;
create trigger audit_events_no_delete before delete on audit_events
when not exists (
    select 1 from audit_segments s
    where s.tenant_id = old.tenant_id and s.state = 'pruning'
      and old.height between s.from_height and s.to_height
      and not exists (
          select 1 from audit_holds h
          where h.tenant_id = s.tenant_id and h.released_at is null
      )
)
begin
    select raise(abort, 'audit_events is append-only');
end;
create trigger audit_anchors_no_update before update on audit_anchors
begin
    select raise(abort, 'audit_anchors is append-only');
end;
create trigger audit_anchors_no_delete before delete on audit_anchors
begin
    select raise(abort, 'audit_anchors is append-only');
end;
-- Segments lie side by side, go through their states in order, and stay.
create trigger audit_segments_insert before insert on audit_segments
when not (
    new.state = 'closed' and new.to_height >= new.from_height
    and new.from_height = 1 + coalesce(
        (select s.to_height from audit_segments s
         where s.tenant_id = new.tenant_id order by s.month desc limit 1), 0)
    and not exists (
        select 1 from audit_segments s
        where s.tenant_id = new.tenant_id and s.month >= new.month
    )
)
begin
    select raise(abort, 'audit_segments does not allow this');
end;
create trigger audit_segments_update before update on audit_segments
when not (
    (new.tenant_id, new.month, new.from_height, new.to_height, new.closed_at)
        is (old.tenant_id, old.month, old.from_height, old.to_height, old.closed_at)
    and old.state || '>' || new.state
        in ('closed>archived', 'archived>pruning', 'pruning>pruned')
    and (old.state = 'closed' or
        (new.manifest, new.archive, new.archive_sha256, new.archived_at)
        is (old.manifest, old.archive, old.archive_sha256, old.archived_at))
)
begin
    select raise(abort, 'audit_segments does not allow this');
end;
create trigger audit_segments_delete before delete on audit_segments
begin
    select raise(abort, 'audit_segments does not allow this');
end;
