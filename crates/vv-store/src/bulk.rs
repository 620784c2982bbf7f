use std::fmt::Write as _;
use std::sync::OnceLock;

use crate::value::{Arg, Args};
use crate::{Engine, StoreError, Tx};

/// Most rows of one [`Tx::insert_many`].
pub const MAX_BULK_ROWS: usize = 65_536;
/// Largest text or bytes in a bulk row.
const MAX_VALUE: usize = 64 * 1024 * 1024;
const MAX_COLUMNS: usize = 64;

/// Rows per statement where rows go through `insert`. Few sizes, so that the
/// connection keeps all of them prepared; larger ones bring nothing more.
const STEPS: [usize; 8] = [128, 64, 32, 16, 8, 4, 2, 1];

/// Fewer rows than this for a monthly table are inserted on `PostgreSQL`, too. `COPY` ends with a
/// small message of its own that the operating system holds back until the
/// rows before it are acknowledged: 40 ms when they are few, as the driver
/// leaves Nagle's algorithm on.
const COPY_FROM: usize = 128;

/// Inserts many rows into one table at a time: `COPY` on `PostgreSQL`,
/// statements of several rows on `SQLite`. Like [`crate::Sql`] it is a static
/// with a fixed text; names are checked when it is compiled.
///
/// ```
/// use vv_store::Bulk;
/// static LINES: Bulk = Bulk::new("report.lines", "audit", "report_lines", &["tenant_id", "line"]);
/// ```
#[derive(Debug)]
pub struct Bulk {
    name: &'static str,
    schema: &'static str,
    table: &'static str,
    columns: &'static [&'static str],
    by_month: bool,
    row_security: bool,
    pg: [OnceLock<String>; STEPS.len()],
    lite: [OnceLock<String>; STEPS.len()],
}

impl Bulk {
    /// Rows for `schema.table`; `SQLite` has no schemas and takes the table
    /// alone. The values of each row come in the order of `columns`.
    ///
    /// # Panics
    /// When it is compiled as a static: a name is not lower case, digits and
    /// underscores, or there are no columns or more than 64.
    pub const fn new(
        name: &'static str,
        schema: &'static str,
        table: &'static str,
        columns: &'static [&'static str],
    ) -> Self {
        assert!(is_name(schema) && is_name(table), "not a plain name");
        assert!(!columns.is_empty() && columns.len() <= MAX_COLUMNS);
        let mut rest = columns;
        while let Some((column, tail)) = rest.split_first() {
            assert!(is_name(column), "not a plain name");
            rest = tail;
        }
        Self {
            name,
            schema,
            table,
            columns,
            by_month: false,
            row_security: false,
            pg: [const { OnceLock::new() }; STEPS.len()],
            lite: [const { OnceLock::new() }; STEPS.len()],
        }
    }

    /// On `PostgreSQL` many rows go straight into a monthly partition, such as
    /// `events_202611`. `COPY` refuses tables with row-level security;
    /// partitions have none of their own. The caller thus answers for the
    /// tenant of every row. A few rows go through the table.
    #[must_use]
    pub const fn by_month(mut self) -> Self {
        self.by_month = true;
        self
    }

    /// On `PostgreSQL` the table itself has row-level security, which `COPY`
    /// refuses: the rows go through `insert`, and the policy sees each of them.
    #[must_use]
    pub const fn under_row_security(mut self) -> Self {
        self.row_security = true;
        self
    }

    /// The name used in spans, metrics and test reports.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The table, without its schema.
    pub const fn table(&self) -> &'static str {
        self.table
    }

    /// The columns, in the order of the values.
    pub const fn columns(&self) -> &'static [&'static str] {
        self.columns
    }

    /// A statement that prepares only when the table has the columns.
    pub(crate) fn probe(&self, engine: Engine) -> String {
        let (table, columns) = (self.target(engine), self.columns.join(", "));
        format!("select {columns} from {table} limit 0")
    }

    fn target(&self, engine: Engine) -> String {
        match engine {
            Engine::Pg => format!("{}.{}", self.schema, self.table),
            Engine::Lite => self.table.to_owned(),
        }
    }

    fn copy_text(&self, partition: Option<u32>) -> Result<String, StoreError> {
        let table = self.target(Engine::Pg);
        let partition = match (self.by_month, partition) {
            (false, None) => String::new(),
            (true, Some(month)) if is_month(month) => format!("_{month}"),
            _ => {
                let name = self.name;
                return Err(StoreError::unexpected(format!(
                    "{name}: {partition:?} is no partition of {table}"
                )));
            }
        };
        let columns = self.columns.join(", ");
        Ok(format!(
            "copy {table}{partition} ({columns}) from stdin (format binary)"
        ))
    }

    fn insert_text(&'static self, engine: Engine, step: usize) -> Option<(usize, &'static str)> {
        let texts = match engine {
            Engine::Pg => &self.pg,
            Engine::Lite => &self.lite,
        };
        let (rows, text) = (*STEPS.get(step)?, texts.get(step)?);
        Some((rows, text.get_or_init(|| self.write_insert(engine, rows))))
    }

    fn write_insert(&self, engine: Engine, rows: usize) -> String {
        let (table, columns) = (self.target(engine), self.columns.join(", "));
        let mut text = format!("insert into {table} ({columns}) values ");
        let mut number = 0_usize;
        for row in 0..rows {
            text.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..self.columns.len() {
                let comma = if column == 0 { "" } else { ", " };
                number += 1;
                // Writing into a string cannot fail.
                let _ = match engine {
                    Engine::Pg => write!(text, "{comma}${number}"),
                    // SQLite looks numbered ones up one by one, each time.
                    Engine::Lite => write!(text, "{comma}?"),
                };
            }
            text.push(')');
        }
        text
    }

    fn check(&self, rows: &[Args]) -> Result<(), StoreError> {
        let name = self.name;
        if rows.len() > MAX_BULK_ROWS {
            let given = rows.len();
            return Err(StoreError::unexpected(format!(
                "{name} takes {MAX_BULK_ROWS} rows at most, {given} were given"
            )));
        }
        let wanted = self.columns.len();
        for row in rows {
            let given = row.len();
            if given != wanted {
                return Err(StoreError::unexpected(format!(
                    "{name} takes {wanted} values a row, {given} were given"
                )));
            }
            if row.iter().any(|value| length(value) > MAX_VALUE) {
                return Err(StoreError::TooLarge {
                    what: "column value",
                    limit: MAX_VALUE,
                });
            }
        }
        Ok(())
    }
}

