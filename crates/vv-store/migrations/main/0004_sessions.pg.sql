-- Sessions and the keys that sign access tokens.

create table auth.sessions (
    session_id      uuid    not null primary key,
    tenant_id       uuid    not null references auth.tenants (tenant_id),
    user_id         uuid    not null references auth.users (user_id),
    kind            text    not null check (kind in ('token', 'browser')),
    -- keyed hash of the cookie secret; token sessions have none
    secret_hash     bytea   check (length(secret_hash) = 32),
    -- counts the refresh tokens handed out; only the newest one is accepted
    refresh_counter bigint  not null,
    aal             bigint  not null check (aal between 1 and 3),
    auth_time       bigint  not null,
    created_at      bigint  not null,
    last_seen_at    bigint  not null,
    idle_expires_at bigint  not null,
    expires_at      bigint  not null,
    revoked_at      bigint,
    revoke_reason   text
);
create index sessions_user on auth.sessions (tenant_id, user_id);
create index sessions_expiry on auth.sessions (expires_at);

create table auth.signing_keys (
    key_id     uuid   not null primary key,
    kid        text   not null unique,
    algorithm  text   not null check (algorithm in ('EdDSA')),
    sealed     bytea  not null,
    state      text   not null check (state in ('active', 'verify-only')),
    created_at bigint not null
);
-- Two nodes that start together must not both install a first key.
create unique index signing_keys_one_active on auth.signing_keys (algorithm) where state = 'active';

select auth.protect_tenant_table('auth.sessions');

alter table auth.signing_keys enable row level security;
alter table auth.signing_keys force row level security;
create policy system_only on auth.signing_keys
    using (current_setting('app.tenant', true) = '*');

grant select, insert, update, delete on auth.sessions to valueverse_app;
grant select, insert, update on auth.signing_keys to valueverse_app;
