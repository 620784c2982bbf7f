//! The thin REST edge: problem documents, extractors, the layers every request
//! passes, metrics and the API documentation pages.
//!
//! Handlers here decide nothing; they call the slices and turn answers into HTTP.
#![warn(missing_docs)]

pub mod docs;
pub mod extract;
pub mod json;
pub mod layer;
pub mod metrics;
mod openapi;
pub mod problem;
mod router;
pub mod routes;
mod state;
pub mod streams;

pub use layer::{Edge, HttpSettings, apply};
pub use problem::Problem;
pub use router::{openapi_json, router, witness_router};
pub use state::{AppState, MetricsAccess, RenderMetrics};
