//! Roll-ups against the events that were counted on the way.

use std::collections::HashMap;

use vv_base::TenantId;
use vv_store::{Sql, StoreError, Tx, args};

use super::found::{Question, Report};

pub(super) static ROLLUP_TOTALS: Sql = Sql::same(
    "audit.rollup_totals",
    "select kind, cast(sum(events) as bigint) as events from audit_rollups \
     where tenant_id = $1 and hour >= $2 group by kind order by kind limit 10000",
);

/// What the roll-ups say, by kind, from an hour on.
pub(super) async fn totals(
    tx: &mut Tx,
    chain: TenantId,
    from_hour: i64,
) -> Result<HashMap<String, i64>, StoreError> {
    let rows: Vec<(String, i64)> = tx.all(&ROLLUP_TOTALS, args![chain, from_hour]).await?;
    Ok(rows.into_iter().collect())
}

/// One finding per kind whose count differs.
pub(super) fn compare(
    report: &mut Report,
    totals: &HashMap<String, i64>,
    counted: &HashMap<String, i64>,
) {
    let mut kinds: Vec<&String> = totals.keys().chain(counted.keys()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let told = totals.get(kind).copied().unwrap_or(0);
        let seen = counted.get(kind).copied().unwrap_or(0);
        if told != seen {
            let detail = format!("the roll-ups count {told} of a kind of which there are {seen}");
            report.add(Question::Projection, "rollup", &detail);
        }
    }
}
