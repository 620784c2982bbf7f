-- Hides the rows of other tenants even from a statement that forgets to ask.
-- Without app.tenant in the transaction nothing is visible.
create function auth.protect_tenant_table(target regclass) returns void
language plpgsql
set search_path = pg_catalog
as $$
declare
  mine constant text :=
    '(select current_setting(''app.tenant'', true)) = ''*'' '
    'or tenant_id::text = (select current_setting(''app.tenant'', true))';
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('create policy tenant_rows on %s using (%s) with check (%s)', target, mine, mine);
end
$$;
revoke all on function auth.protect_tenant_table(regclass) from public;

-- Facts about this installation, such as the check value of the root key.
create table auth.meta (
  key text not null primary key,
  value bytea not null
);
grant select, insert, update, delete on auth.meta to valueverse_app;

create table auth.jobs (
  id uuid not null primary key,
  tenant_id uuid,
  kind text not null,
  payload text not null,
  dedupe_key text,
  state text not null check (state in ('queued', 'leased', 'done', 'dead')),
  run_at bigint not null,
  attempts bigint not null,
  lease_until bigint,
  lease_token bytea,
  last_error text,
  created_at bigint not null,
  finished_at bigint
);
create index jobs_due on auth.jobs (kind, (coalesce(lease_until, run_at)))
  where state in ('queued', 'leased');
create index jobs_finished on auth.jobs (finished_at) where finished_at is not null;
create index jobs_tenant on auth.jobs (tenant_id, id);
create unique index jobs_dedupe
  on auth.jobs (kind, (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'::uuid)), dedupe_key)
  where dedupe_key is not null and state in ('queued', 'leased');
grant select, insert, update, delete on auth.jobs to valueverse_app;
select auth.protect_tenant_table('auth.jobs');

create table auth.job_schedules (
  kind text not null primary key,
  slot bigint not null
);
grant select, insert, update on auth.job_schedules to valueverse_app;
