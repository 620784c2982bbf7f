use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use vv_audit::EventView;
use vv_auth::Permission;
use vv_base::{Cursor, Page, PageRequest};
use vv_http::Problem;
use vv_http::extract::Query;
use vv_http::extract::require::AuditRead;

use super::check::chain_strip;
use super::filter::{Fields, form, wanted};
use super::{chain_state, names, row};
use crate::pages::page;
use crate::pages::staff::Staff;
use crate::state::ConsoleState;
use crate::view::{AuditFilter, AuditPage, EventRow, FilterForm, Pager, href};

#[derive(Deserialize)]
pub(crate) struct Listing {
    limit: Option<u16>,
    cursor: Option<String>,
    #[serde(flatten)]
    fields: Fields,
}

/// GET /audit
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    staff: Staff<AuditRead>,
    RawQuery(query): RawQuery,
    Query(listing): Query<Listing>,
) -> Result<Response, Problem> {
    let cursor = listing.cursor.as_deref().map(Cursor::parse).transpose()?;
    let request = PageRequest::new(listing.limit, cursor);
    let filter = listing.fields.shown();
    if let Some(way) = tidied(query.as_deref(), &filter, &request) {
        return Ok(Redirect::to(&way).into_response());
    }
    let app = state.app();
    let chain = chain_state(app, &staff.ctx).await?;
    let mut form = form(filter, request.limit);
    let (rows, next_cursor) = rows(&state, &staff, &mut form, &request).await?;
    let first = request.after.is_none();
    let view = AuditPage {
        shell: staff.shell(app, href::AUDIT).await?,
        strip: chain_strip(app, &staff.ctx, &chain).await?.0,
        live: live(first, &form, chain.height, &rows),
        pager: Pager {
            path: href::AUDIT,
            filters: form.filter.pairs(),
            limit: request.limit,
            first,
            next_cursor,
        },
        may_verify: staff.may(Permission::AuditVerify),
        may_export: staff.may(Permission::AuditExport),
        chain,
        form,
        rows,
    };
    Ok(staff.browser.answer(page(&view)?))
}

/// A form sends its empty fields too; the address that people keep is the one
/// without them.
fn tidied(query: Option<&str>, filter: &AuditFilter, request: &PageRequest) -> Option<String> {
    let untidy = query?.split('&').any(|pair| pair.ends_with('='));
    if !untidy || request.after.is_some() {
        return None;
    }
    let pager = Pager {
        path: href::AUDIT,
        filters: filter.pairs(),
        limit: request.limit,
        first: true,
        next_cursor: None,
    };
    Some(pager.first_href())
}

async fn rows(
    state: &ConsoleState,
    staff: &Staff<AuditRead>,
    form: &mut FilterForm,
    request: &PageRequest,
) -> Result<(Vec<EventRow>, Option<String>), Problem> {
    let app = state.app();
    let filter = match wanted(app, &staff.ctx, &staff.principal, &form.filter).await? {
        Ok(filter) => filter,
        Err(error) => {
            form.error = Some(error);
            return Ok((Vec::new(), None));
        }
    };
    let audit = app.auth().audit();
    let found: Page<EventView> = audit.list_for_reader(&staff.ctx, &filter, request).await?;
    let tenant = staff.principal.tenant;
    let names = names(app, &staff.ctx, tenant, &found.items).await?;
    if let Some(actor) = filter.actor {
        let known = app.auth().user_names(&staff.ctx, tenant, &[actor]).await?;
        form.actor_name = known.into_iter().next().map(|(_, name)| name);
    }
    let rows = found.items.iter().map(|event| row(event, &names)).collect();
    Ok((rows, found.next_cursor.map(|cursor| cursor.to_string())))
}

/// New rows make sense on top of the newest ones only.
fn live(first: bool, form: &FilterForm, height: u64, rows: &[EventRow]) -> Option<String> {
    if !first || form.error.is_some() || !form.filter.to.is_empty() {
        return None;
    }
    // Rows may be newer than the head that was read before them; what fits the
    // filter below the newest row is shown already.
    let newest = rows.first().map_or(0, |row| row.height);
    let after = height.max(newest);
    let address = form.filter.href(href::AUDIT_TAIL);
    let mark = if address.contains('?') { '&' } else { '?' };
    Some(format!("{address}{mark}after={after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_empty_parameters_once() {
        let filter = AuditFilter {
            q: "a b".into(),
            ..AuditFilter::default()
        };
        let request = PageRequest::new(Some(25), None);
        let way = tidied(Some("limit=25&q=a+b&type=&from="), &filter, &request);
        assert_eq!(way.as_deref(), Some("/audit?limit=25&q=a%20b"));
        assert_eq!(tidied(Some("limit=25&q=a%20b"), &filter, &request), None);
        assert_eq!(tidied(None, &filter, &request), None);
    }
}
