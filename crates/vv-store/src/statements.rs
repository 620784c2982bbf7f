//! Checks that tests run over the statements of every slice.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr};
use vv_base::{Ctx, SystemClock, SystemRng};

use crate::{Bulk, Engine, Sql, Store, StoreError};

/// Types that bulk rows are sent as; `COPY` converts nothing.
const BULK_TYPES: &[&str] = &["INT8", "BOOL", "TEXT", "BYTEA", "UUID"];

/// Prepares each statement on the store, so that a typing mistake in SQL fails
/// a test and not a user. The error names the statement.
pub async fn prepare_all(store: &Store, statements: &[&'static Sql]) -> Result<(), StoreError> {
    for sql in statements {
        prepare(store, sql.name(), AssertSqlSafe(sql.text(store.engine()))).await?;
    }
    Ok(())
}

/// Like [`prepare_all`], for bulks: the table has the columns, and on
/// `PostgreSQL` with types that the rows can be sent as.
pub async fn prepare_bulks(store: &Store, bulks: &[&'static Bulk]) -> Result<(), StoreError> {
    for bulk in bulks {
        let name = bulk.name();
        let types = prepare(store, name, AssertSqlSafe(bulk.probe(store.engine()))).await?;
        for (column, found) in bulk.columns().iter().zip(types) {
            if store.engine() == Engine::Pg && !BULK_TYPES.contains(&found.as_str()) {
                return Err(StoreError::unexpected(format!(
                    "{name}: rows cannot be sent to {column}, which is {found}"
                )));
            }
        }
    }
    Ok(())
}

async fn prepare(
    store: &Store,
    name: &'static str,
    text: impl SqlSafeStr + Send,
) -> Result<Vec<String>, StoreError> {
    let ctx = Ctx::system(Arc::new(SystemClock), Arc::new(SystemRng));
    store
        .read(&ctx, "statements.prepare", async |tx| {
            tx.prepare(text).await
        })
        .await
        .map_err(|error| {
            let engine = store.engine();
            let detail = error.detail().unwrap_or_default();
            StoreError::unexpected(format!(
                "{name} does not prepare on {engine:?}: {error}: {detail}"
            ))
        })
}

/// Lists every statement that names one of `tenant_tables` without naming
/// `tenant_id`, in either engine's text. Statements marked with
/// [`Sql::across_tenants`] pass.
pub fn tenant_check(statements: &[&Sql], tenant_tables: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for sql in statements.iter().filter(|sql| sql.across().is_none()) {
        for engine in [Engine::Pg, Engine::Lite] {
            let words: Vec<&str> = words(sql.text(engine)).collect();
            let table = tenant_tables.iter().find(|table| words.contains(*table));
            if let Some(table) = table
                && !words.contains(&"tenant_id")
            {
                let name = sql.name();
                found.push(format!(
                    "{name} ({engine:?}) uses {table} without tenant_id"
                ));
            }
        }
    }
    found
}

/// Lists every bulk into one of `tenant_tables` whose rows lack `tenant_id`.
pub fn bulk_tenant_check(bulks: &[&Bulk], tenant_tables: &[&str]) -> Vec<String> {
    bulks
        .iter()
        .filter(|bulk| tenant_tables.contains(&bulk.table()))
        .filter(|bulk| !bulk.columns().contains(&"tenant_id"))
        .map(|bulk| format!("{} fills {} without tenant_id", bulk.name(), bulk.table()))
        .collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_without_the_tenant_is_found() {
        let bare = Sql::same("users.bare", "select id from users where id = $1");
        let good = Sql::same("users.good", "select id from users where tenant_id = $1");
        let marked = Sql::same("users.marked", "select id from users")
            .across_tenants("sign-in looks for the account first");
        let found = tenant_check(&[&bare, &good, &marked], &["users"]);
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|line| line.starts_with("users.bare")));
    }

    #[test]
    fn a_bulk_without_the_tenant_is_found() {
        static BARE: Bulk = Bulk::new("users.bare", "auth", "users", &["id"]);
        static GOOD: Bulk = Bulk::new("users.good", "auth", "users", &["id", "tenant_id"]);
        static OTHER: Bulk = Bulk::new("meta.other", "auth", "meta", &["id"]);
        let found = bulk_tenant_check(&[&BARE, &GOOD, &OTHER], &["users"]);
        assert_eq!(found, ["users.bare fills users without tenant_id"]);
    }
}
