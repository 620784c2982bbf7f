use std::collections::HashMap;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use vv_audit::{EventFilter, EventView};
use vv_base::{Cursor, PageRequest, UserId};
use vv_http::extract::require::{AuditRead, AuditVerify};
use vv_http::extract::{Form, Query};
use vv_http::{AppState, Problem};

use super::page;
use super::staff::Staff;
use crate::state::ConsoleState;
use crate::view::{AuditPage, Badge, ChainState, EventRow, Pager, Verification, href};

#[derive(Deserialize)]
pub(crate) struct Listing {
    limit: Option<u16>,
    cursor: Option<String>,
    checked: Option<u8>,
}

#[derive(Deserialize)]
pub(crate) struct Check {
    csrf: String,
}

/// GET /audit
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    staff: Staff<AuditRead>,
    Query(listing): Query<Listing>,
) -> Result<Response, Problem> {
    let cursor = listing.cursor.as_deref().map(Cursor::parse).transpose()?;
    let request = PageRequest::new(listing.limit, cursor);
    let checked = listing.checked.is_some();
    render(state.app(), &staff, &request, checked).await
}

/// POST /audit/verify: checks, then leads back to the list, which shows the result.
pub(crate) async fn verify(
    State(state): State<ConsoleState>,
    staff: Staff<AuditVerify>,
    Form(check): Form<Check>,
) -> Result<Response, Problem> {
    staff.browser.check(&check.csrf)?;
    // A check that is running already will store its result as well.
    state.app().auth().verify_chain(&staff.ctx).await?;
    Ok(Redirect::to(&format!("{}?checked=1", href::AUDIT)).into_response())
}

async fn render<R>(
    app: &AppState,
    staff: &Staff<R>,
    request: &PageRequest,
    checked: bool,
) -> Result<Response, Problem> {
    let auth = app.auth();
    let found = auth
        .audit()
        .list_for_reader(&staff.ctx, auth.store(), &EventFilter::default(), request)
        .await?;
    let names = names(app, staff, &found.items).await?;
    let chain = chain_state(app, staff).await?;
    let view = AuditPage {
        shell: staff.shell(app, href::AUDIT).await?,
        verification: chain.verification.clone().filter(|_| checked),
        chain,
        rows: found
            .items
            .into_iter()
            .map(|event| row(event, &names))
            .collect(),
        pager: Pager {
            path: href::AUDIT,
            filters: Vec::new(),
            limit: request.limit,
            first: request.after.is_none(),
            next_cursor: found.next_cursor.map(|cursor| cursor.to_string()),
        },
    };
    Ok(staff.browser.answer(page(&view)?))
}

/// Height, head and last check of the tenant's chain.
pub(crate) async fn chain_state<R>(
    app: &AppState,
    staff: &Staff<R>,
) -> Result<ChainState, Problem> {
    let auth = app.auth();
    let head = auth.audit().head(&staff.ctx, auth.store()).await?;
    let last = auth
        .audit()
        .last_verification(&staff.ctx, auth.store())
        .await?;
    Ok(ChainState {
        height: head
            .as_ref()
            .and_then(|head| u64::try_from(head.height).ok())
            .unwrap_or(0),
        head_hash: head
            .as_ref()
            .filter(|head| head.height > 0)
            .map(vv_audit::ChainHead::hash_hex),
        head_at: head
            .as_ref()
            .filter(|head| head.height > 0)
            .map(|head| head.at),
        verification: last.map(|last| Verification {
            verified: last.verified,
            checked: u64::try_from(last.height).unwrap_or(0),
            first_bad_height: last
                .first_bad_height
                .and_then(|height| u64::try_from(height).ok()),
            at: last.verified_at,
        }),
    })
}

/// Display names of the people who acted.
pub(crate) async fn names<R>(
    app: &AppState,
    staff: &Staff<R>,
    events: &[EventView],
) -> Result<HashMap<UserId, String>, Problem> {
    let mut users: Vec<UserId> = events.iter().filter_map(|event| event.actor).collect();
    users.sort_unstable();
    users.dedup();
    let names = app
        .auth()
        .user_names(&staff.ctx, staff.principal.tenant, &users)
        .await?;
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

fn row(event: EventView, names: &HashMap<UserId, String>) -> EventRow {
    EventRow {
        actor: actor(&event, names),
        height: u64::try_from(event.height).unwrap_or(0),
        at: event.time,
        kind: event.kind,
        severity: Badge::severity(&event.severity),
        outcome: Badge::outcome(&event.outcome),
        target: event.target_kind.zip(event.target).map(|(kind, id)| {
            let short: String = id.chars().take(8).collect();
            format!("{kind} {short}…")
        }),
        hash: event.leaf_hash,
    }
}
