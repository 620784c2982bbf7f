use std::collections::HashMap;

use vv_base::{TenantId, Timestamp};

use super::json::{JsonRows, push_hex};
use super::prepared::Prepared;

/// Microseconds of an hour, the grain of the counts.
pub(crate) const HOUR: i64 = 3_600_000_000;

/// How many events of each sort a batch has, for the roll-ups.
#[derive(Default)]
pub(super) struct Tally {
    counts: HashMap<String, Count>,
    /// Where keys are put together, so that only new ones cost memory.
    key: String,
}

struct Count {
    chain: TenantId,
    hour: i64,
    kind: String,
    severity: String,
    outcome: String,
    events: i64,
}

impl Tally {
    pub(super) fn add(&mut self, event: &Prepared, at: Timestamp) {
        let hour = at.unix_micros().div_euclid(HOUR);
        let columns = &event.columns;
        self.key.clear();
        push_hex(&mut self.key, event.chain.as_bytes());
        push_hex(&mut self.key, &hour.to_be_bytes());
        for text in [&columns.kind, &columns.severity, &columns.outcome] {
            self.key.push_str(text);
            self.key.push('\0');
        }
        if let Some(count) = self.counts.get_mut(&self.key) {
            count.events += 1;
            return;
        }
        let count = Count {
            chain: event.chain,
            hour,
            kind: columns.kind.clone(),
            severity: columns.severity.clone(),
            outcome: columns.outcome.clone(),
            events: 1,
        };
        self.counts.insert(self.key.clone(), count);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// As the statement wants them, in an order that every process keeps.
    pub(super) fn json(&self) -> String {
        let mut counts: Vec<_> = self.counts.iter().collect();
        counts.sort_unstable_by_key(|(key, _)| key.as_str());
        let mut rows = JsonRows::default();
        for (_, count) in &counts {
            rows.row(|to| {
                to.hex("chain", count.chain.as_bytes());
                to.int("hour", count.hour);
                to.text("kind", &count.kind);
                to.text("severity", &count.severity);
                to.text("outcome", &count.outcome);
                to.int("events", count.events);
            });
        }
        rows.end()
    }
}
