//! Closing, archiving and pruning months, and legal holds.

mod archive;
mod close;
mod guard;
mod prune;

use std::collections::BTreeSet;
use std::path::PathBuf;

use vv_audit::{Audit, AuditSettings, RetentionSettings, SegmentState};
use vv_base::{Ctx, TenantId, Timestamp};
use vv_store::{Sql, args};
use vv_testkit::stores::both;

use crate::harness::World;

/// A world whose trail has an archive folder.
pub(super) async fn on_both_archived(test: impl AsyncFn(World, PathBuf)) {
    both(async |engine, store, keys| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive");
        let settings = AuditSettings {
            retention: RetentionSettings {
                archive_dir: Some(path.clone()),
                ..RetentionSettings::default()
            },
            ..AuditSettings::default()
        };
        test(World::new(engine, store, keys, settings).await, path).await;
    })
    .await;
}

/// The 15th of a month, counted from January 2026.
pub(super) fn mid(month: i64) -> Timestamp {
    let (year, month) = (2026 + month / 12, month % 12 + 1);
    Timestamp::parse_rfc3339(&format!("{year}-{month:02}-15T12:00:00Z")).unwrap()
}

/// Puts a few events into each of so many months.
pub(super) async fn months(world: &World, ctx: &Ctx, count: i64, each: usize) {
    for month in 0..count {
        world.clock.set(mid(month));
        world.fill(ctx, each).await;
    }
}

pub(super) async fn count(world: &World, sql: &'static Sql, chain: TenantId) -> i64 {
    let (count,): (i64,) = world
        .store
        .read(&world.system(), "test.count", async |tx| {
            tx.one(sql, args![chain]).await
        })
        .await
        .unwrap();
    count
}

/// The events of the tests themselves.
pub(super) async fn events(world: &World, chain: TenantId) -> i64 {
    static COUNT: Sql = Sql::same(
        "test.events",
        "select count(*) from audit_events where tenant_id = $1 and kind = 'data.viewed'",
    );
    count(world, &COUNT, chain).await
}

pub(super) async fn states(audit: &Audit, ctx: &Ctx) -> Vec<SegmentState> {
    let segments = audit.segments(ctx).await.unwrap();
    segments.into_iter().map(|segment| segment.state).collect()
}

/// Lets work go on for so many steps and then drops it.
pub(super) async fn cut<T>(work: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

pub(super) async fn pruned_events(world: &World, chain: TenantId) -> Vec<String> {
    static LEAVES: Sql = Sql::same(
        "test.pruned",
        "select leaf from audit_events where tenant_id = $1 and kind = 'audit.segment_pruned' \
         order by height",
    );
    let rows: Vec<(Vec<u8>,)> = world
        .store
        .read(&world.system(), "test.pruned", async |tx| {
            tx.all(&LEAVES, args![chain]).await
        })
        .await
        .unwrap();
    let bodies = rows.iter().map(|(leaf,)| String::from_utf8_lossy(leaf));
    bodies.map(std::borrow::Cow::into_owned).collect()
}

/// The months that have a partition.
pub(super) async fn partitions(world: &World) -> Vec<i64> {
    static PARTITIONS: Sql = Sql::split(
        "test.partitions",
        "select substring(relname from '[0-9]+$')::bigint from pg_class c \
         join pg_inherits i on i.inhrelid = c.oid \
         where i.inhparent = 'audit.audit_events'::regclass order by 1",
        "select 1 where 1 = 0",
    );
    let rows: Vec<(i64,)> = world
        .store
        .read(&world.system(), "test.partitions", async |tx| {
            tx.all(&PARTITIONS, args![]).await
        })
        .await
        .unwrap();
    rows.into_iter().map(|(month,)| month).collect()
}

pub(super) async fn kinds(world: &World, chain: TenantId) -> BTreeSet<String> {
    static KINDS: Sql = Sql::same(
        "test.kinds",
        "select distinct kind from audit_events where tenant_id = $1",
    );
    world.audit.catch_up().await.unwrap();
    let rows: Vec<(String,)> = world
        .store
        .read(&world.system(), "test.kinds", async |tx| {
            tx.all(&KINDS, args![chain]).await
        })
        .await
        .unwrap();
    rows.into_iter().map(|(kind,)| kind).collect()
}
