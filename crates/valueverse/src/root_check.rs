//! Every database remembers the check value of the root key it was made with,
//! so that a node with another key stops before it writes anything.

use vv_base::Ctx;
use vv_crypto::RootKey;
use vv_store::{Sql, Store, StoreError, args, row};

static FIND: Sql = Sql::same("root_check.find", "select value from meta where key = $1");
static INSERT: Sql = Sql::same(
    "root_check.insert",
    "insert into meta (key, value) values ($1, $2) on conflict (key) do nothing",
);
const KEY: &str = "root_key_check";

/// Statements of this module, for the test that prepares them all.
pub const STATEMENTS: &[&Sql] = &[&FIND, &INSERT];

row! {
    struct ValueRow {
        value: Vec<u8>,
    }
}

/// The check value the database was made with; the first caller sets it.
pub(crate) async fn check_value(
    ctx: &Ctx,
    store: &Store,
    root: &RootKey,
) -> Result<String, StoreError> {
    let mine = root.check_value();
    let ctx = ctx.clone().for_system();
    let row: ValueRow = store
        .tx(&ctx, "root_check", async |tx| {
            tx.exec(&INSERT, args![KEY, mine.as_bytes()]).await?;
            tx.one(&FIND, args![KEY]).await
        })
        .await?;
    Ok(String::from_utf8_lossy(&row.value).into_owned())
}
