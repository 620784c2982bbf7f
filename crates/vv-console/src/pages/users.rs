use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use vv_auth::{EmailAddress, UserSummary};
use vv_base::{Cursor, Page, PageRequest};
use vv_http::Problem;
use vv_http::extract::Query;
use vv_http::extract::require::UserRead;

use super::page;
use super::staff::Staff;
use crate::state::ConsoleState;
use crate::view::{Badge, Pager, UserRow, UsersPage, href};

#[derive(Deserialize)]
pub(crate) struct Listing {
    limit: Option<u16>,
    cursor: Option<String>,
    email: Option<String>,
}

/// GET /users
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    staff: Staff<UserRead>,
    Query(listing): Query<Listing>,
) -> Result<Response, Problem> {
    let auth = state.app().auth();
    let tenant = staff.principal.tenant;
    let cursor = listing.cursor.as_deref().map(Cursor::parse).transpose()?;
    let first = cursor.is_none();
    let request = PageRequest::new(listing.limit, cursor);
    let search = listing.email.unwrap_or_default();
    let email: Option<Result<EmailAddress, _>> =
        (!search.trim().is_empty()).then(|| search.parse());
    let (found, search_error) = match email {
        None => (
            auth.list_users(&staff.ctx, tenant, None, &request).await?,
            None,
        ),
        Some(Ok(email)) => {
            let found = auth
                .list_users(&staff.ctx, tenant, Some(&email), &request)
                .await?;
            (found, None)
        }
        Some(Err(_)) => {
            let nobody = Page {
                items: Vec::new(),
                next_cursor: None,
            };
            let message = "This is not an e-mail address. Search takes the whole address.";
            (nobody, Some(message.to_owned()))
        }
    };
    let (total, _) = auth.count_users(&staff.ctx, tenant).await?;
    let filters = if search.is_empty() {
        Vec::new()
    } else {
        vec![("email", search.clone())]
    };
    let view = UsersPage {
        shell: staff.shell(state.app(), href::USERS).await?,
        rows: found.items.into_iter().map(row).collect(),
        total: u64::try_from(total).ok(),
        search,
        search_error,
        pager: Pager {
            path: href::USERS,
            filters,
            limit: request.limit,
            first,
            next_cursor: found.next_cursor.map(|cursor| cursor.to_string()),
        },
    };
    Ok(staff.browser.answer(page(&view)?))
}

fn row(user: UserSummary) -> UserRow {
    UserRow {
        id: user.user_id.to_string(),
        name: user.name,
        email: user.email,
        roles: user.roles,
        status: Badge::status(&user.status),
        last_sign_in: user.last_sign_in_at,
    }
}
