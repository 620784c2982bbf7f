use vv_store::Sql;

pub(crate) static LIST: Sql = Sql::same(
    "account.list",
    "select u.user_id, u.email_sealed, u.name_sealed, u.status, u.created_at, \
     u.last_sign_in_at, string_agg(m.role, ',') as roles \
     from memberships m join users u on u.user_id = m.user_id \
     where m.tenant_id = $1 and m.user_id > $2 \
     group by u.user_id order by u.user_id limit $3",
);
pub(crate) static FIND: Sql = Sql::same(
    "account.find",
    "select u.user_id, u.email_sealed, u.name_sealed, u.status, u.created_at, \
     u.last_sign_in_at, string_agg(m.role, ',') as roles \
     from memberships m join users u on u.user_id = m.user_id \
     where m.tenant_id = $1 and m.user_id = $2 group by u.user_id",
);
pub(crate) static FIND_BY_EMAIL: Sql = Sql::same(
    "account.find_by_email",
    "select u.user_id, u.email_sealed, u.name_sealed, u.status, u.created_at, \
     u.last_sign_in_at, string_agg(m.role, ',') as roles \
     from memberships m join users u on u.user_id = m.user_id \
     where m.tenant_id = $1 and u.email_index = $2 group by u.user_id",
);
pub(crate) static COUNT: Sql = Sql::same(
    "account.count",
    "select count(*) as total, count(*) filter (where u.status = 'active') as active \
     from users u where exists (select 1 from memberships m \
     where m.tenant_id = $1 and m.user_id = u.user_id)",
);
/// Runs before any tenant is known: an address belongs to one person everywhere.
pub(crate) static FIND_FOR_LOGIN: Sql = Sql::same(
    "account.find_for_login",
    "select u.user_id, u.home_tenant_id, u.password_hash, u.status, \
     t.status as tenant_status \
     from users u join tenants t on t.tenant_id = u.home_tenant_id where u.email_index = $1",
)
.across_tenants("an e-mail address belongs to one person, whatever the tenant");
pub(crate) static MARK_SIGN_IN: Sql = Sql::same(
    "account.mark_sign_in",
    "update users set last_sign_in_at = $2 where user_id = $1",
)
.across_tenants("a person signs in as one account, whatever the tenant");
pub(crate) static ROLES: Sql = Sql::same(
    "account.roles",
    "select role from memberships where tenant_id = $1 and user_id = $2",
);
pub(crate) static ANY_USER: Sql =
    Sql::same("account.any_user", "select user_id from users limit 1")
        .across_tenants("set-up asks whether there is anybody at all");
pub(crate) static INSERT_USER: Sql = Sql::same(
    "account.insert_user",
    "insert into users (user_id, home_tenant_id, email_index, email_sealed, name_sealed, \
     password_hash, status, created_at, password_changed_at) \
     values ($1, $2, $3, $4, $5, $6, 'active', $7, $7)",
);
pub(crate) static INSERT_MEMBERSHIP: Sql = Sql::same(
    "account.insert_membership",
    "insert into memberships (tenant_id, user_id, role, created_at) values ($1, $2, $3, $4)",
);
pub(crate) static INSERT_TENANT: Sql = Sql::same(
    "tenant.insert",
    "insert into tenants (tenant_id, name, status, created_at) values ($1, $2, 'active', $3)",
);
pub(crate) static FIND_TENANT: Sql = Sql::same(
    "tenant.find",
    "select tenant_id, name from tenants where tenant_id = $1",
);
pub(crate) static TENANT_BY_NAME: Sql = Sql::same(
    "tenant.by_name",
    "select tenant_id, name from tenants where name = $1 order by tenant_id limit 1",
)
.across_tenants("the command line names a tenant");

/// Statements of this slice.
pub(crate) const STATEMENTS: &[&Sql] = &[
    &LIST,
    &FIND,
    &FIND_BY_EMAIL,
    &COUNT,
    &FIND_FOR_LOGIN,
    &MARK_SIGN_IN,
    &ROLES,
    &ANY_USER,
    &INSERT_USER,
    &INSERT_MEMBERSHIP,
    &INSERT_TENANT,
    &FIND_TENANT,
    &TENANT_BY_NAME,
];
