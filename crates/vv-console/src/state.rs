use std::sync::Arc;

use axum::extract::FromRef;
use vv_base::Timestamp;
use vv_http::AppState;

/// What the pages share. Cheap to clone.
#[derive(Clone)]
pub struct ConsoleState {
    app: AppState,
    started: Arc<Timestamp>,
}

impl ConsoleState {
    /// The console over the same slices as the REST interface.
    pub fn new(app: AppState) -> Self {
        let started = Arc::new(app.system().now());
        Self { app, started }
    }

    pub(crate) fn app(&self) -> &AppState {
        &self.app
    }

    pub(crate) fn started(&self) -> Timestamp {
        *self.started
    }
}

impl FromRef<ConsoleState> for AppState {
    fn from_ref(state: &ConsoleState) -> Self {
        state.app.clone()
    }
}
