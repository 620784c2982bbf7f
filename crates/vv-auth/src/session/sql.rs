use vv_store::Sql;

pub(super) static INSERT: Sql = Sql::same(
    "session.insert",
    "insert into sessions (session_id, tenant_id, user_id, kind, secret_hash, refresh_counter, \
     aal, auth_time, created_at, last_seen_at, idle_expires_at, expires_at) \
     values ($1, $2, $3, $4, $5, 0, 1, $6, $6, $6, $7, $8)",
);
pub(super) static FIND: Sql = Sql::same(
    "session.find",
    "select s.tenant_id, s.user_id, s.kind, s.secret_hash, s.refresh_counter, s.aal, s.auth_time, \
     s.last_seen_at, s.idle_expires_at, s.expires_at, s.revoked_at, \
     u.status as user_status, t.status as tenant_status \
     from sessions s join users u on u.user_id = s.user_id \
     join tenants t on t.tenant_id = s.tenant_id where s.session_id = $1",
)
.across_tenants("a cookie or token names its session; the row tells the tenant");
pub(super) static LOCK: Sql = Sql::split(
    "session.lock",
    "select s.tenant_id, s.user_id, s.kind, s.secret_hash, s.refresh_counter, s.aal, s.auth_time, \
     s.last_seen_at, s.idle_expires_at, s.expires_at, s.revoked_at, \
     u.status as user_status, t.status as tenant_status \
     from sessions s join users u on u.user_id = s.user_id \
     join tenants t on t.tenant_id = s.tenant_id where s.session_id = $1 for update of s",
    "select s.tenant_id, s.user_id, s.kind, s.secret_hash, s.refresh_counter, s.aal, s.auth_time, \
     s.last_seen_at, s.idle_expires_at, s.expires_at, s.revoked_at, \
     u.status as user_status, t.status as tenant_status \
     from sessions s join users u on u.user_id = s.user_id \
     join tenants t on t.tenant_id = s.tenant_id where s.session_id = $1",
)
.across_tenants("a refresh token names its session; the row tells the tenant");
pub(super) static ROTATE: Sql = Sql::same(
    "session.rotate",
    "update sessions set refresh_counter = $4, last_seen_at = $5, idle_expires_at = $6 \
     where tenant_id = $1 and session_id = $2 and refresh_counter = $3 and revoked_at is null",
);
pub(super) static REVOKE: Sql = Sql::same(
    "session.revoke",
    "update sessions set revoked_at = $3, revoke_reason = $4 \
     where tenant_id = $1 and session_id = $2 and revoked_at is null",
);
pub(super) static TOUCH: Sql = Sql::same(
    "session.touch",
    "update sessions set last_seen_at = $3, idle_expires_at = $4 \
     where tenant_id = $1 and session_id = $2 and revoked_at is null",
);
pub(super) static PURGE: Sql = Sql::same(
    "session.purge",
    "delete from sessions where expires_at < $1 or revoked_at < $1",
)
.across_tenants("the purge job cleans up for every tenant");

/// Statements of this slice.
pub(crate) const STATEMENTS: &[&Sql] = &[&INSERT, &FIND, &LOCK, &ROTATE, &REVOKE, &TOUCH, &PURGE];
