//! Query, path and form parameters.

use std::error::Error;

use axum::RequestExt as _;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;
use vv_base::ErrorCode;

use super::explain::explain;
use super::json::require_media_type;
use crate::json::echo;
use crate::problem::{FieldError, Problem};

/// Query parameters; 400 `request.invalid_query` if they do not fit `T`.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // PostgreSQL has no text with a null character in it.
        if parts.uri.query().is_some_and(|text| text.contains("%00")) {
            return Err(Problem::from_code(ErrorCode::new("request.invalid_query")));
        }
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection: QueryRejection| {
                Problem::from_code(ErrorCode::new("request.invalid_query"))
                    .with_error(fault(&rejection))
            })
    }
}

/// Path parameters; 400 `request.invalid_path` if they do not fit `T`.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(path_problem)
    }
}

/// A form body (`application/x-www-form-urlencoded`) within the route's limit;
/// 400 `request.invalid_form` if the fields do not fit `T`.
#[derive(Debug, Clone, Copy)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + 'static, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        // axum reads a GET form from the query; ours are always bodies.
        require_media_type(request.headers(), "application/x-www-form-urlencoded")?;
        request
            .extract_with_state::<axum::extract::Form<T>, _, _>(state)
            .await
            .map(|axum::extract::Form(value)| Self(value))
            .map_err(|rejection| form_problem(&rejection))
    }
}

fn form_problem(rejection: &FormRejection) -> Problem {
    match rejection {
        FormRejection::FailedToDeserializeForm(_)
        | FormRejection::FailedToDeserializeFormBody(_) => {
            Problem::from_code(ErrorCode::new("request.invalid_form")).with_error(fault(rejection))
        }
        other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::from_code(ErrorCode::new("request.body_too_large"))
        }
        _ => Problem::from_code(ErrorCode::new("request.body_incomplete")),
    }
}

/// axum's own text repeats values, so only the error below it is read: the
/// name of the parameter and what serde says of it.
fn fault(rejection: &dyn Error) -> FieldError {
    let Some(cause) = innermost_described(rejection) else {
        return FieldError::new("", "invalid_value", "has an unexpected form");
    };
    // `name: message` once a parameter is known, otherwise the message alone.
    match cause.split_once(": ") {
        Some((name, message)) if !name.contains(' ') => {
            let mut error = explain(message, String::new());
            error.pointer = echo(name);
            error
        }
        _ => {
            let mut error = explain(&cause, String::new());
            error.pointer = error.pointer.trim_start_matches('/').to_owned();
            error
        }
    }
}

fn innermost_described(rejection: &dyn Error) -> Option<String> {
    let mut text = None;
    let mut next = rejection.source();
    while let Some(error) = next {
        // The path-aware error comes first and knows the name.
        text.get_or_insert_with(|| error.to_string());
        next = error.source();
    }
    text
}

fn path_problem(rejection: PathRejection) -> Problem {
    let internal = || Problem::from_code(ErrorCode::new("internal.error"));
    let PathRejection::FailedToDeserializePathParams(failure) = rejection else {
        tracing::error!("a handler asks for path parameters that its route does not have");
        return internal();
    };
    let error = match failure.into_kind() {
        ErrorKind::ParseErrorAtKey {
            key, expected_type, ..
        } => FieldError::new(key, "invalid_value", format!("expected {expected_type}")),
        ErrorKind::ParseErrorAtIndex { expected_type, .. }
        | ErrorKind::ParseError { expected_type, .. } => {
            FieldError::new("", "invalid_value", format!("expected {expected_type}"))
        }
        ErrorKind::DeserializeError { key, message, .. } => {
            let mut error = explain(&message, String::new());
            error.pointer = key;
            error
        }
        ErrorKind::InvalidUtf8InPathParam { key } => {
            FieldError::new(key, "invalid_value", "is not valid UTF-8")
        }
        ErrorKind::Message(message) => explain(&message, String::new()),
        kind => {
            tracing::error!(%kind, "a handler's path type does not fit its route");
            return internal();
        }
    };
    Problem::from_code(ErrorCode::new("request.invalid_path")).with_error(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::{get, post};
    use serde::Deserialize;
    use tower::ServiceExt as _;
    use vv_base::UserId;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct List {
        limit: Option<u16>,
        #[serde(default)]
        after: String,
    }

    fn app() -> Router {
        Router::new()
            .route(
                "/list",
                get(|Query(q): Query<List>| async move { format!("{:?}{}", q.limit, q.after) }),
            )
            .route(
                "/users/{id}",
                get(|Path(id): Path<UserId>| async move { id.to_string() }),
            )
            .route(
                "/n/{n}",
                get(|Path(n): Path<u8>| async move { n.to_string() }),
            )
            .route(
                "/form",
                post(|Form(f): Form<List>| async move { format!("{:?}{}", f.limit, f.after) }),
            )
    }

    async fn send(request: http::request::Builder, body: &str) -> (StatusCode, String) {
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = app().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 65_536)
            .await
            .unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn queries() {
        let get = |uri: &str| http::Request::get(uri);
        assert_eq!(
            send(get("/list?limit=7&after=x"), "").await,
            (StatusCode::OK, "Some(7)x".into())
        );
        let (status, _) = send(get("/list?limit=7&after=x%00"), "").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        for (uri, pointer, code) in [
            ("/list?limit=hunter2", "limit", "invalid_value"),
            ("/list?limit=70000", "limit", "invalid_value"),
            ("/list?colour=1", "colour", "unknown_field"),
            ("/list?limit=1&limit=2", "limit", "duplicate_field"),
        ] {
            let (status, body) = send(get(uri), "").await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{uri}");
            let value: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(value["code"], "request.invalid_query");
            assert_eq!(value["errors"][0]["pointer"], pointer, "{body}");
            assert_eq!(value["errors"][0]["code"], code, "{body}");
            assert!(!body.contains("hunter2"));
        }
    }

    #[tokio::test]
    async fn paths() {
        let get = |uri: &str| http::Request::get(uri);
        for uri in ["/users/hunter2", "/users/%ff", "/n/300", "/n/x"] {
            let (status, body) = send(get(uri), "").await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{uri} {body}");
            assert!(body.contains("request.invalid_path"), "{uri} {body}");
            assert!(!body.contains("hunter2"));
        }
        let (status, _) = send(get("/users/01890a5d-ac96-774b-bcce-b302099a8057"), "").await;
        assert_eq!(status, StatusCode::OK);
    }

    #[tokio::test]
    async fn forms() {
        let form = || {
            http::Request::post("/form").header("content-type", "application/x-www-form-urlencoded")
        };
        assert_eq!(
            send(form(), "limit=7&after=a+b").await,
            (StatusCode::OK, "Some(7)a b".into())
        );
        let (status, body) = send(form(), "limit=hunter2").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(
            body.contains("request.invalid_form") && !body.contains("hunter2"),
            "{body}"
        );
        let json = http::Request::post("/form").header("content-type", "application/json");
        let (status, _) = send(json, "{}").await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}
