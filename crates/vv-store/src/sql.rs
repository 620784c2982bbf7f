use crate::value::Args;
use crate::{Engine, StoreError};

/// A named statement, with one text for both engines or one for each.
///
/// Placeholders are `$1`, `$2`, … and table names are unqualified.
#[derive(Debug)]
pub struct Sql {
    name: &'static str,
    pg: &'static str,
    lite: &'static str,
    pg_arity: usize,
    lite_arity: usize,
    across: Option<&'static str>,
}

impl Sql {
    /// One text that both engines understand.
    pub const fn same(name: &'static str, text: &'static str) -> Self {
        Self::split(name, text, text)
    }

    /// A text for each engine, where the dialects differ.
    pub const fn split(name: &'static str, pg: &'static str, lite: &'static str) -> Self {
        Self {
            name,
            pg,
            lite,
            pg_arity: highest_placeholder(pg),
            lite_arity: highest_placeholder(lite),
            across: None,
        }
    }

    /// Marks a statement that looks at rows of several tenants on purpose,
    /// and says why; [`crate::statements::tenant_check`] then lets it pass.
    #[must_use]
    pub const fn across_tenants(mut self, reason: &'static str) -> Self {
        self.across = Some(reason);
        self
    }

    /// The name used in spans, metrics and test reports.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The text for an engine.
    pub const fn text(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Pg => self.pg,
            Engine::Lite => self.lite,
        }
    }

    /// How many values the statement takes.
    pub(crate) const fn arity(&self, engine: Engine) -> usize {
        match engine {
            Engine::Pg => self.pg_arity,
            Engine::Lite => self.lite_arity,
        }
    }

    /// Why the statement may look at several tenants, if it may.
    pub const fn across(&self) -> Option<&'static str> {
        self.across
    }
}

/// The largest n of all `$n`. `SQLite` reads a missing value as NULL without a
/// word, so the count is compared before each run.
const fn highest_placeholder(text: &str) -> usize {
    let mut rest = text.as_bytes();
    let mut highest = 0;
    let mut number = None;
    while let Some((byte, tail)) = rest.split_first() {
        number = match (*byte, number) {
            (b'$', _) => Some(0),
            (b'0'..=b'9', Some(n)) => Some(n * 10 + digit(*byte)),
            _ => None,
        };
        if let Some(n) = number
            && n > highest
        {
            highest = n;
        }
        rest = tail;
    }
    highest
}

const fn digit(byte: u8) -> usize {
    let mut value = 0;
    let mut from = b'0';
    while from < byte {
        from += 1;
        value += 1;
    }
    value
}

/// Most values of a list in a [`Where`].
pub const MAX_LIST: usize = 512;

/// A list query put together from fixed fragments. Each `?` in a fragment takes
/// the next of the fragment's values; nothing dynamic ever enters the text.
///
/// ```
/// use vv_store::{Where, args};
/// let query = Where::select("select id from users")
///     .and("tenant_id = ?", args![7_i64])
///     .and("status = ?", args!["active"])
///     .order("id desc")
///     .limit(50);
/// assert_eq!(
///     query.text(),
///     "select id from users where (tenant_id = $1) and (status = $2) order by id desc limit $3"
/// );
/// ```
#[derive(Debug, Clone)]
pub struct Where {
    text: String,
    args: Args,
    filtered: bool,
    mistake: Option<String>,
}

impl Where {
    /// Starts with everything up to, and without, the `where`.
    pub fn select(base: &'static str) -> Self {
        Self::select_with(base, Args::new())
    }

    /// Like [`Where::select`], for a base that has placeholders itself.
    pub fn select_with(base: &'static str, args: Args) -> Self {
        let mut query = Self {
            text: String::new(),
            args: Args::new(),
            filtered: false,
            mistake: None,
        };
        query.append(base, args);
        query
    }

    /// Adds a condition that must hold as well.
    #[must_use]
    pub fn and(self, condition: &'static str, args: Args) -> Self {
        let mut query = self.open();
        query.append(condition, args);
        query.text.push(')');
        query
    }

