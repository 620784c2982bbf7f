-- Guards the audit trail against the owner of its tables.
--
-- The product's own triggers and grants keep its login role from changing or
-- removing events. They belong to valueverse_owner, and whoever may become
-- that role could drop a table, detach a partition or switch a trigger off.
-- The event triggers of this script refuse that. Only a superuser can create
-- event triggers, so a superuser installs them, once per database, after
-- `valueverse migrate`:
--
--     psql -v ON_ERROR_STOP=1 -d valueverse -f audit-immutability.sql
--
-- From then on, for everybody including superusers:
--   * tables and partitions of the trail that hold rows cannot be dropped;
--     empty partitions can, which is how pruning ends,
--   * partitions cannot be detached, renamed or moved away,
--   * triggers of the trail cannot be switched off, dropped or joined by others,
--     and there are no rules on its tables,
--   * columns cannot be changed and tables not rewritten,
--   * the functions behind the triggers and behind pruning stay as they were
--     when this script ran.
--
-- Running it again is harmless and takes note of what is there now. Some
-- releases change these tables; their notes say so. Then:
--
--     alter event trigger audit_guard_before disable;
--     alter event trigger audit_guard_drop disable;
--     alter event trigger audit_guard_after disable;
--     alter event trigger audit_guard_rewrite disable;
--     (valueverse migrate)
--     (this script again, which enables them)
--
-- What it cannot do: a superuser may disable it, as above. That, and any
-- change made meanwhile, shows in `valueverse audit verify` and against
-- checkpoints that others hold. pg_restore --clean and drop schema are refused
-- as well; drop database is not an event here.

begin;

drop event trigger if exists audit_guard_before;
drop event trigger if exists audit_guard_drop;
drop event trigger if exists audit_guard_after;
drop event trigger if exists audit_guard_rewrite;

create schema if not exists audit_guard;
revoke all on schema audit_guard from public;

drop table if exists audit_guard.expected;
create table audit_guard.expected (
    subject text not null primary key,
    state   text not null
);
revoke all on audit_guard.expected from public;

-- The tables and partitions that are guarded.
create or replace function audit_guard.tables() returns setof oid
language sql stable set search_path = pg_catalog as $$
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'audit' and c.relkind in ('r', 'p')
      and (c.relname in ('audit_events', 'audit_anchors', 'audit_segments')
           or c.relname like 'audit\_events\_%')
    union
    select i.inhrelid from pg_inherits i join pg_class c on c.oid = i.inhparent
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'audit' and c.relname = 'audit_events' and c.relkind = 'p'
$$;

-- What must stay: one line for each table that is no partition, and for each function.
create or replace function audit_guard.present() returns table (subject text, state text)
language sql stable set search_path = pg_catalog as $$
    select 'table ' || c.relname,
        pg_get_userbyid(c.relowner) || ' ' || (
            select string_agg(a.attname || ':' || format_type(a.atttypid, a.atttypmod), ',' order by a.attnum)
            from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        ) || ' ' || coalesce((
            select string_agg(t.tgname || ':' || t.tgenabled::text || ':' || t.tgtype || ':' || t.tgfoid::regprocedure::text,
                ',' order by t.tgname)
            from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal
        ), '')
    from pg_class c where c.oid in (select audit_guard.tables()) and not c.relispartition
        and c.relname in ('audit_events', 'audit_anchors', 'audit_segments')
    union all
    select 'function ' || p.oid::regprocedure::text, md5(pg_get_functiondef(p.oid)) || ' ' || pg_get_userbyid(p.proowner)
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'audit' and p.proname in ('refuse_change', 'refuse_delete', 'guard_segment',
        'prune_events', 'drop_empty_month', 'ensure_month')
$$;

-- Why the trail is not as it was; null when it is.
create or replace function audit_guard.complaint(whole boolean) returns text
language plpgsql stable set search_path = pg_catalog as $$
declare
    found text;
