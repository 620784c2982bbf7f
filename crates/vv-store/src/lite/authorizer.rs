//! What the writer refuses whatever the statement's author had in mind: changes
//! of append-only rows, of the schema, and of the settings that protect both.
//!
//! `SQLite` asks the authorizer while it prepares a statement. Prepared
//! statements are kept and reused, so switching the mode installs the
//! authorizer anew, which makes `SQLite` prepare all of them again.
//!
//! The driver does not wrap `sqlite3_set_authorizer`. This is the only module
//! of the workspace with `unsafe`; `cargo xtask tidy` sees to that.
#![expect(
    unsafe_code,
    reason = "sqlx does not wrap sqlite3_set_authorizer; the callbacks get no pointer of ours"
)]

use std::ffi::{CStr, c_char, c_int, c_void};

use libsqlite3_sys as ffi;
use sqlx::sqlite::SqliteConnection;

use crate::StoreError;

/// Tables whose rows stay as they are, and whether a member of a batch may be
/// let through to delete from them.
const APPEND_ONLY: &[(&str, Pruning)] = &[
    ("audit_events", Pruning::WithPermit),
    ("audit_anchors", Pruning::Never),
];

/// Pragmas that may be given a value: they report or tidy up. Every other one
/// can be read and not set.
const HARMLESS_PRAGMAS: &[&str] = &[
    "analysis_limit",
    "foreign_key_check",
    "foreign_key_list",
    "incremental_vacuum",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "optimize",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
    "wal_checkpoint",
];

/// Tables that `analyze` makes for the query planner; nobody else may use the prefix.
const PLANNER_TABLES: &str = "sqlite_stat";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pruning {
    WithPermit,
    Never,
}

/// What the connection lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// What the product does all day.
    Product,
    /// Also `delete` on tables that are pruned. Their triggers still ask for a permit.
    Prune,
    /// Everything: migrations.
    Schema,
}

/// Puts the connection into a mode, for every statement from now on, prepared
/// ones included.
pub(super) async fn set(conn: &mut SqliteConnection, mode: Mode) -> Result<(), StoreError> {
    let mut locked = conn.lock_handle().await?;
    let callback: Callback = match mode {
        Mode::Product => Some(product),
        Mode::Prune => Some(prune),
        Mode::Schema => None,
    };
    let handle = locked.as_raw_handle().as_ptr();
    // SAFETY: `locked` holds the driver's lock until the end of this function,
    // so the handle is open and nobody else uses it. The callbacks are
    // functions and outlive every connection; their user data is never read.
    let code = unsafe { ffi::sqlite3_set_authorizer(handle, callback, std::ptr::null_mut()) };
    if code == ffi::SQLITE_OK {
        Ok(())
    } else {
        Err(StoreError::unexpected(format!(
            "the authorizer was not installed: {code}"
        )))
    }
}

type Callback = Option<
    unsafe extern "C" fn(
        *mut c_void,
        c_int,
        *const c_char,
        *const c_char,
        *const c_char,
        *const c_char,
    ) -> c_int,
>;

unsafe extern "C" fn product(
    _data: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    _database: *const c_char,
    _trigger: *const c_char,
) -> c_int {
    // SAFETY: SQLite calls this with NULL or valid strings for the call's duration.
    let (first, second) = unsafe { (text(first), text(second)) };
    answer(Mode::Product, action, first, second)
}

unsafe extern "C" fn prune(
    _data: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    _database: *const c_char,
    _trigger: *const c_char,
) -> c_int {
    // SAFETY: as in `product`.
    let (first, second) = unsafe { (text(first), text(second)) };
    answer(Mode::Prune, action, first, second)
}

/// # Safety
/// `pointer` is NULL or a string that ends with a zero byte and lives for `'a`.
unsafe fn text<'a>(pointer: *const c_char) -> Option<&'a CStr> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: not NULL, and the caller promises the rest.
    Some(unsafe { CStr::from_ptr(pointer) })
}

