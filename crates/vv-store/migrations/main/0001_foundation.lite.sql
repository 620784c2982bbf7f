-- Facts about this installation, such as the check value of the root key.
create table meta (
  key text not null primary key,
  value blob not null
) strict;

create table jobs (
  id blob not null primary key,
  tenant_id blob,
  kind text not null,
  payload text not null,
  dedupe_key text,
  state text not null check (state in ('queued', 'leased', 'done', 'dead')),
  run_at integer not null,
  attempts integer not null,
  lease_until integer,
  lease_token blob,
  last_error text,
  created_at integer not null,
  finished_at integer
) strict;
create index jobs_due on jobs (kind, coalesce(lease_until, run_at))
  where state in ('queued', 'leased');
create index jobs_finished on jobs (finished_at) where finished_at is not null;
create index jobs_tenant on jobs (tenant_id, id);
create unique index jobs_dedupe
  on jobs (kind, coalesce(tenant_id, x'00000000000000000000000000000000'), dedupe_key)
  where dedupe_key is not null and state in ('queued', 'leased');

create table job_schedules (
  kind text not null primary key,
  slot integer not null
) strict;
