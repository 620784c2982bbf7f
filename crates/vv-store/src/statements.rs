//! Checks that tests run over the statements of every slice.

use std::sync::Arc;

use vv_base::{Ctx, SystemClock, SystemRng};

use crate::{Engine, Sql, Store, StoreError};

/// Prepares each statement on the store, so that a typing mistake in SQL fails
/// a test and not a user. The error names the statement.
pub async fn prepare_all(store: &Store, statements: &[&'static Sql]) -> Result<(), StoreError> {
    let ctx = Ctx::system(Arc::new(SystemClock), Arc::new(SystemRng));
    for sql in statements {
        let prepared = store
            .read(&ctx, "statements.prepare", async |tx| tx.prepare(sql).await)
            .await;
        if let Err(error) = prepared {
            let detail = error.detail().unwrap_or_default();
            return Err(StoreError::unexpected(format!(
                "{} does not prepare on {:?}: {error}: {detail}",
                sql.name(),
                store.engine()
            )));
        }
    }
    Ok(())
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
}
