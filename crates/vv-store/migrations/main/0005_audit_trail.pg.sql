-- The trail an outsider can check: intake, tree, anchors, segments, search.

-- One row. Whoever appends holds it, so batches never interleave. The lease
-- spares other nodes the attempt; the compare-and-set on audit_chains.height
-- is what makes it safe.
create table audit.audit_sequencer (
    id          bigint not null primary key check (id = 1),
    holder      text   not null,
    epoch       bigint not null,
    lease_until bigint not null,
    gseq        bigint not null check (gseq >= 0)
);

-- Events of transactions that committed, waiting for their place in a chain.
create table audit.audit_intake (
    id        bigint not null generated always as identity primary key,
    tenant_id uuid   not null,
    event_id  uuid   not null,
    node      text   not null,
    boot      uuid   not null,
    body      text   not null,
    blind     bytea  not null,
    mac       bytea  not null check (length(mac) = 32),
    -- Set when the check value is wrong; such rows are kept to be looked at.
    refused_at bigint
);
create index audit_intake_refused on audit.audit_intake (refused_at) where refused_at is not null;

alter table audit.audit_events rename to audit_events_before;
alter index audit.audit_events_event_id rename to audit_events_before_event_id;
alter index audit.audit_events_kind rename to audit_events_before_kind;
alter table audit.audit_events_before rename constraint audit_events_pkey to audit_events_before_pkey;

-- One partition per month of the time at which events got their place.
create table audit.audit_events (
    gseq        bigint not null,
    tenant_id   uuid   not null,
    height      bigint not null check (height > 0),
    event_id    uuid   not null,
    seq_ts      bigint not null,
    kind        text   not null collate "C",
    severity    text   not null,
    outcome     text   not null,
    actor_kind  text   not null,
    actor_ref   uuid,
    target_kind text,
    target_ref  text,
    request_id  uuid   not null,
    leaf        bytea  not null,
    leaf_hash   bytea  not null check (length(leaf_hash) = 32),
    primary key (tenant_id, height, seq_ts)
) partition by range (seq_ts);
create index audit_events_gseq on audit.audit_events (gseq);
create unique index audit_events_event_id on audit.audit_events (event_id, seq_ts);
create index audit_events_kind on audit.audit_events (tenant_id, kind, height);
create index audit_events_severity on audit.audit_events (tenant_id, severity, height)
    where severity <> 'info';
create index audit_events_outcome on audit.audit_events (tenant_id, outcome, height)
    where outcome <> 'success';
create index audit_events_actor on audit.audit_events (tenant_id, actor_ref, height)
    where actor_ref is not null;
create index audit_events_target on audit.audit_events (tenant_id, target_ref, height)
    where target_ref is not null;

-- A closed month of a chain. state: closed, archived, pruning, pruned.
create table audit.audit_segments (
    tenant_id      uuid   not null,
    month          bigint not null,
    from_height    bigint not null,
    to_height      bigint not null,
    state          text   not null check (state in ('closed', 'archived', 'pruning', 'pruned')),
    manifest       text   not null,
    archive        text,
    archive_sha256 bytea,
    closed_at      bigint not null,
    archived_at    bigint,
    pruned_at      bigint,
    primary key (tenant_id, month)
);

create or replace function audit.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$$;

-- Rows of a segment that is being pruned may go unless a legal hold is in
-- force, and no others.
create function audit.refuse_delete() returns trigger language plpgsql as $$
begin
    if exists (
        select 1 from audit.audit_segments s
        where s.tenant_id = old.tenant_id and s.state = 'pruning'
          and old.height between s.from_height and s.to_height
          and not exists (
              select 1 from audit.audit_holds h
              where h.tenant_id = s.tenant_id and h.released_at is null
          )
    ) then
        return old;
    end if;
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$$;

-- Segments lie side by side, go through their states in order, and stay.
create function audit.guard_segment() returns trigger language plpgsql as $$
declare
    step text;
    last bigint;
begin
    if tg_op = 'INSERT' then
        select to_height into last from audit.audit_segments s
            where s.tenant_id = new.tenant_id order by s.month desc limit 1;
        if new.state = 'closed' and new.from_height = coalesce(last, 0) + 1
            and new.to_height >= new.from_height
            and not exists (
                select 1 from audit.audit_segments s
                where s.tenant_id = new.tenant_id and s.month >= new.month
            ) then
            return new;
        end if;
    elsif tg_op = 'UPDATE' then
        step := old.state || '>' || new.state;
        if (new.tenant_id, new.month, new.from_height, new.to_height, new.closed_at)
            = (old.tenant_id, old.month, old.from_height, old.to_height, old.closed_at)
            and step in ('closed>archived', 'archived>pruning', 'pruning>pruned')
            and (step = 'closed>archived' or
                (new.manifest, new.archive, new.archive_sha256, new.archived_at)
                is not distinct from
                (old.manifest, old.archive, old.archive_sha256, old.archived_at)) then
            return new;
        end if;
    end if;
    raise exception 'audit_segments does not allow this' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_segments_guard before insert or update or delete on audit.audit_segments
    for each row execute function audit.guard_segment();
