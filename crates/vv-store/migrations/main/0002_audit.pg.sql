-- The audit trail. One chain per tenant; the nil tenant id is the system chain.
-- The leaf bytes are the truth; every other column of audit_events is a search
-- column that verification compares with the leaf.

create table audit.audit_chains (
    tenant_id uuid   not null primary key,
    height    bigint not null check (height >= 0),
    head_hash bytea  not null check (length(head_hash) = 32),
    head_ts   bigint not null,
    head_mac  bytea  not null check (length(head_mac) = 32)
);

create table audit.audit_events (
    tenant_id   uuid   not null,
    height      bigint not null check (height > 0),
    event_id    uuid   not null,
    seq_ts      bigint not null,
    kind        text   not null,
    severity    text   not null,
    outcome     text   not null,
    actor_kind  text   not null,
    actor_ref   uuid,
    target_kind text,
    target_ref  text,
    request_id  uuid   not null,
    leaf        bytea  not null,
    leaf_hash   bytea  not null check (length(leaf_hash) = 32),
    primary key (tenant_id, height)
);
create unique index audit_events_event_id on audit.audit_events (event_id);
create index audit_events_kind on audit.audit_events (tenant_id, kind, seq_ts);

create function audit.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'audit_events is append-only' using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_events_no_change before update or delete on audit.audit_events
    for each row execute function audit.refuse_change();
create trigger audit_events_no_truncate before truncate on audit.audit_events
    for each statement execute function audit.refuse_change();
-- ALWAYS: the triggers also fire for a superuser who replays as a replica.
alter table audit.audit_events enable always trigger audit_events_no_change;
alter table audit.audit_events enable always trigger audit_events_no_truncate;

-- The latest verification of each chain, for the console and alerts.
create table audit.audit_verifications (
    tenant_id        uuid    not null primary key,
    verified_at      bigint  not null,
    height           bigint  not null,
    verified         boolean not null,
    first_bad_height bigint
);

select auth.protect_tenant_table('audit.audit_chains');
select auth.protect_tenant_table('audit.audit_events');
select auth.protect_tenant_table('audit.audit_verifications');

grant select, insert on audit.audit_events to valueverse_app;
grant select, insert, update on audit.audit_chains, audit.audit_verifications to valueverse_app;
grant select on audit.audit_events, audit.audit_chains, audit.audit_verifications to billing_admin;
