use sqlx::{Row as _, TypeInfo as _, ValueRef as _};

use crate::value::{FromColumn, Value};
use crate::{Engine, StoreError};

/// One row of a result.
pub struct Row(Inner);

enum Inner {
    Pg(sqlx::postgres::PgRow),
    Lite(sqlx::sqlite::SqliteRow),
}

impl Row {
    pub(crate) const fn pg(row: sqlx::postgres::PgRow) -> Self {
        Self(Inner::Pg(row))
    }

    pub(crate) const fn lite(row: sqlx::sqlite::SqliteRow) -> Self {
        Self(Inner::Lite(row))
    }

    /// Which engine sent the row.
    pub const fn engine(&self) -> Engine {
        match self.0 {
            Inner::Pg(_) => Engine::Pg,
            Inner::Lite(_) => Engine::Lite,
        }
    }

    /// Reads the column of that name.
    pub fn get<T: FromColumn>(&self, column: &'static str) -> Result<T, StoreError> {
        let value = match &self.0 {
            Inner::Pg(row) => pg_value(row, column),
            Inner::Lite(row) => lite_value(row, column),
        };
        convert(value, column)
    }

    /// Reads the column at that position, counted from zero.
    pub fn at<T: FromColumn>(&self, index: usize) -> Result<T, StoreError> {
        let value = match &self.0 {
            Inner::Pg(row) => pg_value(row, index),
            Inner::Lite(row) => lite_value(row, index),
        };
        convert(value, index)
    }
}

fn convert<T: FromColumn>(
    value: Result<Value, StoreError>,
    column: impl std::fmt::Display,
) -> Result<T, StoreError> {
    let value = value?;
    let kind = value.kind();
    T::from_value(value).ok_or_else(|| {
        let wanted = std::any::type_name::<T>();
        StoreError::unexpected(format!("column {column} holds {kind}, {wanted} was wanted"))
    })
}

fn decode<'r, DB, T>(value: <DB as sqlx::Database>::ValueRef<'r>) -> Result<T, StoreError>
where
    DB: sqlx::Database,
    T: sqlx::Decode<'r, DB>,
{
    // The driver's text may repeat the value, so it is left out.
    T::decode(value).map_err(|_| StoreError::unexpected("a column does not decode"))
}

fn pg_value<I>(row: &sqlx::postgres::PgRow, column: I) -> Result<Value, StoreError>
where
    I: sqlx::ColumnIndex<sqlx::postgres::PgRow>,
{
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let name = raw.type_info().name().to_owned();
    Ok(match name.as_str() {
        "INT8" => Value::Int(decode::<sqlx::Postgres, _>(raw)?),
        "INT4" => Value::Int(i64::from(decode::<sqlx::Postgres, i32>(raw)?)),
        "INT2" => Value::Int(i64::from(decode::<sqlx::Postgres, i16>(raw)?)),
        "BOOL" => Value::Bool(decode::<sqlx::Postgres, _>(raw)?),
        "TEXT" | "VARCHAR" | "NAME" => Value::Text(decode::<sqlx::Postgres, _>(raw)?),
        "BYTEA" => Value::Bytes(decode::<sqlx::Postgres, _>(raw)?),
        "UUID" => Value::Uuid(decode::<sqlx::Postgres, _>(raw)?),
        other => {
            return Err(StoreError::unexpected(format!(
                "columns of type {other} are not used; cast in the statement"
            )));
        }
    })
}

fn lite_value<I>(row: &sqlx::sqlite::SqliteRow, column: I) -> Result<Value, StoreError>
where
    I: sqlx::ColumnIndex<sqlx::sqlite::SqliteRow>,
{
    let raw = row.try_get_raw(column)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let name = raw.type_info().name().to_owned();
    Ok(match name.as_str() {
        "INTEGER" | "BOOLEAN" => Value::Int(decode::<sqlx::Sqlite, _>(raw)?),
        "TEXT" => Value::Text(decode::<sqlx::Sqlite, _>(raw)?),
        "BLOB" => Value::Bytes(decode::<sqlx::Sqlite, _>(raw)?),
        other => {
            return Err(StoreError::unexpected(format!(
                "columns of type {other} are not used; cast in the statement"
            )));
        }
    })
}
