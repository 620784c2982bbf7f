-- The key of a data subject, sealed under the keyring. Destroying the key
-- makes every field sealed under it unreadable, in backups of the main
-- database too.
create table keys.subject_keys (
  subject_id uuid not null primary key,
  tenant_id uuid,
  wrapped_key bytea not null,
  created_at bigint not null,
  destroyed_at bigint
);
create index subject_keys_tenant on keys.subject_keys (tenant_id);
grant select, insert, update, delete on keys.subject_keys to valueverse_app;
alter table keys.subject_keys enable row level security;
alter table keys.subject_keys force row level security;
create policy tenant_rows on keys.subject_keys
  using ((select current_setting('app.tenant', true)) = '*'
    or tenant_id::text = (select current_setting('app.tenant', true)))
  with check ((select current_setting('app.tenant', true)) = '*'
    or tenant_id::text = (select current_setting('app.tenant', true)));
