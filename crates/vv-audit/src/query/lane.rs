//! Lists of heights that the indexes keep in order.

use vv_base::{TenantId, Timestamp, UserId};
use vv_store::{Engine, StoreError, Tx, Where, args};

use super::filter::Order;
use super::words::Words;

/// Heights `low..high`, and the times between which they must lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) low: i64,
    pub(super) high: i64,
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
}

impl Range {
    pub(super) const fn is_empty(&self) -> bool {
        self.low >= self.high
    }

    /// The same times, other heights.
    pub(super) const fn with(self, low: i64, high: i64) -> Self {
        Self { low, high, ..self }
    }

    /// What is left after everything up to `height` was seen.
    pub(super) fn after(self, height: i64, order: Order) -> Self {
        match order {
            Order::Newest => self.with(self.low, self.high.min(height)),
            Order::Oldest => self.with(self.low.max(height.saturating_add(1)), self.high),
        }
    }

    /// Adds the range to a query on `audit_events`.
    pub(super) fn narrow(&self, query: Where, engine: Engine) -> Where {
        let query = query.and("height >= ? and height < ?", args![self.low, self.high]);
        if engine == Engine::Lite {
            // The heights say it all, and an index with heights alone is enough.
            return query;
        }
        // Lets the planner leave out the partitions of other months.
        query
            .and_if("seq_ts >= ?", self.from)
            .and_if("seq_ts < ?", self.to)
    }
}

/// One list of heights.
#[derive(Debug, Clone)]
pub(super) enum Lane {
    Kind(String),
    Severity(&'static str),
    Outcome(&'static str),
    Actor(UserId),
    Target(String),
    Field([u8; 16]),
    Words(Words),
    /// A list without entries.
    Nothing,
}

impl Lane {
    /// Whether the list is of a column of the events.
    pub(super) const fn is_column(&self) -> bool {
        !matches!(self, Self::Field(_) | Self::Words(_))
    }

    /// The first heights of the list within the range, at most `limit`.
    pub(super) async fn heights(
        &self,
        tx: &mut Tx,
        chain: TenantId,
        range: &Range,
        order: Order,
        limit: usize,
    ) -> Result<Vec<i64>, StoreError> {
        if matches!(self, Self::Nothing) {
            return Ok(Vec::new());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let query = self.query(tx.engine(), chain, range, order, limit);
        let rows: Vec<(i64,)> = tx.select(&query).await?;
        Ok(rows.into_iter().map(|(height,)| height).collect())
    }

    pub(super) fn query(
        &self,
        engine: Engine,
        chain: TenantId,
        range: &Range,
        order: Order,
        limit: i64,
    ) -> Where {
        let query = match self {
            Self::Words(words) => return find_words(words, engine, chain, range, order, limit),
            Self::Field(index) => Where::select("select height from audit_blind")
                .and("tenant_id = ? and field_index = ?", args![chain, index])
                .and("height >= ? and height < ?", args![range.low, range.high]),
            _ => range.narrow(self.column(chain), engine),
        };
        ordered(query, order).limit(limit)
    }

    /// The conditions repeat those of the partial indexes word by word,
    /// because `SQLite` proves nothing.
    fn column(&self, chain: TenantId) -> Where {
        let query = Where::select("select height from audit_events");
        match self {
            Self::Kind(kind) => query.and("tenant_id = ? and kind = ?", args![chain, kind]),
            Self::Severity(severity) => query.and(
                "tenant_id = ? and severity = ? and severity <> 'info'",
                args![chain, *severity],
            ),
            Self::Outcome(outcome) => query.and(
                "tenant_id = ? and outcome = ? and outcome <> 'success'",
                args![chain, *outcome],
            ),
            Self::Actor(actor) => query.and(
                "tenant_id = ? and actor_ref = ? and actor_ref is not null",
                args![chain, *actor],
            ),
            Self::Target(target) => query.and(
                "tenant_id = ? and target_ref = ? and target_ref is not null",
                args![chain, target],
            ),
            // Not columns of events; `query` has them.
            Self::Field(_) | Self::Words(_) | Self::Nothing => query.and("1 = 0", args![]),
        }
    }
}

fn find_words(
    words: &Words,
    engine: Engine,
    chain: TenantId,
    range: &Range,
    order: Order,
    limit: i64,
) -> Where {
    if engine == Engine::Pg {
        let oldest = order == Order::Oldest;
        let query = words.to_tsquery(chain);
        return Where::select_with(
            "select height from audit.find_words(?, ?, ?, ?, ?, ?) as height",
            args![chain, query, range.low, range.high, oldest, limit],
        );
    }
    // The row ids of the index are global numbers, which grow with the heights
    // of each chain.
    let query = Where::select(
        "select e.height as height from audit_text t cross join audit_events e \
         on e.gseq = t.rowid",
    )
    .and("t.audit_text match ?", args![words.to_fts5(chain)])
    .and(
        "t.rowid >= (select gseq from audit_events where tenant_id = ? and height >= ? \
         order by height limit 1)",
        args![chain, range.low],
    )
    .and(
        "t.rowid <= (select gseq from audit_events where tenant_id = ? and height < ? \
         order by height desc limit 1)",
        args![chain, range.high],
    )
    .and("e.tenant_id = ?", args![chain]);
    let query = match order {
        Order::Newest => query.order("t.rowid desc"),
        Order::Oldest => query.order("t.rowid"),
    };
    query.limit(limit)
}

pub(super) fn ordered(query: Where, order: Order) -> Where {
    match order {
        Order::Newest => query.order("height desc"),
        Order::Oldest => query.order("height"),
    }
}

/// The first heights of several lists together.
pub(super) struct Merged {
    /// In order, each once.
    pub(super) heights: Vec<i64>,
    /// How far the lists were read; nothing when they were read to their ends.
    pub(super) seen: Option<i64>,
    /// How many entries were read.
    pub(super) entries: usize,
}

/// Reads up to `limit` entries of each list. What lies behind the point up to
/// which all of them are known is left for the next time.
pub(super) async fn merge(
    tx: &mut Tx,
    lanes: &[Lane],
    chain: TenantId,
    range: &Range,
    order: Order,
    limit: usize,
) -> Result<Merged, StoreError> {
    let newest = order == Order::Newest;
    let mut heights = Vec::new();
    let mut seen: Option<i64> = None;
    for lane in lanes {
        let found = lane.heights(tx, chain, range, order, limit).await?;
        if found.len() >= limit
            && let Some(last) = found.last()
        {
            let nearer = |known: i64| {
                if newest {
                    known.max(*last)
                } else {
                    known.min(*last)
                }
            };
            seen = Some(seen.map_or(*last, nearer));
        }
        heights.extend(found);
    }
    let entries = heights.len();
    heights.sort_unstable();
    heights.dedup();
    if newest {
        heights.reverse();
    }
    if let Some(seen) = seen {
        heights.retain(|height| {
            if newest {
                *height >= seen
            } else {
                *height <= seen
            }
        });
    }
    Ok(Merged {
        heights,
        seen,
        entries,
    })
}
