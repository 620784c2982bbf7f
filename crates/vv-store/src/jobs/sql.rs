use vv_base::{JobId, TenantId};

use crate::Sql;

pub(super) static ENQUEUE: Sql = Sql::same(
    "jobs.enqueue",
    "insert into jobs (id, tenant_id, kind, payload, dedupe_key, state, run_at, attempts, created_at) \
     values ($1, $2, $3, $4, $5, 'queued', $6, 0, $7) on conflict do nothing",
);

pub(super) static DUE_KINDS: Sql = Sql::same(
    "jobs.due_kinds",
    "select distinct kind from jobs \
     where state in ('queued', 'leased') and coalesce(lease_until, run_at) <= $1",
)
.across_tenants("workers serve every tenant");

pub(super) static CLAIM: Sql = Sql::split(
    "jobs.claim",
    "update jobs set state = 'leased', lease_until = $3, lease_token = $4, attempts = attempts + 1 \
     where id in (select id from jobs where kind = $1 and state in ('queued', 'leased') \
       and coalesce(lease_until, run_at) <= $2 \
       order by coalesce(lease_until, run_at), id limit $5 for update skip locked) \
     returning id, tenant_id, kind, payload, attempts",
    "update jobs set state = 'leased', lease_until = $3, lease_token = $4, attempts = attempts + 1 \
     where id in (select id from jobs where kind = $1 and state in ('queued', 'leased') \
       and coalesce(lease_until, run_at) <= $2 \
       order by coalesce(lease_until, run_at), id limit $5) \
     returning id, tenant_id, kind, payload, attempts",
);

pub(super) static RENEW: Sql = Sql::same(
    "jobs.renew",
    "update jobs set lease_until = $3 where id = $1 and lease_token = $2 and state = 'leased'",
)
.across_tenants("the lease token names the job");

pub(super) static FINISH: Sql = Sql::same(
    "jobs.finish",
    "update jobs set state = $3, finished_at = $4, last_error = $5, \
       lease_until = null, lease_token = null \
     where id = $1 and lease_token = $2 and state = 'leased'",
)
.across_tenants("the lease token names the job");

pub(super) static RETRY: Sql = Sql::same(
    "jobs.retry",
    "update jobs set state = 'queued', run_at = $3, last_error = $4, \
       lease_until = null, lease_token = null \
     where id = $1 and lease_token = $2 and state = 'leased'",
)
.across_tenants("the lease token names the job");

/// Gives a job back whose worker shuts down; the try does not count.
pub(super) static GIVE_BACK: Sql = Sql::same(
    "jobs.give_back",
    "update jobs set state = 'queued', attempts = attempts - 1, \
       lease_until = null, lease_token = null \
     where id = $1 and lease_token = $2 and state = 'leased'",
)
.across_tenants("the lease token names the job");

pub(super) static REVIVE: Sql = Sql::same(
    "jobs.revive",
    "update jobs set state = 'queued', attempts = 0, run_at = $2, finished_at = null \
     where id = $1 and state = 'dead'",
)
.across_tenants("staff of the installation, under Scope::System");

pub(super) static REVIVE_IN_TENANT: Sql = Sql::same(
    "jobs.revive_in_tenant",
    "update jobs set state = 'queued', attempts = 0, run_at = $2, finished_at = null \
     where id = $1 and state = 'dead' and tenant_id = $3",
);

pub(super) static PURGE: Sql = Sql::same(
    "jobs.purge",
    "delete from jobs where id in \
     (select id from jobs where finished_at is not null and finished_at < $1 limit $2)",
)
.across_tenants("retention is the same for every tenant");

pub(super) static LAST_SLOT: Sql = Sql::same(
    "jobs.last_slot",
    "select slot from job_schedules where kind = $1",
);

/// Touches one row for the first node that reaches a slot and none after that.
pub(super) static TAKE_SLOT: Sql = Sql::same(
    "jobs.take_slot",
    "insert into job_schedules (kind, slot) values ($1, $2) \
     on conflict (kind) do update set slot = excluded.slot \
     where job_schedules.slot < excluded.slot",
);

pub(super) const LIST: &str = "select id, tenant_id, kind, state, run_at, attempts, last_error, \
     created_at, finished_at from jobs";

/// Every statement of the queue.
pub static STATEMENTS: &[&Sql] = &[
    &ENQUEUE,
    &DUE_KINDS,
    &CLAIM,
    &RENEW,
    &FINISH,
    &RETRY,
    &GIVE_BACK,
    &REVIVE,
    &REVIVE_IN_TENANT,
    &PURGE,
    &LAST_SLOT,
    &TAKE_SLOT,
];

crate::row! {
    pub(super) struct ClaimedRow {
        pub id: JobId,
        pub tenant_id: Option<TenantId>,
        pub kind: String,
        pub payload: String,
        pub attempts: i64,
    }
}
