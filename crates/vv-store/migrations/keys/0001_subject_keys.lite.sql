-- The key of a data subject, sealed under the keyring. Destroying the key
-- makes every field sealed under it unreadable, in backups of the main
-- database too.
create table subject_keys (
  subject_id blob not null primary key,
  tenant_id blob,
  wrapped_key blob not null,
  created_at integer not null,
  destroyed_at integer
) strict;
create index subject_keys_tenant on subject_keys (tenant_id);
