//! Checking the chain, and its numbers.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vv_audit::{AuditStats, CaptureVerdict, Question, Start, Verdict, Verification};
use vv_base::ErrorCode;

use crate::extract::require::{AuditRead, AuditVerify};
use crate::extract::{Query, Require};
use crate::problem::{FieldError, Problem, ProblemDocument};
use crate::state::AppState;

/// The result of a check.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerifyAnswer {
    /// No verdict failed.
    verified: bool,
    /// Events read.
    checked: u64,
    /// The height after which events were read; 0 for all of them.
    after: u64,
    /// The single answers.
    verdicts: VerdictsAnswer,
    /// The first event that is wrong or missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_bad_height: Option<u64>,
    /// The first things that are wrong, at most 20.
    findings: Vec<FindingAnswer>,
    /// Whether events were lost on the way to the chains; of the system chain only.
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<CaptureAnswer>,
}

/// `ok`, `failed`, `stale` or `not_configured` for each question.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerdictsAnswer {
    /// Every leaf has its hash and holds the hash of the leaf before, and the
    /// stored tree is the tree over these hashes.
    #[schema(value_type = String, example = "ok")]
    integrity: Verdict,
    /// Heights run without gaps up to a genuine head.
    #[schema(value_type = String, example = "ok")]
    completeness: Verdict,
    /// Search columns and counts say what the leaves say.
    #[schema(value_type = String, example = "ok")]
    projection: Verdict,
    /// The chain agrees with the log of logs and with copies of its
    /// checkpoints kept elsewhere.
    #[schema(value_type = String, example = "not_configured")]
    anchor: Verdict,
    /// Every sealed field has its subject key, live or recorded as destroyed.
    #[schema(value_type = String, example = "ok")]
    erasure: Verdict,
}

/// Something that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingAnswer {
    /// The verdict that it makes a failure.
    #[schema(value_type = String, example = "integrity")]
    verdict: Question,
    /// The event it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u64>,
    /// What it is, in one word that does not change.
    #[schema(example = "leaf_hash")]
    code: String,
    /// The same for people.
    detail: String,
}

/// What the nodes' counters say.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaptureAnswer {
    /// `ok` or `lost`.
    #[schema(value_type = String, example = "ok")]
    verdict: CaptureVerdict,
    /// Events that were emitted and are in no chain.
    lost: u64,
    /// Nodes that wrote events and did not report their counters since.
    silent_nodes: Vec<String>,
}

impl From<Verification> for VerifyAnswer {
    fn from(found: Verification) -> Self {
        let verdicts = found.verdicts;
        let findings = found.findings.into_iter().map(|finding| FindingAnswer {
            verdict: finding.verdict,
            height: finding.height,
            code: finding.code,
            detail: finding.detail,
        });
        Self {
            verified: found.verified,
            checked: found.checked,
            after: found.after,
            verdicts: VerdictsAnswer {
                integrity: verdicts.integrity,
                completeness: verdicts.completeness,
                projection: verdicts.projection,
                anchor: verdicts.anchor,
                erasure: verdicts.erasure,
            },
            first_bad_height: found.first_bad_height,
            findings: findings.collect(),
            capture: found.capture.map(|capture| CaptureAnswer {
                verdict: capture.verdict,
                lost: capture.lost,
                silent_nodes: capture.silent_nodes,
            }),
        }
    }
}

/// How much is read.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerifyMode {
    /// Everything.
    #[default]
    Full,
    /// What is new since the last check that found nothing wrong.
    Incremental,
}

/// How to check.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerifyQuery {
    /// `full` if left out.
    #[serde(default)]
    #[param(inline)]
    mode: VerifyMode,
}

/// Verify the audit chain
///
/// Reads the tenant's whole chain, or what is new. The check is itself
/// recorded. One that takes longer than a request may runs on; its result is
/// shown in the console and by the next call with `mode=incremental`.
#[utoipa::path(
    get, path = "/api/v1/audit/verify", operation_id = "verify_audit_chain", tag = "Audit", params(VerifyQuery),
    extensions(("x-permission" = json!("audit:verify"))),
    responses(
        (status = 200, description = "The verdicts", body = VerifyAnswer),
        (status = 400, description = "`request.invalid_query`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`audit.verification_running`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn verify(
    State(state): State<AppState>,
    caller: Require<AuditVerify>,
    Query(query): Query<VerifyQuery>,
) -> Result<impl IntoResponse, Problem> {
    let from = match query.mode {
        VerifyMode::Full => Start::Beginning,
        VerifyMode::Incremental => Start::LastVerified,
    };
    let found = state.auth().verify_chain_from(&caller.ctx, from).await?;
    let running = || Problem::from_code(ErrorCode::new("audit.verification_running"));
    let found = found.ok_or_else(running)?;
    Ok(axum::Json(VerifyAnswer::from(found)))
}

/// Events of one day.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayCount {
    /// The start of the day, UTC.
    #[schema(format = DateTime)]
    day: String,
    /// How many.
    events: i64,
}

/// Events of one person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActorEvents {
    /// Who.
    #[schema(format = Uuid)]
    actor_id: String,
    /// How many.
    events: i64,
}

/// How many events there were, by what they are.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatsAnswer {
    /// Since when, the start of a UTC day.
    #[schema(format = DateTime)]
    since: String,
    /// All of them.
    total: i64,
    /// By type.
    by_type: BTreeMap<String, i64>,
    /// By severity.
    by_severity: BTreeMap<String, i64>,
    /// By outcome.
    by_outcome: BTreeMap<String, i64>,
    /// By day, the oldest first; days without any are left out.
    by_day: Vec<DayCount>,
    /// The ten who acted most.
    top_actors: Vec<ActorEvents>,
    /// Among how many of the newest events they were looked for.
    top_actors_among: i64,
}

impl From<AuditStats> for StatsAnswer {
    fn from(stats: AuditStats) -> Self {
        let by_day = stats.days.into_iter().map(|(day, events)| DayCount {
            day: day.to_string(),
            events,
        });
        let top_actors = stats.actors.into_iter().map(|count| ActorEvents {
            actor_id: count.actor.to_string(),
            events: count.events,
        });
        Self {
            since: stats.since.to_string(),
            total: stats.total,
            by_type: stats.kinds,
            by_severity: stats.severities,
            by_outcome: stats.outcomes,
            by_day: by_day.collect(),
            top_actors: top_actors.collect(),
            top_actors_among: stats.actors_among,
        }
    }
}

/// The time to count over.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatsQuery {
    /// UTC days, today among them; 30 if left out.
    #[param(minimum = 1, maximum = 400)]
    days: Option<u32>,
}

/// Audit statistics
///
/// Counts outlive the events when those are pruned.
#[utoipa::path(
    get, path = "/api/v1/audit/stats", operation_id = "get_audit_stats", tag = "Audit", params(StatsQuery),
    extensions(("x-permission" = json!("audit:read"))),
    responses(
        (status = 200, description = "The numbers", body = StatsAnswer),
        (status = 400, description = "`request.invalid_query`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn stats(
    State(state): State<AppState>,
    caller: Require<AuditRead>,
    Query(query): Query<StatsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let days = query.days.unwrap_or(30);
    if !(1..=400).contains(&days) {
        let error = FieldError::new("days", "invalid_value", "must be 1 to 400");
        let code = ErrorCode::new("request.invalid_query");
        return Err(Problem::from_code(code).with_error(error));
    }
    let counts = state.auth().audit().stats(&caller.ctx, days).await?;
    Ok(axum::Json(StatsAnswer::from(counts)))
}