create trigger audit_segments_no_truncate before truncate on audit.audit_segments
    for each statement execute function audit.refuse_change();
alter table audit.audit_segments enable always trigger audit_segments_guard;
alter table audit.audit_segments enable always trigger audit_segments_no_truncate;

create trigger audit_events_no_update before update on audit.audit_events
    for each row execute function audit.refuse_change();
create trigger audit_events_no_delete before delete on audit.audit_events
    for each row execute function audit.refuse_delete();
create trigger audit_events_no_truncate before truncate on audit.audit_events
    for each statement execute function audit.refuse_change();
-- ALWAYS: the triggers also fire for a session that replays as a replica.
alter table audit.audit_events enable always trigger audit_events_no_update;
alter table audit.audit_events enable always trigger audit_events_no_delete;
alter table audit.audit_events enable always trigger audit_events_no_truncate;

select auth.protect_tenant_table('audit.audit_events');
select auth.protect_tenant_table('audit.audit_segments');
grant select, insert on audit.audit_events to valueverse_app;
grant select on audit.audit_events to billing_admin;
grant select, insert, update on audit.audit_segments to valueverse_app;

-- Makes the partition of the month that a time in microseconds falls into and
-- returns its number, such as 202611. A TRUNCATE of a partition does not fire
-- triggers of the parent, so each gets its own. valueverse_app may insert into
-- a partition, and read only through the parent, where row security holds.
create function audit.ensure_month(at_us bigint) returns bigint
language plpgsql security definer
set search_path = pg_catalog
as $$
declare
    month  constant timestamp := date_trunc('month', to_timestamp(at_us / 1000000) at time zone 'UTC');
    number constant bigint := to_char(month, 'YYYYMM')::bigint;
    name   constant text := 'audit_events_' || number;
    low    constant bigint := extract(epoch from month)::bigint * 1000000;
    high   constant bigint := extract(epoch from month + interval '1 month')::bigint * 1000000;
begin
    if to_regclass('audit.' || name) is not null then
        return number;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('audit.ensure_month', number));
    if to_regclass('audit.' || name) is not null then
        return number;
    end if;
    execute format('create table audit.%I partition of audit.audit_events for values from (%s) to (%s)',
        name, low, high);
    execute format('create trigger audit_events_no_truncate before truncate on audit.%I '
        'for each statement execute function audit.refuse_change()', name);
    execute format('alter table audit.%I enable always trigger audit_events_no_truncate', name);
    execute format('alter table audit.%I enable always trigger audit_events_no_update', name);
    execute format('alter table audit.%I enable always trigger audit_events_no_delete', name);
    execute format('grant insert on audit.%I to valueverse_app', name);
    return number;
end
$$;
revoke all on function audit.ensure_month(bigint) from public;
grant execute on function audit.ensure_month(bigint) to valueverse_app;

-- Deletes the events of a segment in state pruning, a bounded number at a time.
create function audit.prune_events(chain uuid, segment bigint, at_most bigint) returns bigint
language plpgsql security definer
set search_path = pg_catalog
as $$
declare
    gone bigint;
begin
    with doomed as (
        select e.tenant_id, e.height, e.seq_ts
        from audit.audit_segments s
        join audit.audit_events e on e.tenant_id = s.tenant_id
            and e.height between s.from_height and s.to_height
        where s.tenant_id = chain and s.month = segment and s.state = 'pruning'
          and not exists (
              select 1 from audit.audit_holds h
              where h.tenant_id = s.tenant_id and h.released_at is null
          )
        order by e.height
        limit at_most
    )
    delete from audit.audit_events e using doomed d
    where e.tenant_id = d.tenant_id and e.height = d.height and e.seq_ts = d.seq_ts;
    get diagnostics gone = row_count;
    return gone;
end
$$;
revoke all on function audit.prune_events(uuid, bigint, bigint) from public;
grant execute on function audit.prune_events(uuid, bigint, bigint) to valueverse_app;

-- Drops the partition of a month whose segments are all pruned, once nothing
-- is left in it.
create function audit.drop_empty_month(number bigint) returns boolean
language plpgsql security definer
set search_path = pg_catalog
as $$
declare
    name constant text := 'audit_events_' || number;
    used boolean;
