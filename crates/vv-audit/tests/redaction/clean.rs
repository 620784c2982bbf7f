//! Short ways to call what is tested.

use serde_json::Value;
use vv_audit::Json;
use vv_audit::redact::{Redacted, RedactionPolicy};

pub(crate) fn policy() -> RedactionPolicy {
    RedactionPolicy::default()
}

pub(crate) fn describe(text: &str) -> String {
    let found = policy().redact(text, &Value::Null).expect("within limits");
    found.description
}

pub(crate) fn redact(metadata: &Value) -> Redacted {
    policy().redact("", metadata).expect("within limits")
}

pub(crate) fn details(metadata: &Value) -> String {
    Json::Object(redact(metadata).details).encode()
}
