//! Goes through the events that a filter finds, a bounded piece at a time.

use serde_json::json;
use vv_base::TenantId;
use vv_store::{Engine, FromRow, StoreError, Tx, Where, args};

use super::filter::Order;
use super::lane::{Lane, Merged, Range, merge, ordered};
use super::plan::Condition;

/// Heights or entries looked at in the first piece when conditions remain.
const FIRST_PIECE: usize = 512;
/// The same at most, when little was found.
const LARGEST_PIECE: usize = 8_192;
/// The same on a list of heights that go into a statement.
const LARGEST_LIST: usize = 2_048;

/// A row with a height.
pub(super) trait Placed: FromRow {
    /// What to select, from `audit_events`.
    const SELECT: &'static str;
    /// The place in the chain.
    fn height(&self) -> i64;
}

/// The lists of heights that lead through a search.
pub(super) struct Lead {
    pub(super) lanes: Vec<Lane>,
    /// The same as a condition on columns, if it is one.
    pub(super) column: Option<Condition>,
}

/// A place in the events that a filter finds.
pub(super) struct Walk {
    chain: TenantId,
    order: Order,
    /// What was not looked at yet.
    range: Range,
    /// What leads; without it all heights of the range do.
    lead: Option<Lead>,
    /// What must hold besides.
    conditions: Vec<Condition>,
    piece: usize,
    examined: usize,
}

impl Walk {
    pub(super) fn new(
        chain: TenantId,
        order: Order,
        range: Range,
        lead: Option<Lead>,
        conditions: Vec<Condition>,
    ) -> Self {
        Self {
            chain,
            order,
            range,
            lead,
            conditions,
            piece: FIRST_PIECE,
            examined: 0,
        }
    }

    /// Whether everything was looked at.
    pub(super) const fn is_done(&self) -> bool {
        self.range.is_empty()
    }

    /// How many heights and entries were looked at.
    pub(super) const fn examined(&self) -> usize {
        self.examined
    }

    /// What is left to look at.
    pub(super) const fn range(&self) -> &Range {
        &self.range
    }

    /// Whether every height of the range is wanted.
    pub(super) const fn is_everything(&self) -> bool {
        self.lead.is_none() && self.conditions.is_empty()
    }

    /// The height that a later walk goes on behind.
    pub(super) const fn position(&self) -> i64 {
        match self.order {
            Order::Newest => self.range.high,
            Order::Oldest => self.range.low.saturating_sub(1),
        }
    }

    /// The next events, at most `want` and perhaps none before the end: it
    /// takes one look at a bounded number of places.
    pub(super) async fn step<T: Placed>(
        &mut self,
        tx: &mut Tx,
        want: usize,
    ) -> Result<Vec<T>, StoreError> {
        if self.is_done() || want == 0 {
            return Ok(Vec::new());
        }
        let (rows, behind) = match self.lead.take() {
            None => self.all_heights(tx, want).await?,
            Some(lead) => {
                let found = self.listed(tx, &lead, want).await;
                self.lead = Some(lead);
                found?
            }
        };
        if rows.len() < want {
            self.range = behind;
            // Little was found: look further the next time.
            self.piece = self.piece.saturating_mul(4).min(LARGEST_PIECE);
        } else if let Some(last) = rows.last() {
            self.range = self.range.after(T::height(last), self.order);
        }
        Ok(rows)
    }

    /// Rows of a piece of the range, and the range behind the piece.
    async fn all_heights<T: Placed>(
        &mut self,
        tx: &mut Tx,
        want: usize,
    ) -> Result<(Vec<T>, Range), StoreError> {
        let range = self.range;
        let size = if self.conditions.is_empty() {
            want
        } else {
            self.piece
        };
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        let (piece, behind) = match self.order {
            Order::Newest => {
                let middle = range.low.max(range.high.saturating_sub(size));
                (
                    range.with(middle, range.high),
                    range.with(range.low, middle),
                )
            }
            Order::Oldest => {
                let middle = range.high.min(range.low.saturating_add(size));
                (
                    range.with(range.low, middle),
                    range.with(middle, range.high),
                )
            }
        };
        self.examined += usize::try_from(piece.high - piece.low).unwrap_or(0);
        let query = Where::select(T::SELECT).and("tenant_id = ?", args![self.chain]);
        let query = piece.narrow(query, tx.engine());
        let rows = self.fetch(tx, query, want).await?;
        Ok((rows, behind))
    }

    /// Rows at the next heights of the lists, and the range behind them.
    async fn listed<T: Placed>(
        &mut self,
        tx: &mut Tx,
        lead: &Lead,
        want: usize,
    ) -> Result<(Vec<T>, Range), StoreError> {
        let size = if self.conditions.is_empty() {
            want
        } else {
            self.piece
        };
        let size = size.min(LARGEST_LIST);
        let Merged {
            heights,
            seen,
            entries,
        } = merge(tx, &lead.lanes, self.chain, &self.range, self.order, size).await?;
        self.examined += entries;
        let behind = match seen {
            Some(seen) => self.range.after(seen, self.order),
            None => self.range.with(self.range.high, self.range.high),
        };
        let (Some(least), Some(most)) = (heights.iter().min(), heights.iter().max()) else {
            return Ok((Vec::new(), behind));
        };
        let query = Where::select(T::SELECT).and("tenant_id = ?", args![self.chain]);
        // On many partitions the index once more is far less work than each of
        // many heights on its own. SQLite has no statistics to see that by.
        let long = tx.engine() == Engine::Pg && !self.conditions.is_empty();
        let query = if let Some((condition, values)) = lead.column.as_ref().filter(|_| long) {
            self.range
                .with(*least, most.saturating_add(1))
                .narrow(query, tx.engine())
                .and_any(condition, values.clone())
        } else {
            let among = match tx.engine() {
                Engine::Pg => {
                    "height = any (array(select value::bigint \
                     from jsonb_array_elements_text(?::text::jsonb)))"
                }
                Engine::Lite => "height in (select value from json_each(?))",
            };
            query.and(among, args![json!(heights).to_string()])
        };
        let rows = self.fetch(tx, query, want).await?;
        Ok((rows, behind))
    }

    async fn fetch<T: Placed>(
        &self,
        tx: &mut Tx,
        mut query: Where,
        want: usize,
    ) -> Result<Vec<T>, StoreError> {
        for (condition, values) in &self.conditions {
            query = query.and_any(condition, values.clone());
        }
        let most = i64::try_from(want).unwrap_or(i64::MAX);
        tx.select(&ordered(query, self.order).limit(most)).await
    }
}
