use std::fmt;

use uuid::Uuid;
use vv_base::{Id, Timestamp};

use crate::StoreError;

/// A value bound to a statement. Every kind has its own NULL, so that
/// `PostgreSQL` knows the parameter's type when it prepares.
#[derive(Clone, PartialEq, Eq)]
pub enum Arg {
    /// 64-bit integer; also timestamps, as microseconds since the epoch.
    Int(Option<i64>),
    /// Truth value; 0 or 1 in `SQLite`.
    Bool(Option<bool>),
    /// Text.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
    /// An id; 16 bytes in `SQLite`.
    Uuid(Option<Uuid>),
}

/// The values of one statement, in placeholder order. Build it with [`crate::args!`].
pub type Args = Vec<Arg>;

/// Shows kinds only: bound values may be secret or personal.
impl fmt::Debug for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Int(_) => "Int",
            Self::Bool(_) => "Bool",
            Self::Text(_) => "Text",
            Self::Bytes(_) => "Bytes",
            Self::Uuid(_) => "Uuid",
        })
    }
}

/// A type whose absence is a NULL of a known kind.
pub trait Nullable: Into<Arg> {
    /// The NULL of this kind.
    const NULL: Arg;
}

macro_rules! arg_from {
    ($($kind:ident: $($from:ty => |$value:ident| $make:expr),+;)+) => {$($(
        impl From<$from> for Arg {
            fn from($value: $from) -> Self {
                Self::$kind(Some($make))
            }
        }
        impl Nullable for $from {
            const NULL: Arg = Arg::$kind(None);
        }
    )+)+};
}

arg_from! {
    Int: i64 => |v| v, i32 => |v| i64::from(v), u32 => |v| i64::from(v), u16 => |v| i64::from(v),
        u8 => |v| i64::from(v), Timestamp => |v| v.unix_micros();
    Bool: bool => |v| v;
    Text: &str => |v| v.to_owned(), String => |v| v, &String => |v| v.clone();
    Bytes: &[u8] => |v| v.to_vec(), Vec<u8> => |v| v, &Vec<u8> => |v| v.clone();
    Uuid: Uuid => |v| v;
}

impl<const N: usize> From<[u8; N]> for Arg {
    fn from(value: [u8; N]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}
impl<const N: usize> Nullable for [u8; N] {
    const NULL: Arg = Arg::Bytes(None);
}
impl<const N: usize> From<&[u8; N]> for Arg {
    fn from(value: &[u8; N]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}
impl<const N: usize> Nullable for &[u8; N] {
    const NULL: Arg = Arg::Bytes(None);
}
impl<K> From<Id<K>> for Arg {
    fn from(value: Id<K>) -> Self {
        Self::Uuid(Some(value.uuid()))
    }
}
impl<K> Nullable for Id<K> {
    const NULL: Arg = Arg::Uuid(None);
}
impl<T: Nullable> From<Option<T>> for Arg {
    fn from(value: Option<T>) -> Self {
        value.map_or(T::NULL, Into::into)
    }
}

/// Collects the values of a statement: `args![tenant, "active", now]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => {
        ::std::vec![$($crate::Arg::from($value)),*]
    };
}

/// One column of one row, as the database sent it.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// Any integer type.
    Int(i64),
    /// `PostgreSQL` `boolean`.
    Bool(bool),
    /// Any text type.
    Text(String),
    /// `bytea` or BLOB.
    Bytes(Vec<u8>),
    /// `PostgreSQL` `uuid`.
    Uuid(Uuid),
}

impl Value {
    /// The kind, for error texts.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Int(_) => "integer",
            Self::Bool(_) => "boolean",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Uuid(_) => "uuid",
        }
    }
}

/// Shows the kind only, like [`Arg`].
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

/// A type that a column can be read as. Implement it for enums stored as text.
pub trait FromColumn: Sized {
    /// Converts; `None` when the value has another kind or is out of range.
    fn from_value(value: Value) -> Option<Self>;
}

impl FromColumn for i64 {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Int(n) => Some(n),
            _ => None,
        }
    }
}

macro_rules! narrow_integers {
    ($($int:ty),+) => {$(
        impl FromColumn for $int {
            fn from_value(value: Value) -> Option<Self> {
                i64::from_value(value).and_then(|n| n.try_into().ok())
            }
        }
    )+};
}
narrow_integers!(i32, u64, u32, u16, u8);

impl FromColumn for bool {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(truth),
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl FromColumn for String {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl FromColumn for Vec<u8> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl<const N: usize> FromColumn for [u8; N] {
    fn from_value(value: Value) -> Option<Self> {
        Vec::from_value(value)?.try_into().ok()
    }
}

impl FromColumn for Uuid {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Uuid(uuid) => Some(uuid),
            Value::Bytes(bytes) => Self::from_slice(&bytes).ok(),
            _ => None,
        }
    }
}

impl<K> FromColumn for Id<K> {
    fn from_value(value: Value) -> Option<Self> {
        Uuid::from_value(value).map(Self::from_uuid)
    }
}

impl FromColumn for Timestamp {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).map(Self::from_unix_micros)
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}

/// A type that a whole row can be read as; [`crate::row!`] writes it.
pub trait FromRow: Sized {
    /// Reads the row; a missing column or another kind is [`StoreError::Unexpected`].
    fn from_row(row: &crate::Row) -> Result<Self, StoreError>;
}

macro_rules! tuple_rows {
    ($(($($name:ident $index:literal),+))+) => {$(
        /// Columns by position.
        impl<$($name: FromColumn),+> FromRow for ($($name,)+) {
            fn from_row(row: &crate::Row) -> Result<Self, StoreError> {
                Ok(($(row.at::<$name>($index)?,)+))
            }
        }
    )+};
}
tuple_rows! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}

/// Declares a struct read from a row by column name. `Debug` is not derived,
/// because rows hold hashes and sealed fields; add it where that is harmless.
///
/// ```
/// use vv_base::{TenantId, Timestamp};
/// vv_store::row! {
///     /// A tenant as stored.
///     #[derive(Debug)]
///     pub struct TenantRow {
///         /// Its id.
///         pub id: TenantId,
///         /// When it was made.
///         pub created_at: Timestamp,
///     }
/// }
/// ```
#[macro_export]
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty),* $(,)?
    }) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $type,)*
        }
        impl $crate::FromRow for $name {
            fn from_row(row: &$crate::Row) -> ::std::result::Result<Self, $crate::StoreError> {
                Ok(Self {
                    $($field: row.get(stringify!($field).trim_start_matches("r#"))?,)*
                })
            }
        }
    };
}
