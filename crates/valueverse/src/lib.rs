//! ValueVerse Security as a library: everything between "somebody knocks" and
//! "an auditor is satisfied", to be put into your own axum service.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use valueverse::{Caller, SecuritySystem};
//!
//! async fn hello(caller: Caller) -> String {
//!     format!("user {}", caller.principal.user)
//! }
//!
//! # async fn example(system: SecuritySystem) {
//! let app = Router::new()
//!     .route("/hello", get(hello))
//!     .with_state(system.state().clone())
//!     .merge(system.router());
//! let service = system.protect(app);
//! # drop(service);
//! # }
//! ```
//!
//! [`SecuritySystem::builder`] takes the stores, the shared state and the root
//! key; [`SecuritySystem::jobs`] must run beside the service.
#![warn(missing_docs)]

mod builder;
mod jobs;
mod root_check;
mod system;

pub use builder::{BuildError, Builder};
pub use root_check::{
    KEYS_STATEMENTS as ROOT_CHECK_KEYS_STATEMENTS, STATEMENTS as ROOT_CHECK_STATEMENTS,
};
pub use system::SecuritySystem;

pub use vv_audit::{Audit, Event, Kind, Verification};
pub use vv_auth::{
    Auth, AuthSettings, FirstAdmin, HashSettings, Permission, Principal, SessionPolicy, SetupError,
    TokenSettings,
};
pub use vv_base::{Actor, Clock, Ctx, Rng, Scope, Secret, Span, SystemClock, SystemRng, Timestamp};
pub use vv_crypto::{RootKey, SharedSecret};
pub use vv_http::extract::{Caller, Require, Right, require};
pub use vv_http::problem::catalogue::to_markdown as problems_markdown;
pub use vv_http::{AppState, HttpSettings, MetricsAccess, Problem, openapi_json};
pub use vv_shared::{RedisConfig, Shared};
pub use vv_store::{Engine, Family, Store, StoreError, Target};