begin
    select e.subject into found from audit_guard.expected e
        left join audit_guard.present() p using (subject)
        where p.state is distinct from e.state limit 1;
    if found is not null then
        return found || ' is not as it was';
    end if;
    select c.relname into found from pg_class c
        where c.oid in (select audit_guard.tables()) and c.relname like 'audit\_events\_%'
          and not exists (
              select from pg_inherits i where i.inhrelid = c.oid and not i.inhdetachpending
                and i.inhparent = 'audit.audit_events'::regclass
          ) limit 1;
    if found is not null then
        return found || ' is not a partition any more';
    end if;
    select c.relname into found from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.oid in (select audit_guard.tables()) and c.relispartition
          and (n.nspname <> 'audit' or c.relname !~ '^audit_events_[0-9]{6}$') limit 1;
    if found is not null then
        return found || ' is not the name of a partition';
    end if;
    select t.tgname into found from pg_trigger t join pg_class c on c.oid = t.tgrelid
        where c.oid in (select audit_guard.tables()) and c.relispartition
          and (t.tgname, t.tgfoid) not in (
              ('audit_events_no_update', 'audit.refuse_change()'::regprocedure),
              ('audit_events_no_truncate', 'audit.refuse_change()'::regprocedure),
              ('audit_events_no_delete', 'audit.refuse_delete()'::regprocedure)) limit 1;
    if found is not null then
        return 'trigger ' || found || ' is not one of ours';
    end if;
    select r.rulename into found from pg_rewrite r
        where r.ev_class in (select audit_guard.tables()) limit 1;
    if found is not null then
        return 'there is a rule ' || found;
    end if;
    if not whole then
        return null;
    end if;
    select c.relname into found from pg_class c
        where c.oid in (select audit_guard.tables()) and c.relispartition
          and 3 > (select count(*) from pg_trigger t where t.tgrelid = c.oid and t.tgenabled = 'A'
              and t.tgname in ('audit_events_no_update', 'audit_events_no_delete',
                  'audit_events_no_truncate')) limit 1;
    if found is not null then
        return found || ' lacks a trigger';
    end if;
    return null;
end
$$;

-- Notes which partitions are empty before a command may drop them. Nobody
-- else's code runs between this and the next function.
create or replace function audit_guard.before() returns event_trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
    part oid;
    used boolean;
    empty text := ',';
begin
    for part in select c.oid from pg_class c
        where c.oid in (select audit_guard.tables()) and c.relispartition loop
        execute format('select exists (select from %s)', part::regclass) into used;
        if not used then
            empty := empty || part || ',';
        end if;
    end loop;
    perform set_config('audit_guard.empty', empty, true);
end
$$;

create or replace function audit_guard.drop() returns event_trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
    gone record;
begin
    for gone in select * from pg_event_trigger_dropped_objects() loop
        if gone.object_type = 'table' and gone.schema_name = 'audit'
            and (gone.object_name in ('audit_events', 'audit_anchors', 'audit_segments')
                or gone.object_name like 'audit\_events\_%')
            and position(',' || gone.objid || ',' in current_setting('audit_guard.empty', true)) = 0 then
            raise exception '% cannot be dropped: it holds audit records', gone.object_identity
                using errcode = 'insufficient_privilege';
        end if;
    end loop;
end
$$;

create or replace function audit_guard.after() returns event_trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
    -- While a new partition gets its triggers they are not all there yet.
    whole constant boolean := tg_tag not in ('CREATE TABLE', 'CREATE TRIGGER');
    trouble constant text := audit_guard.complaint(whole);
begin
    if trouble is not null then
        raise exception 'the audit trail does not allow this %: %', tg_tag, trouble
            using errcode = 'insufficient_privilege';
    end if;
end
$$;

create or replace function audit_guard.rewrite() returns event_trigger
language plpgsql security definer set search_path = pg_catalog as $$
begin
    if pg_event_trigger_table_rewrite_oid() in (select audit_guard.tables()) then
        raise exception 'tables of the audit trail cannot be rewritten'
            using errcode = 'insufficient_privilege';
    end if;
end
$$;

revoke all on all functions in schema audit_guard from public;

do $$
begin
    if to_regclass('audit.audit_events') is null then
        raise exception 'run valueverse migrate first';
    end if;
    insert into audit_guard.expected select subject, state from audit_guard.present();
    if audit_guard.complaint(true) is not null then
        raise exception 'not installed: %', audit_guard.complaint(true);
    end if;
end
$$;

create event trigger audit_guard_before on ddl_command_start
    when tag in ('DROP TABLE', 'DROP SCHEMA', 'DROP OWNED')
    execute function audit_guard.before();
create event trigger audit_guard_drop on sql_drop
    execute function audit_guard.drop();
create event trigger audit_guard_after on ddl_command_end
    execute function audit_guard.after();
create event trigger audit_guard_rewrite on table_rewrite
    execute function audit_guard.rewrite();
-- Also for a session that replays as a replica.
alter event trigger audit_guard_before enable always;
alter event trigger audit_guard_drop enable always;
alter event trigger audit_guard_after enable always;
alter event trigger audit_guard_rewrite enable always;

commit;
