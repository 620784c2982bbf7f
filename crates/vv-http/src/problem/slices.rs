//! How the errors of the slices become problem documents: the one table.

use std::fmt::Display;

use vv_audit::redact::RedactError;
use vv_audit::{ApplicationEventError, AuditError, RetentionError};
use vv_auth::{AccountError, Fault, HashError, KeysError, LoginError, SessionError, SetupError};
use vv_base::{CursorError, ErrorCode, Span};
use vv_shared::SharedError;
use vv_store::StoreError;

use super::{FieldError, Problem};

/// What clients wait when a dependency is away.
const RETRY_AFTER: Span = Span::seconds(5);

/// Something the caller cannot help. The cause is logged within the request's
/// span; the edge adds the incident's id to the answer.
fn internal(cause: &dyn Display) -> Problem {
    tracing::error!(%cause, "internal error");
    Problem::from_code(ErrorCode::new("internal.error"))
}

fn known(code: ErrorCode) -> Problem {
    Problem::from_code(code)
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Cursor(cursor) => cursor.into(),
            error if error.is_unavailable() => {
                tracing::error!(?error, "the database is unavailable");
                known(ErrorCode::new("service.unavailable")).with_retry_after(RETRY_AFTER)
            }
            error => {
                tracing::error!(?error, "unexpected database error");
                internal(&error)
            }
        }
    }
}

impl From<CursorError> for Problem {
    fn from(_: CursorError) -> Self {
        known(ErrorCode::new("request.invalid_cursor"))
    }
}

impl From<SharedError> for Problem {
    fn from(error: SharedError) -> Self {
        tracing::error!(%error, "the shared state is unavailable");
        known(ErrorCode::new("service.unavailable")).with_retry_after(RETRY_AFTER)
    }
}

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Store(error) => error.into(),
            AuditError::Filter(fault) => known(error.code()).with_detail(format!("{fault}.")),
            AuditError::OutOfRange => known(error.code()),
            AuditError::Pruned(height) => known(error.code()).with_detail(format!(
                "Events up to height {height} were removed at the end of their time of retention."
            )),
            AuditError::NotAnchored => known(error.code()).with_retry_after(Span::seconds(2)),
            AuditError::Overloaded | AuditError::Spool(_) => {
                tracing::error!(%error, "audit events cannot be written");
                known(ErrorCode::new("service.unavailable")).with_retry_after(RETRY_AFTER)
            }
            AuditError::HeadTampered | AuditError::TreeDamaged => {
                tracing::error!(%error, "the audit trail is damaged");
                known(error.code())
            }
            error => internal(&error),
        }
    }
}

impl From<ApplicationEventError> for Problem {
    fn from(error: ApplicationEventError) -> Self {
        let (pointer, reason) = match &error {
            ApplicationEventError::Audit(AuditError::Leaf(_)) => ("/metadata", "too_large"),
            ApplicationEventError::Audit(_) => {
                return match error {
                    ApplicationEventError::Audit(error) => error.into(),
                    other => internal(&other),
                };
            }
            ApplicationEventError::Type(_) => ("/type", "invalid_value"),
            ApplicationEventError::Description => ("/description", "invalid_value"),
            ApplicationEventError::Target => ("/target_id", "invalid_value"),
            ApplicationEventError::Metadata(fault) => match fault {
                RedactError::DescriptionTooLong => ("/description", fault.reason()),
                other => ("/metadata", other.reason()),
            },
        };
        let code = match &error {
            ApplicationEventError::Audit(_) => ErrorCode::new("request.invalid"),
            other => other.code(),
        };
        known(code).with_error(FieldError::new(pointer, reason, error.to_string()))
    }
}

impl From<RetentionError> for Problem {
    fn from(error: RetentionError) -> Self {
        match error {
            RetentionError::Reason => known(ErrorCode::new("request.invalid")).with_error(
                FieldError::new("/reason", "invalid_value", error.to_string()),
            ),
            RetentionError::NoHold | RetentionError::TooManyHolds => known(error.code()),
            RetentionError::Audit(error) => error.into(),
            RetentionError::Damaged | RetentionError::Manifest(_) | RetentionError::Archive(_) => {
                tracing::error!(%error, "a segment of the audit trail is damaged");
                known(ErrorCode::new("audit.segment_damaged"))
            }
            error => internal(&error),
        }
    }
}

impl From<KeysError> for Problem {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Store(error) => error.into(),
            KeysError::Audit(error) => error.into(),
            KeysError::Hash(error) => error.into(),
            error => internal(&error),
        }
    }
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded => known(error.code()).with_retry_after(RETRY_AFTER),
            error => internal(&error),
        }
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::NotFound | AccountError::Email | AccountError::EmailTaken => {
                known(error.code())
            }
            AccountError::Cursor(error) => error.into(),
            AccountError::Audit(error) => error.into(),
            AccountError::Store(error) => error.into(),
            AccountError::Sealed => internal(&error),
        }
    }
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Expired | SessionError::ReuseDetected => known(error.code()),
            // Which check failed helps an attacker more than a client.
            SessionError::Token(_) => known(ErrorCode::new("auth.required")),
            SessionError::Keys(error) => error.into(),
            SessionError::Audit(error) => error.into(),
            SessionError::Store(error) => error.into(),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials => known(error.code()),
            LoginError::Throttled { retry_after } => {
                known(error.code()).with_retry_after(retry_after)
            }
            LoginError::Hash(error) => error.into(),
            LoginError::Account(error) => error.into(),
            LoginError::Session(error) => error.into(),
            LoginError::Audit(error) => error.into(),
            LoginError::Store(error) => error.into(),
        }
    }
}

impl From<SetupError> for Problem {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::LinkGone
            | SetupError::TenantName
            | SetupError::PersonName
            | SetupError::Email => known(error.code()),
            SetupError::Password(faults) => rejected(&faults),
            SetupError::Hash(error) => error.into(),
            SetupError::Account(error) => error.into(),
            SetupError::Audit(error) => error.into(),
            SetupError::Store(error) => error.into(),
        }
    }
}

fn rejected(faults: &[Fault]) -> Problem {
    faults.iter().fold(
        known(ErrorCode::new("password.rejected")),
        |problem, fault| {
            problem.with_error(FieldError::new("/password", fault.code, &fault.message))
        },
    )
}
