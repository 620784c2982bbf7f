//! Problem documents (RFC 9457): the one shape of every error answer.

pub mod catalogue;
mod slices;

use std::fmt::Display;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use vv_base::{ErrorCode, RequestId, Span};

pub use catalogue::{CATALOGUE, Entry};

/// Most field errors one document lists.
const MAX_FIELD_ERRORS: usize = 32;

/// What is wrong with one value of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where the value is: a JSON pointer (RFC 6901) into the body, or the
    /// name of a query, path or form parameter.
    pub pointer: String,
    /// A stable code such as `required` or `invalid_type`.
    pub code: String,
    /// A sentence for people. Never repeats the value.
    pub message: String,
}

impl FieldError {
    /// Names the fault of the value at `pointer`.
    pub fn new(
        pointer: impl Into<String>,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            pointer: pointer.into(),
            code: code.into(),
            message: message.into(),
        }
    }
}

/// An error answer. Built from a code of the [`CATALOGUE`], which fixes the
/// status and the title; the detail may be sharpened for the case at hand.
///
/// As a response it is `application/problem+json` and is never cached. The
/// [`Edge`](crate::layer::Edge) adds the request's id as `instance`.
#[derive(Debug, Clone)]
pub struct Problem {
    entry: &'static Entry,
    detail: Option<String>,
    instance: Option<RequestId>,
    errors: Vec<FieldError>,
    retry_after: Option<Span>,
}

impl Problem {
    /// The problem of a catalogued code. A code that nobody catalogued is a
    /// programming error: it is logged and answered as 500.
    pub fn from_code(code: ErrorCode) -> Self {
        if let Some(entry) = catalogue::find(code.as_str()) {
            return Self::from_entry(entry);
        }
        tracing::error!(code = code.as_str(), "error code is not in the catalogue");
        Self::from_entry(&catalogue::INTERNAL)
    }

    /// Something failed that the caller cannot help. The cause goes to the log
    /// under the incident's id; the answer shows the id only.
    pub fn internal(incident: RequestId, cause: &dyn Display) -> Self {
        tracing::error!(incident = %incident, cause = %cause, "internal error");
        Self::incident(incident)
    }

    /// As [`Problem::internal`], when the cause has been logged already.
    pub fn incident(incident: RequestId) -> Self {
        Self {
            instance: Some(incident),
            ..Self::from_entry(&catalogue::INTERNAL)
        }
    }

    const fn from_entry(entry: &'static Entry) -> Self {
        Self {
            entry,
            detail: None,
            instance: None,
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// Replaces the catalogue's explanation by one for this case. Must hold
    /// nothing secret and nothing internal.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds the fault of one value; faults beyond the 32nd are dropped.
    #[must_use]
    pub fn with_error(mut self, error: FieldError) -> Self {
        if self.errors.len() < MAX_FIELD_ERRORS {
            self.errors.push(error);
        }
        self
    }

    /// Says when to try again; whole seconds, rounded up, at least one.
    #[must_use]
    pub const fn with_retry_after(mut self, after: Span) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Sets the request the problem belongs to, unless it is known already.
    #[must_use]
    pub const fn for_request(mut self, request: RequestId) -> Self {
        if self.instance.is_none() {
            self.instance = Some(request);
        }
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.entry.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The stable code.
    pub const fn code(&self) -> &'static str {
        self.entry.code
    }

    /// The short name of the kind of problem.
    pub const fn title(&self) -> &'static str {
        self.entry.title
    }

    /// What went wrong, in a sentence.
    pub fn detail(&self) -> &str {
        self.detail.as_deref().unwrap_or(self.entry.detail)
    }

    /// What the caller can do next.
    pub const fn action(&self) -> &'static str {
        self.entry.action
    }

    /// The faults of single values, if any.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The request the problem belongs to, once known.
    pub const fn instance(&self) -> Option<RequestId> {
        self.instance
    }

    /// The `Retry-After` value in seconds, if trying again makes sense.
    pub fn retry_after_seconds(&self) -> Option<i64> {
        let micros = self.retry_after?.micros();
        Some((micros.saturating_add(999_999) / 1_000_000).max(1))
    }