    /// Adds a condition only when there is a value for it.
    #[must_use]
    pub fn and_if<T>(self, condition: &'static str, value: Option<T>) -> Self
    where
        crate::Arg: From<T>,
    {
        match value {
            Some(value) => self.and(condition, vec![value.into()]),
            None => self,
        }
    }

    /// Adds the condition that the column has one of these values, at most
    /// [`MAX_LIST`]. Without any value no row is found.
    #[must_use]
    pub fn and_in<T>(self, column: &'static str, values: impl IntoIterator<Item = T>) -> Self
    where
        crate::Arg: From<T>,
    {
        let mut wanted: Args = values.into_iter().map(Into::into).collect();
        let Some(last) = wanted.last().cloned() else {
            return self.and("1 = 0", Args::new());
        };
        if wanted.len() > MAX_LIST {
            return self.too_many(column);
        }
        // Repeating a value changes nothing, and leaves a handful of texts for
        // the connection to keep prepared instead of one for each length.
        wanted.resize(wanted.len().next_power_of_two(), last);
        let mut query = self.open();
        query.text.push_str(column);
        query.text.push_str(" in (");
        for (index, value) in wanted.into_iter().enumerate() {
            query.append(if index == 0 { "?" } else { ", ?" }, vec![value]);
        }
        query.text.push_str("))");
        query
    }

    /// Adds the condition once for each set of values, at most [`MAX_LIST`], of
    /// which one must hold. Without any set no row is found.
    #[must_use]
    pub fn and_any(self, condition: &'static str, sets: Vec<Args>) -> Self {
        if sets.is_empty() {
            return self.and("1 = 0", Args::new());
        }
        if sets.len() > MAX_LIST {
            return self.too_many(condition);
        }
        let mut query = self.open();
        for (index, values) in sets.into_iter().enumerate() {
            query.text.push_str(if index == 0 { "(" } else { " or (" });
            query.append(condition, values);
            query.text.push(')');
        }
        query.text.push(')');
        query
    }

    fn open(mut self) -> Self {
        let lead = if self.filtered { " and (" } else { " where (" };
        self.filtered = true;
        self.text.push_str(lead);
        self
    }

    fn too_many(mut self, fragment: &'static str) -> Self {
        self.mistake = Some(format!("more than {MAX_LIST} values for {fragment:?}"));
        self
    }

    /// Groups, after the last condition.
    #[must_use]
    pub fn group(mut self, columns: &'static str) -> Self {
        self.text.push_str(" group by ");
        self.text.push_str(columns);
        self
    }

    /// Sorts, after the last condition.
    #[must_use]
    pub fn order(mut self, columns: &'static str) -> Self {
        self.text.push_str(" order by ");
        self.text.push_str(columns);
        self
    }

    /// Caps the number of rows; comes last.
    #[must_use]
    pub fn limit(mut self, rows: i64) -> Self {
        self.text.push_str(" limit ");
        self.append("?", vec![rows.into()]);
        self
    }

    /// The text with numbered placeholders, the same for both engines.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same query, asking for its plan instead of its rows. For tests.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn explained(mut self, engine: Engine) -> Self {
        let lead = match engine {
            Engine::Pg => "explain (costs off) ",
            Engine::Lite => "explain query plan ",
        };
        self.text.insert_str(0, lead);
        self
    }

    fn append(&mut self, fragment: &'static str, args: Args) {
        let mut parts = fragment.split('?');
        self.text.push_str(parts.next().unwrap_or_default());
        let mut number = self.args.len();
        let wanted = number + args.len();
        for part in parts {
            number += 1;
            self.text.push('$');
            self.text.push_str(&number.to_string());
            self.text.push_str(part);
        }
        if number != wanted {
            self.mistake = Some(format!("placeholders and values differ in {fragment:?}"));
        }
        self.args.extend(args);
    }

    pub(crate) fn parts(&self) -> Result<(String, Args), StoreError> {
        match &self.mistake {
            Some(mistake) => Err(StoreError::unexpected(mistake.as_str())),
            None => Ok((self.text.clone(), self.args.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    #[test]
    fn arity_is_the_highest_placeholder() {
        let sql = Sql::split("x", "a = $2 and b = $1 and c = $12", "a = $1$$");
        assert_eq!(sql.arity(Engine::Pg), 12);
        assert_eq!(sql.arity(Engine::Lite), 1);
    }

    #[test]
    fn missing_value_is_an_error_and_not_a_null() {
        let query = Where::select("select 1 from users").and("tenant_id = ?", args![]);
        assert!(query.parts().is_err());
    }

    #[test]
    fn optional_filter_keeps_numbers_dense() -> Result<(), StoreError> {
        let query = Where::select("select id from users")
            .and("tenant_id = ?", args![1_i64])
            .and_if("kind = ?", None::<&str>)
            .and_if("status = ?", Some("x"))
            .limit(3);
        let (text, args) = query.parts()?;
        assert_eq!(
            text,
            "select id from users where (tenant_id = $1) and (status = $2) limit $3"
        );
        assert_eq!(args.len(), 3);
        Ok(())
    }

    #[test]
    fn lists_grow_in_powers_of_two_and_end() -> Result<(), StoreError> {
        let query = Where::select("select 1 from t")
            .and("a = ?", args![1_i64])
            .and_in("kind", ["x", "y", "z"]);
        let (text, args) = query.parts()?;
        assert_eq!(
            text,
            "select 1 from t where (a = $1) and (kind in ($2, $3, $4, $5))"
        );
        assert_eq!(args, args![1_i64, "x", "y", "z", "z"]);
        let none = Where::select("select 1 from t").and_in("kind", [""; 0]);
        assert_eq!(none.text(), "select 1 from t where (1 = 0)");
        let most = Where::select("select 1 from t").and_in("n", vec![1_i64; MAX_LIST]);
        assert_eq!(most.parts()?.1.len(), MAX_LIST);
        let many = Where::select("select 1 from t").and_in("n", vec![1_i64; MAX_LIST + 1]);
        assert!(many.parts().is_err());
        Ok(())
    }

    #[test]
    fn alternatives_are_one_condition() -> Result<(), StoreError> {
        let sets = vec![args!["a", "b"], args!["c", "d"]];
        let query = Where::select("select 1 from t")
            .and_any("kind >= ? and kind < ?", sets)
            .and("a = ?", args![1_i64]);
        assert_eq!(
            query.parts()?.0,
            "select 1 from t where ((kind >= $1 and kind < $2) or (kind >= $3 and kind < $4)) \
             and (a = $5)"
        );
        let none = Where::select("select 1 from t").and_any("kind = ?", Vec::new());
        assert_eq!(none.text(), "select 1 from t where (1 = 0)");
        let short = Where::select("select 1 from t").and_any("kind = ?", vec![args![]]);
        assert!(short.parts().is_err());
        Ok(())
    }
}
