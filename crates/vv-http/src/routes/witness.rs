//! The witness for logs of other installations (C2SP tlog-witness). Answers
//! are those of the specification, not problem documents.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use vv_base::{ErrorCode, Span};
use vv_shared::{Subject, Window};

use crate::extract::Anonymous;
use crate::problem::Problem;
use crate::state::AppState;

/// Requests of one network within the window.
const PER_SOURCE: u32 = 120;
const WINDOW: Span = Span::minutes(1);

/// Cosign a checkpoint
///
/// For logs that this witness was told about. The body is `old <size>`, a
/// consistency proof and the log's checkpoint, as C2SP tlog-witness describes;
/// the answers are those of the specification in plain text: 400 malformed,
/// 403 not signed by the log, 404 unknown log, 409 another size is the latest
/// (`text/x.tlog.size`), 422 the proof does not verify.
#[utoipa::path(
    post, path = "/witness/add-checkpoint", operation_id = "add_checkpoint", tag = "Witness",
    request_body(content = String, content_type = "text/plain"),
    security(()), extensions(("x-access" = json!("public"))),
    responses(
        (status = 200, description = "The cosignature lines", body = String, content_type = "text/plain"),
        (status = 400, description = "The request is malformed", body = String, content_type = "text/plain"),
        (status = 403, description = "The checkpoint is not signed by the log", body = String, content_type = "text/plain"),
        (status = 404, description = "The log is not known here, or this is no witness", body = String, content_type = "text/plain"),
        (status = 409, description = "The latest cosigned size", body = String, content_type = "text/x.tlog.size"),
        (status = 422, description = "The consistency proof does not verify", body = String, content_type = "text/plain"),
    )
)]
pub async fn add_checkpoint(
    State(state): State<AppState>,
    Anonymous(ctx): Anonymous,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Response, Problem> {
    let missing = || Problem::from_code(ErrorCode::new("request.not_found"));
    let witness = state.witness().ok_or_else(missing)?;
    let network = ctx.source.ip.map(|ip| state.auth().source_index(ip));
    let subject = network.map_or(Subject::GLOBAL, Subject::from);
    let window = Window::new("witness-source", subject, PER_SOURCE, WINDOW);
    let hit = state.auth().shared().hit(&window, 1).await;
    if !hit.allowed {
        let code = ErrorCode::new("request.rate_limited");
        return Err(Problem::from_code(code).with_retry_after(hit.retry_after));
    }
    let body = body.map_err(|_| Problem::from_code(ErrorCode::new("request.body_too_large")))?;
    Ok(match witness.add_checkpoint(&body).await {
        Ok(lines) => ([(CONTENT_TYPE, "text/plain; charset=utf-8")], lines).into_response(),
        Err(refusal) => {
            let status =
                StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            if status.is_server_error() {
                tracing::error!(%refusal, "the witness cannot answer");
            }
            (
                status,
                [(CONTENT_TYPE, refusal.content_type())],
                refusal.body(),
            )
                .into_response()
        }
    })
}
