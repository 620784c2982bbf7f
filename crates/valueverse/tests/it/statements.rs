//! Every statement of every slice.

use std::collections::HashSet;

use vv_store::statements::{prepare_all, tenant_check};
use vv_store::{Engine, Sql, args};

use crate::harness::on_both;
use crate::raw;

/// Tables whose rows belong to one tenant each. People are not among them: an
/// account may belong to several tenants.
const TENANT_TABLES: &[&str] = &[
    "audit_anchors",
    "audit_blind",
    "audit_chains",
    "audit_events",
    "audit_holds",
    "audit_intake",
    "audit_rollups",
    "audit_segments",
    "audit_tiles",
    "audit_verifications",
    "audit_verify_progress",
    "jobs",
    "memberships",
    "sessions",
    "tenants",
];

fn of_the_main_store() -> Vec<&'static Sql> {
    [
        &vv_audit::statements(),
        &vv_auth::statements(),
        valueverse::ROOT_CHECK_STATEMENTS,
        vv_store::jobs::STATEMENTS,
    ]
    .concat()
}

#[tokio::test]
async fn every_statement_prepares() {
    on_both(async |world| {
        prepare_all(&world.store, &of_the_main_store())
            .await
            .unwrap_or_else(|error| panic!("{:?}", error.detail()));
        let of_the_keys = [
            vv_audit::SUBJECT_STATEMENTS,
            valueverse::ROOT_CHECK_KEYS_STATEMENTS,
        ]
        .concat();
        prepare_all(&world.keys, &of_the_keys)
            .await
            .unwrap_or_else(|error| panic!("{:?}", error.detail()));
    })
    .await;
}

#[test]
fn every_statement_on_tenant_rows_names_the_tenant() {
    let missing = tenant_check(&of_the_main_store(), TENANT_TABLES);
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn names_are_unique() {
    let mut all = of_the_main_store();
    all.extend(vv_audit::SUBJECT_STATEMENTS);
    all.extend(valueverse::ROOT_CHECK_KEYS_STATEMENTS);
    let names: HashSet<_> = all.iter().map(|sql| sql.name()).collect();
    assert_eq!(names.len(), all.len());
}

#[tokio::test]
async fn the_list_of_tenant_tables_is_complete() {
    on_both(async |world| {
        let columns = world.store.columns(&world.ctx()).await.unwrap();
        let mut found: Vec<&str> = columns
            .iter()
            .filter_map(|line| line.split_once(".tenant_id ").map(|(table, _)| table))
            .collect();
        found.sort_unstable();
        assert_eq!(found, TENANT_TABLES);
    })
    .await;
}

#[tokio::test]
async fn postgres_hides_rows_in_every_table_but_the_installations_own() {
    static OPEN: Sql = Sql::same(
        "test.open_tables",
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace \
         where n.nspname in ('auth', 'audit', 'keys') and c.relkind in ('r', 'p') \
         and not c.relispartition \
         and not (c.relrowsecurity and c.relforcerowsecurity) order by 1",
    );
    on_both(async |world| {
        if world.engine == Engine::Lite {
            return; // has no row-level security
        }
        let open: Vec<(String,)> = raw::rows(&world, &world.store, &OPEN, args![]).await;
        let open: Vec<_> = open.iter().map(|(name,)| name.as_str()).collect();
        let expected = [
            "job_schedules",
            "meta",
            "schema_migrations",
            "schema_migrations",
        ];
        assert_eq!(open, expected);
    })
    .await;
}

#[tokio::test]
async fn no_table_shows_a_tenant_the_rows_of_another() {
    on_both(async |world| {
        if world.engine == Engine::Lite {
            return; // has predicates only, which the other tests check
        }
        let ours = world.first_admin().await;
        let theirs = world
            .admin_of("Difference Ltd", "eve@difference.example")
            .await;
        for person in [&ours, &theirs] {
            world.login(person).await;
        }
        let scoped = world.ctx().for_tenant(ours.tenant);
        for table in TENANT_TABLES
            .iter()
            .chain(&["users", "setup_links", "signing_keys"])
        {
            let key = if *table == "users" {
                "home_tenant_id"
            } else {
                "tenant_id"
            };
            let text = match *table {
                "setup_links" | "signing_keys" => format!("select count(*) from {table}"),
                _ => format!("select count(*) from {table} where {key} <> $1::uuid"),
            };
            let statement = raw::sql(text.clone(), text.clone());
            let args = if text.contains("$1") {
                args![ours.tenant]
            } else {
                args![]
            };
            let (foreign,): (i64,) = world
                .store
                .read(&scoped, "test.foreign", async |tx| {
                    tx.one(statement, args).await
                })
                .await
                .unwrap();
            assert_eq!(foreign, 0, "{table}");
        }
    })
    .await;
}