fn answer(mode: Mode, action: c_int, first: Option<&CStr>, second: Option<&CStr>) -> c_int {
    // A name that is not UTF-8 is none of ours.
    let name = first.and_then(|name| name.to_str().ok()).unwrap_or("");
    if allows(mode, action, name, second.is_some()) {
        ffi::SQLITE_OK
    } else {
        ffi::SQLITE_DENY
    }
}

/// `name` is the table, the pragma or the object; `has_value` whether the
/// action has a second argument, which for a pragma is its value.
fn allows(mode: Mode, action: c_int, name: &str, has_value: bool) -> bool {
    match action {
        _ if mode == Mode::Schema => true,
        ffi::SQLITE_UPDATE => pruning(name).is_none(),
        ffi::SQLITE_DELETE => match pruning(name) {
            None => true,
            Some(pruning) => pruning == Pruning::WithPermit && mode == Mode::Prune,
        },
        ffi::SQLITE_CREATE_TABLE => name.starts_with(PLANNER_TABLES),
        // Temporary objects too: they would hide ours under the same name.
        ffi::SQLITE_CREATE_INDEX
        | ffi::SQLITE_CREATE_TEMP_INDEX
        | ffi::SQLITE_CREATE_TEMP_TABLE
        | ffi::SQLITE_CREATE_TEMP_TRIGGER
        | ffi::SQLITE_CREATE_TEMP_VIEW
        | ffi::SQLITE_CREATE_TRIGGER
        | ffi::SQLITE_CREATE_VIEW
        | ffi::SQLITE_CREATE_VTABLE
        | ffi::SQLITE_DROP_INDEX
        | ffi::SQLITE_DROP_TABLE
        | ffi::SQLITE_DROP_TEMP_INDEX
        | ffi::SQLITE_DROP_TEMP_TABLE
        | ffi::SQLITE_DROP_TEMP_TRIGGER
        | ffi::SQLITE_DROP_TEMP_VIEW
        | ffi::SQLITE_DROP_TRIGGER
        | ffi::SQLITE_DROP_VIEW
        | ffi::SQLITE_DROP_VTABLE
        | ffi::SQLITE_ALTER_TABLE
        | ffi::SQLITE_ATTACH
        | ffi::SQLITE_DETACH => false,
        ffi::SQLITE_PRAGMA => {
            !has_value
                || HARMLESS_PRAGMAS
                    .iter()
                    .any(|p| name.eq_ignore_ascii_case(p))
        }
        _ => true,
    }
}

fn pruning(table: &str) -> Option<Pruning> {
    APPEND_ONLY
        .iter()
        .find(|(name, _)| table.eq_ignore_ascii_case(name))
        .map(|(_, pruning)| *pruning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pruning_deletes_and_only_where_it_may() {
        for (mode, table, allowed) in [
            (Mode::Product, "audit_events", false),
            (Mode::Prune, "audit_events", true),
            (Mode::Prune, "AUDIT_ANCHORS", false),
            (Mode::Product, "jobs", true),
        ] {
            let delete = allows(mode, ffi::SQLITE_DELETE, table, false);
            assert_eq!(delete, allowed, "{mode:?} {table}");
        }
        assert!(!allows(
            Mode::Prune,
            ffi::SQLITE_UPDATE,
            "audit_events",
            true
        ));
        assert!(allows(
            Mode::Schema,
            ffi::SQLITE_UPDATE,
            "audit_events",
            true
        ));
    }

    #[test]
    fn a_name_that_is_no_text_gets_no_exception() {
        let strange = c"sqlite_stat\xff";
        let code = answer(Mode::Product, ffi::SQLITE_CREATE_TABLE, Some(strange), None);
        assert_eq!(code, ffi::SQLITE_DENY);
        let pragma = answer(Mode::Product, ffi::SQLITE_PRAGMA, None, Some(c"1"));
        assert_eq!(pragma, ffi::SQLITE_DENY);
    }
}
