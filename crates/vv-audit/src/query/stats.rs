//! Numbers from the counts that are kept per hour.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use vv_base::{Ctx, Span, Timestamp, UserId};
use vv_store::{args, row};

use super::plan::place_of;
use super::sql;
use crate::audit::{Audit, chain_of};
use crate::catalogue::Kind;
use crate::error::AuditError;

/// Most days of statistics.
const MAX_DAYS: u32 = 400;
/// Newest events among which the most active people are looked for.
const ACTORS_AMONG: i64 = 20_000;
/// People in the list of the most active ones.
const ACTORS: i64 = 10;

row! {
    /// How many events of a kind fell into an hour.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct HourCount {
        /// Hours since 1970, UTC.
        pub hour: i64,
        /// `category.action`.
        pub kind: String,
        /// How many.
        pub events: i64,
    }
}

row! {
    struct DayCount {
        day: i64,
        kind: String,
        severity: String,
        outcome: String,
        events: i64,
    }
}

row! {
    /// How many events a person caused.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
    pub struct ActorCount {
        /// Who.
        pub actor: UserId,
        /// How many.
        pub events: i64,
    }
}

/// How many events there were, by what they are. Each list is sorted by name
/// or time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditStats {
    /// Since when, the start of a UTC day.
    pub since: Timestamp,
    /// All of them.
    pub total: i64,
    /// By kind.
    pub kinds: BTreeMap<String, i64>,
    /// By severity.
    pub severities: BTreeMap<String, i64>,
    /// By outcome.
    pub outcomes: BTreeMap<String, i64>,
    /// By UTC day, the day's start with its number; days without any are left out.
    pub days: Vec<(Timestamp, i64)>,
    /// Who acted most, among the newest events of the time at most.
    pub actors: Vec<ActorCount>,
    /// How many events were looked at for `actors`.
    pub actors_among: i64,
}

impl Audit {
    /// Counts of the context's chain over the last `days` UTC days, today
    /// among them; at most 400. They survive the pruning of the events.
    pub async fn stats(&self, ctx: &Ctx, days: u32) -> Result<AuditStats, AuditError> {
        self.catch_up().await?;
        let chain = chain_of(ctx);
        let days = i64::from(days.clamp(1, MAX_DAYS));
        let today = ctx.now().floor_to(Span::days(1));
        let since = today.minus(Span::days(days - 1));
        let hour = since.unix_seconds() / 3_600;
        self.store()
            .read(ctx, "audit.stats", async |tx| {
                let counts: Vec<DayCount> = tx.all(&sql::DAILY, args![chain, hour]).await?;
                let mut stats = add_up(since, counts);
                let ends: (i64, i64) = tx.one(&sql::ENDS, args![chain]).await?;
                let first = place_of(tx, chain, ends, since).await?;
                let last = ends.1;
                stats.actors_among = (last.saturating_add(1) - first).clamp(0, ACTORS_AMONG);
                stats.actors = tx
                    .all(&sql::TOP_ACTORS, args![chain, first, ACTORS_AMONG, ACTORS])
                    .await?;
                Ok::<_, AuditError>(stats)
            })
            .await
    }

    /// Events of these kinds per hour since the hour of a moment; hours
    /// without any are left out.
    pub async fn hourly(
        &self,
        ctx: &Ctx,
        kinds: &[Kind],
        since: Timestamp,
    ) -> Result<Vec<HourCount>, AuditError> {
        self.catch_up().await?;
        let chain = chain_of(ctx);
        let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        let hour = since.unix_seconds().div_euclid(3_600);
        let counts = self
            .store()
            .read(ctx, "audit.hourly", async |tx| {
                tx.all(&sql::HOURLY, args![chain, hour, json!(names).to_string()])
                    .await
            })
            .await?;
        Ok(counts)
    }
}

fn add_up(since: Timestamp, counts: Vec<DayCount>) -> AuditStats {
    let mut stats = AuditStats {
        since,
        total: 0,
        kinds: BTreeMap::new(),
        severities: BTreeMap::new(),
        outcomes: BTreeMap::new(),
        days: Vec::new(),
        actors: Vec::new(),
        actors_among: 0,
    };
    let mut days = BTreeMap::new();
    for count in counts {
        stats.total += count.events;
        *stats.kinds.entry(count.kind).or_default() += count.events;
        *stats.severities.entry(count.severity).or_default() += count.events;
        *stats.outcomes.entry(count.outcome).or_default() += count.events;
        *days.entry(count.day).or_default() += count.events;
    }
    let start = |day: i64| Timestamp::from_unix_seconds(day.saturating_mul(86_400));
    stats.days = days.into_iter().map(|(day, n)| (start(day), n)).collect();
    stats
}
