use axum::Router;
use vv_auth::Auth;
use vv_base::Ctx;
use vv_console::ConsoleState;
use vv_http::{AppState, Edge};
use vv_shared::Shared;
use vv_store::Store;
use vv_store::jobs::Worker;

use crate::builder::Builder;
use crate::jobs;

/// The whole product in one value. Cheap to clone.
#[derive(Clone)]
pub struct SecuritySystem {
    state: AppState,
    console: ConsoleState,
    edge: Edge,
    keys: Store,
}

impl SecuritySystem {
    /// Starts from migrated stores (everything, and the subject keys) and the
    /// shared state.
    pub fn builder(store: Store, keys: Store, shared: Shared) -> Builder {
        Builder::new(store, keys, shared)
    }

    pub(crate) fn new(state: AppState, console: ConsoleState, edge: Edge, keys: Store) -> Self {
        Self {
            state,
            console,
            edge,
            keys,
        }
    }

    /// The state that the extractors [`Caller`](crate::Caller) and
    /// [`Require`](crate::Require) work on. A host with a state of its own
    /// implements `FromRef` for it.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// REST interface, its documentation pages and the console, to be merged
    /// into a host's router.
    pub fn router(&self) -> Router {
        vv_http::router(self.state.clone()).merge(vv_console::router(self.console.clone()))
    }

    /// Puts the edge around a finished router: request ids, client address,
    /// cross-site checks, security headers, limits. Call it last.
    pub fn protect(&self, router: Router) -> Router {
        vv_http::apply(router, self.edge.clone())
    }

    /// The complete service: router and edge.
    pub fn service(&self) -> Router {
        self.protect(self.router())
    }

    /// The witness for other logs alone, with health and metrics, behind the edge.
    pub fn witness_service(&self) -> Router {
        self.protect(vv_http::witness_router(self.state.clone()))
    }

    /// Ends the answers that would go on for as long as somebody listens. Call
    /// it when the service is to stop, or a graceful end waits for them.
    pub fn end_streams(&self) {
        self.state.end_streams();
    }

    /// The worker of the job queue. Run it beside the service.
    pub fn jobs(&self) -> Worker {
        jobs::worker(self.state.auth())
    }

    /// The identity slices.
    pub fn auth(&self) -> &Auth {
        self.state.auth()
    }

    /// A context for work that the product does on its own.
    pub fn ctx(&self) -> Ctx {
        self.state.system()
    }

    /// Closes the connections; everything acknowledged is on disk already.
    pub async fn close(&self) {
        self.auth().wind_down().await;
        self.auth().audit().close().await;
        self.auth().store().close().await;
        self.keys.close().await;
    }
}
