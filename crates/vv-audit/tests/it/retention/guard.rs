//! What neither the product nor the owner of the tables can remove.

use vv_audit::{AuditSettings, Blocked, RetentionError, RetentionSettings};
use vv_store::testing::ScratchDatabase;
use vv_store::{Engine, Sql, StoreError, args};
use vv_testkit::stores::{open_both, pg_server, system_ctx};

use super::{events, mid, months, on_both_archived, partitions};
use crate::harness::World;

async fn try_as_product(world: &World, text: &str) -> Result<u64, StoreError> {
    let text: &'static str = text.to_owned().leak();
    let sql: &'static Sql = Box::leak(Box::new(Sql::same("test.any", text)));
    world
        .store
        .tx(&world.system(), "test.any", async |tx| {
            tx.allow_prune().await?;
            tx.exec(sql, args![]).await
        })
        .await
}

#[tokio::test]
async fn the_product_itself_cannot_remove_what_is_not_due() {
    on_both_archived(async |world, _| {
        let tenant = world.tenant();
        months(&world, &world.ctx(tenant), 2, 5).await;
        world.clock.set(mid(20));
        world.audit.close_segments(&world.system()).await.unwrap();
        let (id, hash) = (world.id(tenant), world.bytes(&[1; 32]));
        for text in [
            "delete from audit_events".to_owned(),
            format!("delete from audit_events where tenant_id = {id} and height = 1"),
            "update audit_events set kind = 'x'".to_owned(),
            "delete from audit_anchors".to_owned(),
            "delete from audit_segments".to_owned(),
            "update audit_segments set state = 'pruning'".to_owned(),
            "update audit_segments set state = 'pruned'".to_owned(),
            "update audit_segments set to_height = to_height + 1".to_owned(),
            "update audit_segments set manifest = 'x'".to_owned(),
            format!(
                "insert into audit_segments (tenant_id, month, from_height, to_height, state, \
                manifest, closed_at) values ({id}, 203001, 11, 12, 'pruning', 'x', 0)"
            ),
            format!(
                "insert into audit_segments (tenant_id, month, from_height, to_height, state, \
                manifest, closed_at) values ({id}, 203001, 1, 12, 'closed', 'x', 0)"
            ),
            format!(
                "insert into audit_segments (tenant_id, month, from_height, to_height, state, \
                manifest, closed_at) values ({id}, 202512, 11, 12, 'closed', 'x', 0)"
            ),
        ] {
            let refused = try_as_product(&world, &text).await;
            // Deletes of no row are none; these all meet some, but for anchors.
            let nothing =
                refused == Ok(0) && text.contains("anchors") && world.engine == Engine::Pg;
            assert!(refused.is_err() || nothing, "{text}: {refused:?}");
        }
        assert_eq!(events(&world, tenant).await, 10);
        // A segment that was slipped in gives a permit on paper; it is seen.
        let slip = format!(
            "update audit_segments set state = 'archived', archive = 'x', archive_sha256 = {hash}, \
             archived_at = 0 where tenant_id = {id} and month = 202601"
        );
        assert_eq!(try_as_product(&world, &slip).await, Ok(1));
        let report = world.audit.prune(&world.system(), 12, false).await.unwrap();
        let own = report.segments.iter().filter(|s| s.chain == tenant);
        let blocked: Vec<_> = own.map(|segment| segment.blocked).collect();
        assert_eq!(blocked, [Some(Blocked::Damaged)]);
        assert_eq!(events(&world, tenant).await, 10);
        let listed = world.audit.segments(&world.ctx(tenant)).await;
        assert!(matches!(listed, Err(RetentionError::Manifest(_))));
    })
    .await;
}

const GUARD: &str = include_str!("../../../../../deploy/postgres/audit-immutability.sql");

/// What the triggers refuse whoever asks.
const REFUSED: &[&str] = &[
    "truncate audit.audit_events",
    "truncate audit.audit_events_202601",
    "truncate audit.audit_anchors",
    "truncate audit.audit_segments",
    "set session_replication_role = replica; update audit.audit_events set kind = 'x'",
    "set session_replication_role = replica; delete from audit.audit_events",
    "set session_replication_role = replica; truncate audit.audit_events_202601",
    "delete from audit.audit_events_202601",
];