impl Tx {
    /// Inserts all rows or none, at most [`MAX_BULK_ROWS`]; returns how many.
    /// A taken key is [`StoreError::Conflict`], and as after any failed
    /// statement the transaction cannot go on.
    ///
    /// `partition` is the month, such as `202611`, for a bulk that goes
    /// [by month](Bulk::by_month) and `None` for others; `SQLite` has no
    /// partitions and ignores it.
    pub async fn insert_many(
        &mut self,
        bulk: &'static Bulk,
        partition: Option<u32>,
        rows: Vec<Args>,
    ) -> Result<u64, StoreError> {
        bulk.check(&rows)?;
        let engine = self.engine();
        if rows.is_empty() {
            return Ok(0);
        }
        if engine == Engine::Pg && !bulk.row_security {
            let text = bulk.copy_text(partition)?;
            if !bulk.by_month || rows.len() >= COPY_FROM {
                return self.copy_in(bulk.name, text, rows).await;
            }
        }
        let mut rows = rows.into_iter();
        let mut inserted = 0;
        for step in 0..STEPS.len() {
            let Some((size, text)) = bulk.insert_text(engine, step) else {
                break;
            };
            while rows.len() >= size {
                let mut values = Args::with_capacity(size * bulk.columns.len());
                values.extend(rows.by_ref().take(size).flatten());
                inserted += self.run(bulk.name, text, values).await?;
            }
        }
        Ok(inserted)
    }
}

fn length(value: &Arg) -> usize {
    match value {
        Arg::Text(Some(text)) => text.len(),
        Arg::Bytes(Some(bytes)) => bytes.len(),
        _ => 0,
    }
}

/// Year and month as one number.
const fn is_month(number: u32) -> bool {
    let (year, month) = (number / 100, number % 100);
    year >= 1970 && year <= 9999 && month >= 1 && month <= 12
}

const fn is_name(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        if !matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_') {
            return false;
        }
        rest = tail;
    }
    !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    static PLAIN: Bulk = Bulk::new("test.plain", "audit", "lines", &["tenant_id", "line"]);
    static MONTHLY: Bulk = Bulk::new("test.monthly", "audit", "lines", &["line"]).by_month();

    #[test]
    fn texts_say_what_the_engines_understand() {
        let pg = PLAIN.insert_text(Engine::Pg, 3).expect("a step");
        assert_eq!(pg.0, 16);
        assert!(
            pg.1.starts_with(
                "insert into audit.lines (tenant_id, line) values ($1, $2), ($3, $4), "
            )
        );
        assert!(pg.1.ends_with("($31, $32)"));
        let lite = PLAIN.insert_text(Engine::Lite, 7).expect("a step");
        let text = "insert into lines (tenant_id, line) values (?, ?)";
        assert_eq!(lite, (1, text));
        assert_eq!(PLAIN.insert_text(Engine::Lite, 8), None);
        assert_eq!(
            MONTHLY.copy_text(Some(202_611)).as_deref(),
            Ok("copy audit.lines_202611 (line) from stdin (format binary)")
        );
    }

    #[test]
    fn a_partition_must_fit_the_bulk() {
        for month in [
            None,
            Some(202_600),
            Some(202_613),
            Some(11),
            Some(1_000_001),
        ] {
            assert!(MONTHLY.copy_text(month).is_err(), "{month:?}");
        }
        assert!(PLAIN.copy_text(Some(202_611)).is_err());
        assert!(PLAIN.copy_text(None).is_ok());
    }

    #[test]
    fn names_are_plain() {
        assert!(is_name("audit_events_2"));
        for text in ["", "a b", "a;b", "A", "a\"", "é"] {
            assert!(!is_name(text), "{text}");
        }
    }
}
