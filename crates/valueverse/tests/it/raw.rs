//! SQL that the product would never send, as the owner of the database may.

use vv_base::Id;
use vv_store::{Args, Engine, FromRow, Sql, Store, args};

use crate::harness::World;

/// The superuser, past triggers and row-level security.
const BECOME_SUPERUSER: &str = "reset role; set search_path = auth, audit, keys, public; \
     alter table audit_events disable trigger all; \
     alter table audit_anchors disable trigger all; ";
const DROP_TRIGGERS: &str = "drop trigger if exists audit_events_no_update; \
     drop trigger if exists audit_events_no_delete; ";

/// A statement of this test run alone. The text lives as long as the process.
pub(crate) fn sql(pg: String, lite: String) -> &'static Sql {
    Box::leak(Box::new(Sql::split("test.raw", pg.leak(), lite.leak())))
}

impl World {
    /// Waits until everything recorded so far has its place.
    pub(crate) async fn settle(&self) {
        // Fails only while the database is away, which these tests want to see elsewhere.
        let _ = self.auth().audit().catch_up().await;
    }

    /// Changes rows of the main store behind the product's back.
    pub(crate) async fn tamper(&self, script: &str) {
        self.settle().await;
        let pg = format!("{BECOME_SUPERUSER}{script}").leak();
        let lite = format!("{DROP_TRIGGERS}{script}").leak();
        self.store.run_script(&self.ctx(), pg, lite).await.unwrap();
    }

    /// Changes rows of the key store behind the product's back.
    pub(crate) async fn tamper_keys(&self, script: &str) {
        let pg = format!("{BECOME_SUPERUSER}{script}").leak();
        let lite = script.to_owned().leak();
        self.keys.run_script(&self.ctx(), pg, lite).await.unwrap();
    }

    /// One value from the main store.
    pub(crate) async fn value<T: vv_store::FromColumn>(&self, sql: &'static Sql, args: Args) -> T {
        let rows: Vec<(T,)> = rows(self, &self.store, sql, args).await;
        let mut rows = rows.into_iter();
        let (value,) = rows.next().unwrap();
        assert!(rows.next().is_none(), "more than one row");
        value
    }

    /// How many rows a table of the main store has.
    pub(crate) async fn rows_of(&self, table: &str) -> i64 {
        let text = format!("select count(*) from {table}");
        self.value(sql(text.clone(), text), args![]).await
    }

    /// An id as SQL text.
    pub(crate) fn id<K>(&self, id: Id<K>) -> String {
        match self.engine {
            Engine::Pg => format!("'{id}'::uuid"),
            Engine::Lite => self.bytes(id.as_bytes()),
        }
    }

    /// Bytes as SQL text.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> String {
        let hex = hex::encode(bytes);
        match self.engine {
            Engine::Pg => format!("'\\x{hex}'::bytea"),
            Engine::Lite => format!("x'{hex}'"),
        }
    }
}

/// Rows that a statement finds for work that belongs to no tenant.
pub(crate) async fn rows<R: FromRow>(
    world: &World,
    store: &Store,
    sql: &'static Sql,
    args: Args,
) -> Vec<R> {
    world.settle().await;
    store
        .read(&world.ctx(), "test.rows", async |tx| {
            tx.all(sql, args).await
        })
        .await
        .unwrap()
}