begin
    if to_regclass('audit.' || name) is null then
        return false;
    end if;
    perform set_config('app.tenant', '*', true);
    if not exists (select from audit.audit_segments s where s.month = number)
        or exists (
            select from audit.audit_segments s where s.month = number and s.state <> 'pruned'
        ) then
        return false;
    end if;
    -- Nothing must arrive between the look and the drop.
    execute format('lock table audit.%I in access exclusive mode', name);
    execute format('select exists (select from audit.%I)', name) into used;
    if used then
        return false;
    end if;
    execute format('drop table audit.%I', name);
    return true;
end
$$;
revoke all on function audit.drop_empty_month(bigint) from public;
grant execute on function audit.drop_empty_month(bigint) to valueverse_app;

-- The events there are move over. The owner is subject to row security, too.
select set_config('app.tenant', '*', true);
select audit.ensure_month(at_us) from (
    select distinct
        (extract(epoch from date_trunc('month', to_timestamp(seq_ts / 1000000) at time zone 'UTC'))::bigint)
        * 1000000 as at_us
    from audit.audit_events_before
) months;
insert into audit.audit_events
    select row_number() over (order by seq_ts, tenant_id, height), tenant_id, height, event_id,
        seq_ts, kind, severity, outcome, actor_kind, actor_ref, target_kind, target_ref,
        request_id, leaf, leaf_hash
    from audit.audit_events_before;
drop table audit.audit_events_before;
insert into audit.audit_sequencer (id, holder, epoch, lease_until, gseq)
    select 1, '', 0, 0, coalesce(max(gseq), 0) from audit.audit_events;

-- Words of events that carry text. They come taken apart, each behind a piece
-- of its chain's id, so that the list of a word holds events of one chain.
create table audit.audit_text (
    tenant_id uuid     not null,
    height    bigint   not null,
    words     tsvector not null,
    primary key (tenant_id, height)
);
create index audit_text_words on audit.audit_text using gin (words);

-- Finds sealed fields by their keyed hash. Not part of the evidence: rows go
-- when their subject is erased.
create table audit.audit_blind (
    tenant_id   uuid   not null,
    field_index bytea  not null,
    height      bigint not null,
    subject_id  uuid   not null,
    primary key (tenant_id, field_index, height, subject_id)
);
create index audit_blind_subject on audit.audit_blind (subject_id);
-- For pruning, which takes rows away by height.
create index audit_blind_height on audit.audit_blind (tenant_id, height);

-- The compact range of the chain's tree, largest subtree first.
alter table audit.audit_chains add column tree bytea not null default '';
-- Events up to this height were pruned after their time of retention.
alter table audit.audit_chains add column pruned_to bigint not null default 0;
-- All that the last verification found, as JSON.
alter table audit.audit_verifications add column report text;

-- tlog-tiles: level 0 is written when its 256 hashes are there, higher levels grow.
create table audit.audit_tiles (
    tenant_id uuid   not null,
    level     bigint not null check (level between 0 and 7),
    idx       bigint not null check (idx >= 0),
    hashes    bytea  not null check (length(hashes) between 32 and 8192),
    primary key (tenant_id, level, idx)
);

-- The log of logs: sizes and roots that chains had. Its tree is the chain
-- ffffffff-ffff-ffff-ffff-ffffffffffff.
create table audit.audit_anchors (
    position  bigint not null primary key,
    tenant_id uuid   not null,
    at        bigint not null,
    size      bigint not null,
    root      bytea  not null check (length(root) = 32),
    leaf      bytea  not null,
    leaf_hash bytea  not null check (length(leaf_hash) = 32)
);
create index audit_anchors_chain on audit.audit_anchors (tenant_id, size);
create trigger audit_anchors_no_change before update or delete on audit.audit_anchors
    for each row execute function audit.refuse_change();
create trigger audit_anchors_no_truncate before truncate on audit.audit_anchors
    for each statement execute function audit.refuse_change();
alter table audit.audit_anchors enable always trigger audit_anchors_no_change;
alter table audit.audit_anchors enable always trigger audit_anchors_no_truncate;

-- Signed notes over the anchor log: the newest and the first of each hour.
create table audit.audit_checkpoints (
    size      bigint not null primary key,
    root      bytea  not null check (length(root) = 32),
    signed_at bigint not null,
    note      text   not null
);

-- What parties outside acknowledged: witnesses, files, webhooks.
create table audit.audit_receipts (
    sink    text   not null,
    size    bigint not null,
    at      bigint not null,
    receipt text   not null,
    primary key (sink, size)
);

-- Logs that this installation witnesses for others.
create table audit.audit_witness_logs (
    origin     text   not null primary key,
    keys       text   not null,
    size       bigint not null check (size >= 0),
    root       bytea  not null check (length(root) = 32),
    updated_at bigint not null
);

