use axum::Router;
use axum::routing::{get, post};

use crate::pages::{audit, files, login, overview, setup, theme, users};
use crate::state::ConsoleState;
use crate::view::href;

/// Every page on one page.
pub fn router(state: ConsoleState) -> Router {
    Router::new()
        // letting somebody in
        .route(href::SETUP, get(setup::show).post(setup::submit))
        .route(href::LOGIN, get(login::show).post(login::submit))
        .route(href::LOGOUT, post(login::sign_out))
        // for staff
        .route(href::OVERVIEW, get(overview::show))
        .route(href::USERS, get(users::show))
        .route(href::AUDIT, get(audit::list::show))
        .route("/audit/events/{id}", get(audit::event::show))
        .route("/audit/events/{id}/leaf", get(audit::event::leaf))
        .route("/audit/heights/{height}", get(audit::event::at))
        .route(
            href::AUDIT_VERIFY,
            get(audit::check::show).post(audit::check::verify),
        )
        .route(
            href::AUDIT_EXPORT,
            get(audit::export::show).post(audit::export::submit),
        )
        .route(href::AUDIT_TAIL, get(audit::tail::follow))
        // for every page
        .route(href::THEME, post(theme::choose))
        .route("/assets/{file}", get(files::serve))
        .route("/favicon.ico", get(files::favicon))
        .with_state(state)
}
