-- Sessions and the keys that sign access tokens.

create table sessions (
    session_id      blob    not null primary key,
    tenant_id       blob    not null references tenants (tenant_id),
    user_id         blob    not null references users (user_id),
    kind            text    not null check (kind in ('token', 'browser')),
    -- keyed hash of the cookie secret; token sessions have none
    secret_hash     blob    check (length(secret_hash) = 32),
    -- counts the refresh tokens handed out; only the newest one is accepted
    refresh_counter integer not null,
    aal             integer not null check (aal between 1 and 3),
    auth_time       integer not null,
    created_at      integer not null,
    last_seen_at    integer not null,
    idle_expires_at integer not null,
    expires_at      integer not null,
    revoked_at      integer,
    revoke_reason   text
) strict;
create index sessions_user on sessions (tenant_id, user_id);
create index sessions_expiry on sessions (expires_at);

create table signing_keys (
    key_id     blob    not null primary key,
    kid        text    not null unique,
    algorithm  text    not null check (algorithm in ('EdDSA')),
    sealed     blob    not null,
    state      text    not null check (state in ('active', 'verify-only')),
    created_at integer not null
) strict;
-- Two nodes that start together must not both install a first key.
create unique index signing_keys_one_active on signing_keys (algorithm) where state = 'active';
