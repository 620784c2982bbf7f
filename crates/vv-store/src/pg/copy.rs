//! Rows in the binary form of `COPY`:
//! <https://www.postgresql.org/docs/15/sql-copy.html>, "Binary Format".

use sqlx::PgConnection;

use crate::value::{Arg, Args};

/// Signature, flags (none), length of the header's extension (none).
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// A row with a field count of -1.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
const NULL: [u8; 4] = (-1_i32).to_be_bytes();
/// Sent at a time; the driver copies it once more.
const CHUNK: usize = 128 * 1024;

pub(super) async fn run(
    conn: &mut PgConnection,
    text: &str,
    rows: Vec<Args>,
) -> Result<u64, sqlx::Error> {
    let mut copy = conn.copy_in_raw(text).await?;
    let mut buffer = Vec::with_capacity(CHUNK + CHUNK / 4);
    buffer.extend_from_slice(HEADER);
    for row in rows {
        if let Err(error) = put_row(&mut buffer, &row) {
            // The driver's text about the abort would hide the reason.
            let _ = copy.abort("a value is too large").await;
            return Err(error);
        }
        if buffer.len() >= CHUNK {
            copy.send(buffer.as_slice()).await?;
            buffer.clear();
        }
    }
    buffer.extend_from_slice(&TRAILER);
    copy.send(buffer.as_slice()).await?;
    copy.finish().await
}

fn put_row(buffer: &mut Vec<u8>, row: &[Arg]) -> Result<(), sqlx::Error> {
    let fields = i16::try_from(row.len()).map_err(too_large)?;
    buffer.extend_from_slice(&fields.to_be_bytes());
    for value in row {
        match value {
            Arg::Int(Some(n)) => put(buffer, &n.to_be_bytes())?,
            Arg::Bool(Some(truth)) => put(buffer, &[u8::from(*truth)])?,
            Arg::Text(Some(text)) => put(buffer, text.as_bytes())?,
            Arg::Bytes(Some(bytes)) => put(buffer, bytes)?,
            Arg::Uuid(Some(uuid)) => put(buffer, uuid.as_bytes())?,
            Arg::Int(None)
            | Arg::Bool(None)
            | Arg::Text(None)
            | Arg::Bytes(None)
            | Arg::Uuid(None) => buffer.extend_from_slice(&NULL),
        }
    }
    Ok(())
}

fn put(buffer: &mut Vec<u8>, value: &[u8]) -> Result<(), sqlx::Error> {
    let length = i32::try_from(value.len()).map_err(too_large)?;
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(value);
    Ok(())
}

fn too_large(_: std::num::TryFromIntError) -> sqlx::Error {
    sqlx::Error::Protocol("a row or value is larger than COPY takes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    #[test]
    fn a_row_is_counted_and_every_value_has_its_length() {
        let mut buffer = Vec::new();
        let row = args![1_i64, true, "é", [7_u8], None::<&str>, uuid::Uuid::nil()];
        put_row(&mut buffer, &row).expect("a small row");
        let mut wanted = vec![0, 6, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1];
        wanted.extend([0, 0, 0, 1, 1]);
        wanted.extend([0, 0, 0, 2, 0xc3, 0xa9]);
        wanted.extend([0, 0, 0, 1, 7]);
        wanted.extend([0xff; 4]);
        wanted.extend([0, 0, 0, 16]);
        wanted.extend([0; 16]);
        assert_eq!(buffer, wanted);
        assert_eq!(HEADER.len(), 19);
    }
}
