//! Every database remembers check values of the keys it was made with, so that
//! a node with other keys stops before it writes anything.

use vv_base::Ctx;
use vv_crypto::{Keyring, RootKey};
use vv_store::{Sql, Store, StoreError, args, row};

use crate::builder::BuildError;

static FIND: Sql = Sql::same("root_check.find", "select value from meta where key = $1");
static INSERT: Sql = Sql::same(
    "root_check.insert",
    "insert into meta (key, value) values ($1, $2) on conflict (key) do nothing",
);
static ANY_USER: Sql = Sql::same("root_check.any_user", "select 1 from users limit 1")
    .across_tenants("start-up asks whether the installation is in use");
static ANY_SUBJECT: Sql = Sql::same(
    "root_check.any_subject",
    "select 1 from subject_keys limit 1",
)
.across_tenants("start-up asks whether the subject keys are there");

const ROOT: &str = "root_key_check";
const KEYRING: &str = "keyring_check";

/// Statements of this module on the main store, for the test that prepares them all.
pub const STATEMENTS: &[&Sql] = &[&FIND, &INSERT, &ANY_USER];
/// Statements of this module on the store of subject keys.
pub const KEYS_STATEMENTS: &[&Sql] = &[&ANY_SUBJECT];

row! {
    struct ValueRow {
        value: Vec<u8>,
    }
}

/// Compares root key and environment with the database; the first caller sets
/// them.
pub(crate) async fn check(
    ctx: &Ctx,
    store: &Store,
    root: &RootKey,
    keyring: &Keyring,
) -> Result<(), BuildError> {
    let configured = root.check_value();
    let database = remembered(ctx, store, ROOT, configured.as_bytes()).await?;
    if database != configured.as_bytes() {
        return Err(BuildError::RootKeyMismatch {
            database: String::from_utf8_lossy(&database).into_owned(),
            configured,
        });
    }
    // The environment is mixed into every key that derives from the root.
    let seal = keyring.audit_seal().mac("installation", &[]);
    let database = remembered(ctx, store, KEYRING, &seal).await?;
    if keyring.audit_seal().matches("installation", &[], &database) {
        Ok(())
    } else {
        Err(BuildError::EnvironmentMismatch)
    }
}

/// Everybody has a subject key. People without any mean that the store of keys
/// was lost, and new keys would hide that the old ones are missing.
pub(crate) async fn check_subject_keys(
    ctx: &Ctx,
    store: &Store,
    keys: &Store,
) -> Result<(), BuildError> {
    let ctx = ctx.clone().for_system();
    let users: Option<(i64,)> = store
        .read(&ctx, "root_check.any_user", async |tx| {
            tx.opt(&ANY_USER, args![]).await
        })
        .await?;
    let subjects: Option<(i64,)> = keys
        .read(&ctx, "root_check.any_subject", async |tx| {
            tx.opt(&ANY_SUBJECT, args![]).await
        })
        .await?;
    if users.is_some() && subjects.is_none() {
        return Err(BuildError::SubjectKeysMissing);
    }
    Ok(())
}

async fn remembered(
    ctx: &Ctx,
    store: &Store,
    key: &'static str,
    mine: &[u8],
) -> Result<Vec<u8>, StoreError> {
    let ctx = ctx.clone().for_system();
    let row: ValueRow = store
        .tx(&ctx, "root_check", async |tx| {
            tx.exec(&INSERT, args![key, mine]).await?;
            tx.one(&FIND, args![key]).await
        })
        .await?;
    Ok(row.value)
}
