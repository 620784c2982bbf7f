//! Answers for paths and methods that no route takes.

use vv_base::ErrorCode;

use crate::problem::Problem;

/// 404 for a path without a route.
pub async fn not_found() -> Problem {
    Problem::from_code(ErrorCode::new("request.not_found"))
}

/// 405 for a route without the method; axum adds the Allow header.
pub async fn method_not_allowed() -> Problem {
    Problem::from_code(ErrorCode::new("request.method_not_allowed"))
}
