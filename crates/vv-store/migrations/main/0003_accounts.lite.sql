-- Tenants, people, and which person belongs to which tenant in which role.

create table tenants (
    tenant_id  blob    not null primary key,
    name       text    not null,
    status     text    not null check (status in ('active', 'suspended')),
    created_at integer not null
) strict;

-- One row per person. E-mail and name are sealed; the e-mail is found through
-- its keyed index. The id doubles as the data subject's surrogate.
create table users (
    user_id             blob    not null primary key,
    home_tenant_id      blob    not null references tenants (tenant_id),
    email_index         blob    not null check (length(email_index) = 32),
    email_sealed        blob    not null,
    name_sealed         blob    not null,
    password_hash       text,
    status              text    not null check (status in ('active', 'suspended')),
    created_at          integer not null,
    password_changed_at integer,
    last_sign_in_at     integer
) strict;
create unique index users_email_index on users (email_index);

create table memberships (
    tenant_id  blob    not null references tenants (tenant_id),
    user_id    blob    not null references users (user_id),
    role       text    not null,
    created_at integer not null,
    primary key (tenant_id, user_id, role)
) strict;
create index memberships_user on memberships (user_id);

-- The one-time link that lets the first administrator in.
create table setup_links (
    token_hash blob    not null primary key check (length(token_hash) = 32),
    created_at integer not null,
    expires_at integer not null
) strict;