create table audit.audit_holds (
    hold_id     uuid   not null primary key,
    tenant_id   uuid   not null,
    reason      text   not null,
    placed_by   uuid,
    placed_at   bigint not null,
    released_by uuid,
    released_at bigint
);
create index audit_holds_tenant on audit.audit_holds (tenant_id);

create table audit.audit_rollups (
    tenant_id uuid   not null,
    hour      bigint not null,
    kind      text   not null,
    severity  text   not null,
    outcome   text   not null,
    events    bigint not null,
    primary key (tenant_id, hour, kind, severity, outcome)
);
insert into audit.audit_rollups
    select tenant_id, seq_ts / 3600000000, kind, severity, outcome, count(*)
    from audit.audit_events group by 1, 2, 3, 4, 5;

-- How many events of each start of each node reached a chain.
create table audit.audit_nodes (
    node      text   not null,
    boot      uuid   not null,
    sequenced bigint not null,
    spooled   bigint not null,
    first_at  bigint not null,
    last_at   bigint not null,
    primary key (node, boot)
);

-- Up to where the spool of a node was read into a chain.
create table audit.audit_spool_cursors (
    node     text   not null primary key,
    segment  bigint not null,
    "offset" bigint not null
);

-- Where an interrupted verification goes on, and the last verified checkpoint.
create table audit.audit_verify_progress (
    tenant_id  uuid   not null,
    purpose    text   not null check (purpose in ('running', 'verified')),
    height     bigint not null,
    state      bytea  not null,
    mac        bytea  not null check (length(mac) = 32),
    updated_at bigint not null,
    primary key (tenant_id, purpose)
);

select auth.protect_tenant_table('audit.audit_intake');
select auth.protect_tenant_table('audit.audit_text');
select auth.protect_tenant_table('audit.audit_blind');

-- Row security keeps an index on words from being used: "@@" is not marked as
-- leakproof. The function asks for the owner, whom the policy lets see every
-- row, and checks the tenant itself.
create policy searched_rows on audit.audit_text for select to valueverse_owner using (true);
create function audit.find_words(
    chain uuid, query text, low bigint, high bigint, oldest boolean, at_most bigint
) returns setof bigint
language plpgsql stable security definer
set search_path = pg_catalog
as $$
begin
    if coalesce(current_setting('app.tenant', true), '') not in ('*', chain::text) then
        raise exception 'words of another tenant' using errcode = 'insufficient_privilege';
    end if;
    -- Planned anew each time: how common the words are decides how to look.
    return query execute format(
        'select t.height from audit.audit_text t where t.tenant_id = $1 and t.words @@ $2 '
        'and t.height >= $3 and t.height < $4 order by t.height %s limit $5',
        case when oldest then 'asc' else 'desc' end)
        using chain, query::tsquery, low, high, at_most;
end
$$;
revoke all on function audit.find_words(uuid, text, bigint, bigint, boolean, bigint) from public;
grant execute on function audit.find_words(uuid, text, bigint, bigint, boolean, bigint)
    to valueverse_app;

select auth.protect_tenant_table('audit.audit_tiles');
select auth.protect_tenant_table('audit.audit_anchors');
select auth.protect_tenant_table('audit.audit_holds');
select auth.protect_tenant_table('audit.audit_rollups');
select auth.protect_tenant_table('audit.audit_verify_progress');

-- These belong to the installation: only work that is no tenant's sees them.
do $$
declare
    target text;
begin
    foreach target in array array['audit_sequencer', 'audit_checkpoints', 'audit_receipts',
        'audit_witness_logs', 'audit_nodes', 'audit_spool_cursors'] loop
        execute format('alter table audit.%I enable row level security', target);
        execute format('alter table audit.%I force row level security', target);
        execute format('create policy system_only on audit.%I '
            'using ((select current_setting(''app.tenant'', true)) = ''*'')', target);
    end loop;
end $$;

grant select, insert, update (refused_at), delete on audit.audit_intake to valueverse_app;
grant select, update on audit.audit_sequencer to valueverse_app;
grant select, insert, delete on audit.audit_text, audit.audit_blind, audit.audit_checkpoints,
    audit.audit_receipts to valueverse_app;
grant select, insert on audit.audit_anchors to valueverse_app;
grant select, insert, update on audit.audit_tiles, audit.audit_checkpoints, audit.audit_witness_logs,
    audit.audit_holds, audit.audit_rollups, audit.audit_nodes, audit.audit_spool_cursors
    to valueverse_app;
grant delete on audit.audit_tiles to valueverse_app;
grant select, insert, update, delete on audit.audit_verify_progress to valueverse_app;
