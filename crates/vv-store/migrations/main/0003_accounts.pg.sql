-- Tenants, people, and which person belongs to which tenant in which role.

create table auth.tenants (
    tenant_id  uuid   not null primary key,
    name       text   not null,
    status     text   not null check (status in ('active', 'suspended')),
    created_at bigint not null
);

-- One row per person. E-mail and name are sealed; the e-mail is found through
-- its keyed index. The id doubles as the data subject's surrogate.
create table auth.users (
    user_id             uuid   not null primary key,
    home_tenant_id      uuid   not null references auth.tenants (tenant_id),
    email_index         bytea  not null check (length(email_index) = 32),
    email_sealed        bytea  not null,
    name_sealed         bytea  not null,
    password_hash       text,
    status              text   not null check (status in ('active', 'suspended')),
    created_at          bigint not null,
    password_changed_at bigint,
    last_sign_in_at     bigint
);
create unique index users_email_index on auth.users (email_index);

create table auth.memberships (
    tenant_id  uuid   not null references auth.tenants (tenant_id),
    user_id    uuid   not null references auth.users (user_id),
    role       text   not null,
    created_at bigint not null,
    primary key (tenant_id, user_id, role)
);
create index memberships_user on auth.memberships (user_id);

-- The one-time link that lets the first administrator in.
create table auth.setup_links (
    token_hash bytea  not null primary key check (length(token_hash) = 32),
    created_at bigint not null,
    expires_at bigint not null
);

select auth.protect_tenant_table('auth.tenants');
select auth.protect_tenant_table('auth.memberships');

-- A person is visible to every tenant they belong to, and to work that looks
-- for whoever is signing in.
alter table auth.users enable row level security;
alter table auth.users force row level security;
create policy member_of_tenant on auth.users
    using (
        current_setting('app.tenant', true) = '*'
        or exists (
            select 1 from auth.memberships m
            where m.user_id = users.user_id
              and m.tenant_id::text = current_setting('app.tenant', true)
        )
    );
-- Set-up belongs to no tenant.
alter table auth.setup_links enable row level security;
alter table auth.setup_links force row level security;
create policy system_only on auth.setup_links
    using (current_setting('app.tenant', true) = '*');

grant select, insert, update on auth.tenants, auth.users to valueverse_app;
grant select, insert, update, delete on auth.memberships, auth.setup_links to valueverse_app;
grant select on auth.tenants, auth.memberships to billing_admin, billing_operator, billing_readonly;
grant select (user_id, home_tenant_id, status, created_at, last_sign_in_at)
    on auth.users to billing_admin, billing_operator, billing_readonly;
