//! JSON bodies, in and out.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use vv_base::ErrorCode;

use super::explain::{explain, is_own};
use crate::json::{Place, check, pointer_at};
use crate::problem::Problem;

/// A JSON body.
///
/// As an extractor it demands `application/json` (415), a body within the
/// route's limit (413; see [`HttpSettings::body_limit`](crate::layer::HttpSettings::body_limit)), a
/// well-formed text without duplicate keys, at most 16 levels deep (400), and
/// the fields and types of `T` (422). As a response it is the JSON of `T`.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_media_type(request.headers(), "application/json")?;
        let bytes = read_body(request, state).await?;
        read(&bytes).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => (
                [(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
                body,
            )
                .into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written as JSON");
                Problem::from_code(ErrorCode::new("internal.error")).into_response()
            }
        }
    }
}

/// Refuses a body of any other media type, and a compressed one.
pub(super) fn require_media_type(headers: &HeaderMap, wanted: &str) -> Result<(), Problem> {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    let unsupported = |detail: String| {
        Problem::from_code(ErrorCode::new("request.unsupported_media_type")).with_detail(detail)
    };
    if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case(wanted)) {
        return Err(unsupported(format!("The body must be {wanted}.")));
    }
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(unsupported(String::from(
            "The body must not be compressed.",
        )));
    }
    Ok(())
}

/// Reads the whole body within the route's limit.
pub(super) async fn read_body<S: Send + Sync>(
    request: Request,
    state: &S,
) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| {
            let code = if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                ErrorCode::new("request.body_too_large")
            } else {
                ErrorCode::new("request.body_incomplete")
            };
            Problem::from_code(code)
        })
}

/// Reads a value from a JSON text with all the checks of [`Json`].
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let malformed = |detail: String| {
        Problem::from_code(ErrorCode::new("request.malformed_json")).with_detail(detail)
    };
    check(bytes).map_err(|fault| malformed(format!("The JSON is not acceptable: {fault}.")))?;
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => mismatch(bytes, &error),
        // The scanner leaves the range of numbers to the reader.
        _ => malformed(format!(
            "The JSON is not acceptable at line {}, column {}.",
            error.line(),
            error.column()
        )),
    })
}

fn mismatch(bytes: &[u8], error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    let place = if is_own(&message) {
        Place::Before
    } else {
        Place::At
    };
    let pointer = pointer_at(bytes, error.line(), error.column(), place);
    let fault = explain(&message, pointer);
    let code = if fault.code == "unknown_field" {
        ErrorCode::new("request.unknown_field")
    } else {
        ErrorCode::new("request.invalid")
    };
    Problem::from_code(code).with_error(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the reading is of interest")]
    struct Outer {
        name: String,
        #[serde(default)]
        list: Vec<Inner>,
        #[serde(default)]
        id: Option<vv_base::UserId>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the reading is of interest")]
    struct Inner {
        count: u16,
    }

    fn refusal(text: &str) -> (&'static str, String, String) {
        let problem = read::<Outer>(text.as_bytes()).unwrap_err();
        let error = problem.errors().first();
        (
            problem.code(),
            error.map(|e| e.pointer.clone()).unwrap_or_default(),
            error.map(|e| e.code.clone()).unwrap_or_default(),
        )
    }

    const TABLE: &[(&str, &str, &str, &str)] = &[
        (r"{}", "request.invalid", "/name", "required"),
        (r#"{"name":1}"#, "request.invalid", "/name", "invalid_type"),
        (
            r#"{"name": null}"#,
            "request.invalid",
            "/name",
            "invalid_type",
        ),
        (
            r#"{"name": {"a":1}}"#,
            "request.invalid",
            "/name",
            "invalid_type",
        ),
        (
            r#"{"name":"x","list":[{"count":1}, "y"]}"#,
            "request.invalid",
            "/list/1",
            "invalid_type",
        ),
        (
            r#"{"name":"x","list":[[[1]]]}"#,
            "request.invalid",
            "/list/0/0",
            "invalid_type",
        ),
        (
            r#"{"name":"x","list":[{"count":[]}]}"#,
            "request.invalid",
            "/list/0/count",
            "invalid_type",
        ),
        (
            r#"{"name":{"a":1}}"#,
            "request.invalid",
            "/name",
            "invalid_type",
        ),
        (
            r#"{"name":"x","list":7}"#,
            "request.invalid",
            "/list",
            "invalid_type",
        ),
        (
            "{\"name\":\"x\",\n\"list\":[{\"count\":1},{\"count\":\"secret\"}]}",
            "request.invalid",
            "/list/1/count",
            "invalid_type",
        ),
        (
            r#"{"name":"x","list":[{"count":70000}]}"#,
            "request.invalid",
            "/list/0/count",
            "invalid_value",
        ),
        (
            r#"{"name":"x","list":[{}]}"#,
            "request.invalid",
            "/list/0/count",
            "required",
        ),
        (
            r#"{"name":"x","id":"zzz"}"#,
            "request.invalid",
            "/id",
            "invalid_value",
        ),
        (
            "{\"id\":\"zzz\" , \"name\":\"x\"}",
            "request.invalid",
            "/id",
            "invalid_value",
        ),
        (
            "{\"name\":\"x\", \"id\":\"zzz\"\n }",
            "request.invalid",
            "/id",
            "invalid_value",
        ),
        (
            r#"{"name":"x","nmae":1}"#,
            "request.unknown_field",
            "/nmae",
            "unknown_field",
        ),
        (
            r#"{"name":"x","list":[{"count":1,"z":[]}]}"#,
            "request.unknown_field",
            "/list/0/z",
            "unknown_field",
        ),
        ("[]", "request.invalid", "", "invalid_value"),
        ("7", "request.invalid", "", "invalid_type"),
        (r#"{"name":1e999}"#, "request.malformed_json", "", ""),
        (
            r#"{"name":"x","name":"y"}"#,
            "request.malformed_json",
            "",
            "",
        ),
        ("", "request.malformed_json", "", ""),
    ];

    #[test]
    fn faults_point_at_the_value() {
        for (text, code, pointer, fault) in TABLE.iter().copied() {
            assert_eq!(
                refusal(text),
                (code, pointer.to_owned(), fault.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_refusal_never_repeats_the_value() {
        let json = read::<Outer>(br#"{"name":"x","list":[{"count":"hunter2"}]}"#)
            .unwrap_err()
            .to_json();
        assert!(!json.contains("hunter2"), "{json}");
    }
}
