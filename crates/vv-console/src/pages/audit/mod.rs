//! The audit trail: reading, checking, following, taking out.

pub(crate) mod check;
pub(crate) mod event;
pub(crate) mod export;
mod filter;
pub(crate) mod list;
pub(crate) mod tail;

use std::collections::HashMap;

use vv_audit::{EventType, EventView, LastVerification, Question, Verdict, Verdicts};
use vv_base::{Ctx, TenantId, UserId};
use vv_http::{AppState, Problem};

use crate::view::{Answer, Answers, Badge, ChainState, EventRow, FindingRow, Verification};

/// Height, head and last check of the chain of a context.
pub(crate) async fn chain_state(app: &AppState, ctx: &Ctx) -> Result<ChainState, Problem> {
    let audit = app.auth().audit();
    let head = audit.head(ctx).await?.filter(|head| head.height > 0);
    let last = audit.last_verification(ctx).await?;
    Ok(ChainState {
        height: head
            .as_ref()
            .and_then(|head| u64::try_from(head.height).ok())
            .unwrap_or(0),
        head_hash: head.as_ref().map(vv_audit::ChainHead::hash_hex),
        head_at: head.as_ref().map(|head| head.at),
        verification: last.as_ref().map(verification),
    })
}

fn verification(last: &LastVerification) -> Verification {
    let report = last.report();
    let row = |finding: &vv_audit::Finding| FindingRow {
        verdict: word(finding.verdict).to_owned(),
        height: finding.height,
        code: finding.code.clone(),
        detail: finding.detail.clone(),
    };
    Verification {
        verified: last.verified,
        checked: u64::try_from(last.height).unwrap_or(0),
        first_bad_height: last
            .first_bad_height
            .and_then(|height| u64::try_from(height).ok()),
        at: last.verified_at,
        answers: report.as_ref().map(|report| answers(report.verdicts)),
        findings: report.map_or_else(Vec::new, |report| report.findings.iter().map(row).collect()),
    }
}

fn answers(verdicts: Verdicts) -> Answers {
    Answers {
        integrity: answer(verdicts.integrity),
        completeness: answer(verdicts.completeness),
        projection: answer(verdicts.projection),
        anchor: answer(verdicts.anchor),
        erasure: answer(verdicts.erasure),
    }
}

const fn answer(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Ok => Answer::Ok,
        Verdict::Failed => Answer::Failed,
        Verdict::Stale => Answer::Stale,
        Verdict::NotConfigured => Answer::NotConfigured,
    }
}

const fn word(question: Question) -> &'static str {
    match question {
        Question::Integrity => "Integrity",
        Question::Completeness => "Completeness",
        Question::Projection => "Projection",
        Question::Anchor => "Anchor",
        Question::Erasure => "Erasure",
    }
}

/// Display names of the people who acted.
pub(crate) async fn names(
    app: &AppState,
    ctx: &Ctx,
    tenant: TenantId,
    events: impl IntoIterator<Item = &EventView>,
) -> Result<HashMap<UserId, String>, Problem> {
    let actors = events.into_iter().filter_map(|event| event.actor);
    let mut users: Vec<UserId> = actors.collect();
    users.sort_unstable();
    users.dedup();
    let names = app.auth().user_names(ctx, tenant, &users).await?;
    Ok(names.into_iter().collect())
}

/// Who acted, as people know them.
pub(crate) fn actor(event: &EventView, names: &HashMap<UserId, String>) -> String {
    match event.actor {
        Some(user) => names
            .get(&user)
            .cloned()
            .unwrap_or_else(|| format!("user {user}")),
        None => match event.actor_kind.as_str() {
            "anonymous" => "Somebody".to_owned(),
            "operator" => "The operator".to_owned(),
            "system" => "The system".to_owned(),
            other => other.to_owned(),
        },
    }
}

/// What happened, to be read after the name of whoever did it.
pub(crate) fn phrase(event: &EventView) -> String {
    match EventType::by_name(&event.kind) {
        // An application's own words tell more than the name of its type.
        Some(EventType::Application(kind)) => {
            format!("recorded {}", kind.action().replace('_', " "))
        }
        Some(kind) => kind.phrase().into_owned(),
        None => event.kind.clone(),
    }
}

fn row(event: &EventView, names: &HashMap<UserId, String>) -> EventRow {
    let target = event.target_kind.as_ref().zip(event.target.as_ref());
    EventRow {
        id: event.event_id.to_string(),
        height: u64::try_from(event.height).unwrap_or(0),
        at: event.time,
        who: actor(event, names),
        what: phrase(event),
        kind: event.kind.clone(),
        severity: Badge::severity(&event.severity),
        outcome: Badge::outcome(&event.outcome),
        target: target.map(|(kind, id)| format!("{} {}", kind.replace('_', " "), shortened(id))),
    }
}

/// Enough of an id to recognise it; other short texts stay whole.
fn shortened(id: &str) -> String {
    const WHOLE: usize = 24;
    if id.chars().count() <= WHOLE {
        return id.to_owned();
    }
    // The front of an id is its time: those of one moment differ at the end.
    let tail: Vec<char> = id.chars().rev().take(8).collect();
    let tail: String = tail.into_iter().rev().collect();
    format!("…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_cut_where_they_do_not_differ() {
        assert_eq!(shortened("INV-2026-0815"), "INV-2026-0815");
        assert_eq!(
            shortened("019aac30-5f2e-7b41-8a52-6d1f7e0c9b3a"),
            "…7e0c9b3a"
        );
        assert_eq!(shortened(&"é".repeat(25)), format!("…{}", "é".repeat(8)));
    }
}
