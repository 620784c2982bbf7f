//! Taking the trail out of the service.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use vv_audit::export::ExportFormat;
use vv_audit::{EventFilter, ExportRequest};
use vv_base::{Timestamp, UserId};

use super::model::SeverityName;
use crate::extract::require::AuditExport;
use crate::extract::{Query, Require};
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;
use crate::streams::{Watch, watched};

/// The form of an export.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FormatName {
    /// A JSON object per line with the leaf itself; loses nothing and can be verified.
    #[default]
    Jsonl,
    /// For spreadsheets (RFC 4180).
    Csv,
    /// Common Event Format.
    Cef,
    /// Open Cybersecurity Schema Framework, a JSON object per line.
    Ocsf,
}

impl From<FormatName> for ExportFormat {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Jsonl => Self::Jsonl,
            FormatName::Csv => Self::Csv,
            FormatName::Cef => Self::Cef,
            FormatName::Ocsf => Self::Ocsf,
        }
    }
}

/// What to export. Without any condition but times and heights, whoever gets
/// the export can follow the chain through it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// `jsonl` if left out.
    #[serde(default)]
    #[param(inline)]
    format: FormatName,
    /// This type, or a whole category as `authentication.*`.
    #[serde(rename = "type")]
    #[param(max_length = 128)]
    kind: Option<String>,
    /// This severity.
    #[param(inline)]
    severity: Option<SeverityName>,
    /// Who acted.
    #[param(value_type = Option<String>, format = Uuid)]
    actor: Option<UserId>,
    /// The id of what it was done to, without its kind.
    #[param(max_length = 128)]
    target: Option<String>,
    /// From this moment on (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Before this moment (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// From this height on.
    #[param(minimum = 1)]
    from_height: Option<u64>,
    /// Up to this height and with it.
    #[param(minimum = 1)]
    to_height: Option<u64>,
    /// With personal fields in clear; otherwise they stay sealed.
    #[serde(default)]
    opened: bool,
}

impl ExportQuery {
    fn request(self) -> ExportRequest {
        ExportRequest {
            filter: EventFilter {
                kind: self.kind,
                severity: self.severity.map(Into::into),
                actor: self.actor,
                target: self.target,
                from: self.from,
                to: self.to,
                from_height: self.from_height,
                to_height: self.to_height,
                ..EventFilter::default()
            },
            format: self.format.into(),
            opened: self.opened,
        }
    }
}

/// Export audit events
///
/// Oldest first, of any length. The export is recorded before its first byte.
/// An answer that breaks off, rather than ends, is not whole.
#[utoipa::path(
    get, path = "/api/v1/audit/export", operation_id = "export_audit_events", tag = "Audit", params(ExportQuery),
    extensions(("x-permission" = json!("audit:export"))),
    responses(
        (status = 200, description = "The events", content(
            (String = "application/x-ndjson"), (String = "text/csv"), (String = "text/plain"))),
        (status = 400, description = "`request.invalid_query`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`request.too_many_streams`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`audit.head_tampered` or `service.unavailable`: without a record there is no export", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn export(
    State(state): State<AppState>,
    caller: Require<AuditExport>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let watch = Watch::finite(&state, &caller)?;
    let request = query.request();
    let format = request.format;
    let audit = state.auth().audit();
    let pieces = audit.export(&caller.ctx, &request).await?;
    let named = caller.ctx.now().format_utc("%Y%m%dT%H%M%SZ");
    let name = format!("audit-{named}.{}", format.extension());
    let headers = [
        (CONTENT_TYPE, format.media_type().to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    // An error ends the connection without the mark of the end.
    let body = watched(pieces, watch).map(|piece| match piece {
        Ok(Ok(bytes)) => Ok(Bytes::from(bytes)),
        Ok(Err(error)) => Err(broken_off(error)),
        Err(lapse) => Err(broken_off(lapse)),
    });
    Ok((headers, Body::from_stream(body)).into_response())
}

fn broken_off(cause: impl std::error::Error + Send + Sync + 'static) -> axum::BoxError {
    tracing::error!(%cause, "an audit export is broken off");
    cause.into()
}
