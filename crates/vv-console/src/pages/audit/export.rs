use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Deserialize;
use vv_audit::export::ExportFormat;
use vv_audit::{EventFilter, ExportRequest};
use vv_base::{ErrorCode, PageRequest};
use vv_http::extract::require::AuditExport;
use vv_http::extract::{Form, Query, Require};
use vv_http::streams::{Watch, watched};
use vv_http::{AppState, Problem};

use super::filter::{Fields, form, wanted};
use crate::pages::page;
use crate::pages::staff::Staff;
use crate::state::ConsoleState;
use crate::view::{ExportPage, FilterForm, FormatChoice, href};

#[derive(Deserialize)]
pub(crate) struct Asked {
    csrf: String,
    format: String,
    opened: Option<String>,
    #[serde(flatten)]
    fields: Fields,
}

#[derive(Deserialize)]
pub(crate) struct Prefilled {
    #[serde(flatten)]
    fields: Fields,
}

/// GET /audit/export
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    staff: Staff<AuditExport>,
    Query(asked): Query<Prefilled>,
) -> Result<Response, Problem> {
    let app = state.app();
    let mut form = form(asked.fields.shown(), PageRequest::DEFAULT_LIMIT);
    let found = match wanted(app, &staff.ctx, &staff.principal, &form.filter).await? {
        Ok(filter) => {
            let count = app.auth().audit().count(&staff.ctx, &filter).await?;
            Some((count.events, count.at_least))
        }
        Err(error) => {
            form.error = Some(error);
            None
        }
    };
    answer(app, &staff, form, found).await
}

/// POST /audit/export: the events, streamed.
pub(crate) async fn submit(
    State(state): State<ConsoleState>,
    caller: Require<AuditExport>,
    staff: Staff<AuditExport>,
    Form(asked): Form<Asked>,
) -> Result<Response, Problem> {
    staff.browser.check(&asked.csrf)?;
    let app = state.app();
    let format = ExportFormat::by_name(&asked.format)
        .ok_or_else(|| Problem::from_code(ErrorCode::new("request.invalid_form")))?;
    let mut form = form(asked.fields.shown(), PageRequest::DEFAULT_LIMIT);
    match wanted(app, &staff.ctx, &staff.principal, &form.filter).await? {
        Ok(filter) => download(app, &caller, filter, format, asked.opened.is_some()).await,
        Err(error) => {
            form.error = Some(error);
            let page = answer(app, &staff, form, None).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

async fn answer(
    app: &AppState,
    staff: &Staff<AuditExport>,
    form: FilterForm,
    found: Option<(u64, bool)>,
) -> Result<Response, Problem> {
    let head = app.auth().audit().head(&staff.ctx).await?;
    let height = head.and_then(|head| u64::try_from(head.height).ok());
    let view = ExportPage {
        shell: staff.shell(app, href::AUDIT).await?,
        form,
        formats: FormatChoice::ALL.into(),
        height: height.unwrap_or(0),
        found,
    };
    Ok(staff.browser.answer(page(&view)?))
}

async fn download(
    app: &AppState,
    caller: &Require<AuditExport>,
    filter: EventFilter,
    format: ExportFormat,
    opened: bool,
) -> Result<Response, Problem> {
    let watch = Watch::finite(app, caller)?;
    let request = ExportRequest {
        filter,
        format,
        opened,
    };
    let pieces = app.auth().audit().export(&caller.ctx, &request).await?;
    let stamp = caller.ctx.now().format_utc("%Y%m%dT%H%M%SZ");
    let name = format!("audit-{stamp}.{}", format.extension());
    let headers = [
        (CONTENT_TYPE, format.media_type().to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    // An error ends the connection without the mark of the end, so that
    // nobody takes a part for the whole.
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
