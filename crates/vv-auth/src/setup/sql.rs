use vv_store::{Sql, row};

pub(super) static INSERT: Sql = Sql::same(
    "setup.insert",
    "insert into setup_links (token_hash, created_at, expires_at) values ($1, $2, $3)",
);
pub(super) static FIND: Sql = Sql::same(
    "setup.find",
    "select expires_at from setup_links where token_hash = $1 and expires_at > $2",
);
pub(super) static CONSUME: Sql = Sql::same(
    "setup.consume",
    "delete from setup_links where token_hash = $1 and expires_at > $2",
);
pub(super) static PURGE: Sql = Sql::same(
    "setup.purge",
    "delete from setup_links where expires_at <= $1",
);
pub(super) static DELETE_ALL: Sql = Sql::same("setup.delete_all", "delete from setup_links");

row! {
    pub(super) struct LinkRow {
        pub expires_at: i64,
    }
}

/// Statements of this slice.
pub(crate) const STATEMENTS: &[&Sql] = &[&INSERT, &FIND, &CONSUME, &PURGE, &DELETE_ALL];