/// What only the guard refuses somebody who owns the tables.
const GUARDED: &[&str] = &[
    "drop table audit.audit_events cascade",
    "drop table audit.audit_events_202601",
    "drop table audit.audit_anchors",
    "drop schema audit cascade",
    "drop owned by valueverse_owner cascade",
    "alter table audit.audit_events detach partition audit.audit_events_202601",
    "alter table audit.audit_events disable trigger all",
    "alter table audit.audit_events disable trigger audit_events_no_delete",
    "alter table audit.audit_events_202601 disable trigger user",
    "alter table audit.audit_events_202601 enable trigger audit_events_no_truncate",
    "drop trigger audit_events_no_update on audit.audit_events",
    "drop trigger audit_events_no_truncate on audit.audit_events_202601",
    "drop trigger audit_segments_guard on audit.audit_segments",
    "create trigger a before insert on audit.audit_events for each row \
     execute function pg_catalog.suppress_redundant_updates_trigger()",
    "create trigger a before insert on audit.audit_events_202601 for each row \
     execute function audit.refuse_change()",
    "create rule a as on insert to audit.audit_segments do instead nothing",
    "alter table audit.audit_events rename to gone",
    "alter table audit.audit_events_202601 rename to gone",
    "alter table audit.audit_events_202601 set schema public",
    "alter schema audit rename to gone",
    "alter table audit.audit_events drop column leaf",
    "alter table audit.audit_events rename column leaf to gone",
    "alter table audit.audit_events alter column leaf type bytea using ''::bytea",
    "alter table audit.audit_events_202601 set unlogged",
    "alter table audit.audit_segments owner to valueverse_app",
    "create or replace function audit.refuse_change() returns trigger language plpgsql \
     as 'begin return new; end'",
    "create or replace function audit.refuse_delete() returns trigger language plpgsql \
     as 'begin return old; end'",
    "drop function audit.refuse_change() cascade",
    "alter function audit.prune_events(uuid, bigint, bigint) security invoker",
    "alter function audit.prune_events(uuid, bigint, bigint) rename to gone",
    // Words of the function that may drop change nothing.
    "do $$ begin perform set_config('audit_guard.empty', ',' || \
     'audit.audit_events_202601'::regclass::oid || ',', false); \
     execute E'drop table audit.audit_events_202601 /*\\nPL/pgSQL function \
     audit.drop_empty_month(bigint) line 1 */'; end $$",
];

#[tokio::test]
async fn with_the_guard_not_even_the_owner_removes_anything() {
    let ctx = system_ctx();
    let Some(server) = pg_server() else { return };
    let database = ScratchDatabase::migrated(&server, &ctx).await.unwrap();
    let (store, keys) = open_both(&database.target(4).unwrap()).await;
    let folder = tempfile::tempdir().unwrap();
    let settings = AuditSettings {
        retention: RetentionSettings {
            archive_dir: Some(folder.path().to_owned()),
            ..RetentionSettings::default()
        },
        ..AuditSettings::default()
    };
    let world = World::new(Engine::Pg, store.clone(), keys.clone(), settings).await;
    let tenant = world.tenant();
    months(&world, &world.ctx(tenant), 2, 5).await;
    for attempt in GUARDED {
        let text = format!("begin; {attempt}; rollback");
        let done = database.as_superuser(text).await;
        assert!(done.is_ok(), "{attempt}: {done:?}");
    }
    // Twice: it may be run again.
    for _ in 0..2 {
        database.as_superuser(GUARD.to_owned()).await.unwrap();
    }
    // New partitions can be made.
    world.clock.set(mid(2));
    world.fill(&world.ctx(tenant), 5).await;
    for attempt in REFUSED.iter().chain(GUARDED) {
        for role in ["", "set role valueverse_owner; "] {
            let own = "select set_config('app.tenant', '*', false); ";
            let text = format!("{own}{role}{attempt}");
            let done = database.as_superuser(text).await;
            assert!(done.is_err(), "{role}{attempt}");
            assert_eq!(events(&world, tenant).await, 15, "{role}{attempt}");
        }
    }
    // Other work goes on.
    for text in [
        "create table public.other (a int primary key); alter table public.other add b text; \
         drop table public.other",
        "create table audit.scratch (a int); drop table audit.scratch",
        "analyze",
        "reindex table audit.audit_events_202601",
    ] {
        database.as_superuser(text.to_owned()).await.unwrap();
    }
    // So does pruning, with all that it drops.
    world.clock.set(mid(20));
    let system = world.system();
    world.audit.close_segments(&system).await.unwrap();
    world.audit.archive_segments(&system).await.unwrap();
    world.audit.prune(&system, 12, false).await.unwrap();
    assert_eq!(events(&world, tenant).await, 0);
    assert!(!partitions(&world).await.contains(&202_601));
    world.fill(&world.ctx(tenant), 1).await;
    let off = "alter event trigger audit_guard_drop disable; \
        alter event trigger audit_guard_after disable; drop table audit.audit_segments";
    database.as_superuser(off.to_owned()).await.unwrap();
    store.close().await;
    keys.close().await;
    database.destroy().await.unwrap();
}