    /// The document as JSON text.
    pub fn to_json(&self) -> String {
        let document = Document {
            kind: format!("/problems/{}", self.entry.code),
            title: self.entry.title,
            status: self.entry.status,
            code: self.entry.code,
            detail: self.detail(),
            action: self.entry.action,
            instance: self.instance.map(|id| format!("urn:request:{id}")),
            errors: &self.errors,
        };
        // Strings, numbers and lists of them always serialise; an empty object
        // still carries the right status.
        serde_json::to_string(&document).unwrap_or_else(|_| String::from("{}"))
    }
}

impl From<ErrorCode> for Problem {
    fn from(code: ErrorCode) -> Self {
        Self::from_code(code)
    }
}

/// The members of a problem document (RFC 9457), for the API description.
#[derive(utoipa::ToSchema)]
#[expect(
    dead_code,
    reason = "describes the document that `Problem::to_json` writes"
)]
pub struct ProblemDocument {
    /// A reference that identifies the kind of problem, `/problems/{code}`.
    r#type: String,
    /// A short name, the same for every occurrence.
    title: String,
    /// The HTTP status.
    status: u16,
    /// The stable code to branch on.
    code: String,
    /// What went wrong this time.
    detail: String,
    /// What the caller can do next.
    action: String,
    /// `urn:request:{id}`, to be given to the operator.
    instance: Option<String>,
    /// Faults of single values.
    #[schema(value_type = Option<Vec<FieldErrorDocument>>)]
    errors: Option<Vec<()>>,
}

/// One fault of a value.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes what `FieldError` serialises to")]
pub struct FieldErrorDocument {
    /// A JSON pointer into the body, or the name of a parameter.
    pointer: String,
    /// A stable code.
    code: String,
    /// A sentence for people.
    message: String,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    code: &'a str,
    detail: &'a str,
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

impl IntoResponse for Problem {
    /// The problem also travels in the response's extensions, so that the edge
    /// can add the request's id or show a page instead.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_json()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.entry.status == 401 {
            // RFC 9110 §11.6.1 demands a challenge with every 401.
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"valueverse\""),
            );
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vv_base::{SystemRng, Timestamp};

    fn id() -> RequestId {
        RequestId::new(Timestamp::from_unix_seconds(1), &SystemRng)
    }

    #[test]
    fn document_has_the_pinned_members() {
        let request = id();
        let problem = Problem::from_code(ErrorCode::new("request.invalid"))
            .with_error(FieldError::new("/email", "required", "is missing"))
            .for_request(request);
        let value: serde_json::Value = serde_json::from_str(&problem.to_json()).unwrap();
        assert_eq!(value["type"], "/problems/request.invalid");
        assert_eq!(value["status"], 422);
        assert_eq!(value["code"], "request.invalid");
        assert_eq!(value["instance"], format!("urn:request:{request}"));
        assert_eq!(value["errors"][0]["pointer"], "/email");
        for member in ["title", "detail", "action"] {
            assert!(!value[member].as_str().unwrap().is_empty(), "{member}");
        }
    }

    #[test]
    fn unknown_code_is_an_internal_error() {
        let problem = Problem::from_code(ErrorCode::new("no.such_code"));
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(problem.code(), "internal.error");
        assert!(!problem.to_json().contains("no.such_code"));
    }

    #[test]
    fn internal_cause_is_not_shown() {
        let request = id();
        let json = Problem::internal(request, &"password column missing").to_json();
        assert!(!json.contains("column"));
        assert!(json.contains(&request.to_string()));
    }

    #[test]
    fn headers_of_the_answer() {
        let response = Problem::from_code(ErrorCode::new("auth.throttled"))
            .with_retry_after(Span::seconds(3))
            .into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()["retry-after"], "3");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let response = Problem::from_code(ErrorCode::new("auth.required")).into_response();
        assert!(response.headers().contains_key(WWW_AUTHENTICATE));
    }

    #[test]
    fn number_of_field_errors_is_capped() {
        let mut problem = Problem::from_code(ErrorCode::new("request.invalid"));
        for n in 0..100 {
            problem = problem.with_error(FieldError::new(format!("/{n}"), "x", "x"));
        }
        assert_eq!(problem.errors().len(), MAX_FIELD_ERRORS);
    }
}
