-- The audit trail. One chain per tenant; the nil tenant id is the system chain.
-- The leaf bytes are the truth; every other column of audit_events is a search
-- column that verification compares with the leaf.

create table audit_chains (
    tenant_id blob    not null primary key,
    height    integer not null check (height >= 0),
    head_hash blob    not null check (length(head_hash) = 32),
    head_ts   integer not null,
    head_mac  blob    not null check (length(head_mac) = 32)
) strict;

create table audit_events (
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
    leaf_hash   blob    not null check (length(leaf_hash) = 32),
    primary key (tenant_id, height)
) strict;
create unique index audit_events_event_id on audit_events (event_id);
create index audit_events_kind on audit_events (tenant_id, kind, seq_ts);

create trigger audit_events_no_update before update on audit_events
begin
    select raise(abort, 'audit_events is append-only');
end;
create trigger audit_events_no_delete before delete on audit_events
begin
    select raise(abort, 'audit_events is append-only');
end;

-- The latest verification of each chain, for the console and alerts.
create table audit_verifications (
    tenant_id        blob    not null primary key,
    verified_at      integer not null,
    height           integer not null,
    verified         integer not null,
    first_bad_height integer
) strict;
