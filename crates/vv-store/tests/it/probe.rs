//! A table that only these tests have.

use vv_base::{Ctx, TenantId};
use vv_store::{Sql, Store, StoreError, Tx, args};

static INSERT: Sql = Sql::same(
    "probe.insert",
    "insert into probe (note, tenant_id) values ($1, $2)",
);
static NOTES: Sql = Sql::same("probe.notes", "select note from probe order by note");

/// Makes the table.
pub(crate) async fn create(store: &Store, ctx: &Ctx) {
    store
        .run_script(
            ctx,
            "create table auth.probe (note text not null primary key, tenant_id uuid not null,
               flag boolean, number bigint, raw bytea);
             grant select, insert, update, delete on auth.probe to valueverse_app;
             select auth.protect_tenant_table('auth.probe')",
            "create table probe (note text not null primary key, tenant_id blob not null,
               flag integer, number integer, raw blob) strict",
        )
        .await
        .expect("the probe table");
}

pub(crate) async fn insert(tx: &mut Tx, note: &str, tenant: TenantId) -> Result<(), StoreError> {
    tx.exec_one(&INSERT, args![note, tenant]).await
}

/// Inserts in a transaction of its own.
pub(crate) async fn add(store: &Store, ctx: &Ctx, note: &str) -> Result<(), StoreError> {
    store
        .tx(ctx, "probe.add", async |tx| {
            insert(tx, note, TenantId::nil()).await
        })
        .await
}

/// All rows that the context may see.
pub(crate) async fn notes(store: &Store, ctx: &Ctx) -> Vec<String> {
    let rows: Vec<(String,)> = store
        .read(ctx, "probe.notes", async |tx| {
            tx.all::<(String,)>(&NOTES, args![]).await
        })
        .await
        .expect("the notes");
    rows.into_iter().map(|(note,)| note).collect()
}
