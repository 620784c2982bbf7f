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
        .route(href::AUDIT, get(audit::show))
        .route(href::AUDIT_VERIFY, post(audit::verify))
        // for every page
        .route(href::THEME, post(theme::choose))
        .route("/assets/{file}", get(files::serve))
        .route("/favicon.ico", get(files::favicon))
        .with_state(state)
}
