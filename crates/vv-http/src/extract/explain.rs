//! Turns the messages of serde into field errors that never repeat a value:
//! the refused value may be a password in the wrong place.

use crate::json::{echo, push_token};
use crate::problem::FieldError;

/// Longest message of one of our own types passed on, in characters.
const MAX_MESSAGE: usize = 160;

/// How serde itself starts its messages; any other comes from a type of ours.
const SERDE: [&str; 7] = [
    "invalid type: ",
    "invalid value: ",
    "invalid length ",
    "missing field `",
    "unknown field `",
    "unknown variant `",
    "duplicate field `",
];

/// Whether the message was written by a type of ours after the value was read.
pub(super) fn is_own(message: &str) -> bool {
    !SERDE.iter().any(|start| message.starts_with(start))
}

/// Explains serde's message about the value at `pointer`.
pub(super) fn explain(message: &str, mut pointer: String) -> FieldError {
    // serde_json appends the place, which we give as a pointer instead.
    let message = message
        .rsplit_once(" at line ")
        .map_or(message, |(text, _)| text);
    if let Some(name) = quoted(message, "missing field `") {
        push_token(&mut pointer, name);
        return FieldError::new(pointer, "required", "is required");
    }
    if let Some(name) = quoted(message, "unknown field `") {
        push_token(&mut pointer, &echo(name));
        return FieldError::new(pointer, "unknown_field", "is not a known field");
    }
    if let Some(name) = quoted(message, "duplicate field `") {
        push_token(&mut pointer, name);
        return FieldError::new(pointer, "duplicate_field", "appears twice");
    }
    if message.starts_with("unknown variant `") {
        return FieldError::new(pointer, "unknown_value", expectation(message));
    }
    let code = if message.starts_with("invalid type: ") {
        "invalid_type"
    } else if ["invalid value: ", "invalid length "]
        .iter()
        .any(|start| message.starts_with(start))
    {
        "invalid_value"
    } else if let Some(text) = std_parse_error(message) {
        return FieldError::new(pointer, "invalid_value", text);
    } else {
        let text: String = message
            .chars()
            .filter(|c| !c.is_control())
            .take(MAX_MESSAGE)
            .collect();
        return FieldError::new(pointer, "invalid_value", text);
    };
    FieldError::new(pointer, code, expectation(message))
}

/// The name between `start` and the closing backtick. The name may hold
/// backticks itself when a caller chose it, hence the search from the end.
fn quoted<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    let rest = message.strip_prefix(start)?;
    let end = ["`, expected", "`, there are no"]
        .iter()
        .filter_map(|mark| rest.rfind(mark))
        .max()
        .or_else(|| rest.rfind('`'))?;
    rest.get(..end)
}

/// What was expected, without what was found. The last mark counts: the text
/// before it may be the caller's.
fn expectation(message: &str) -> String {
    match message.rfind(", expected ") {
        Some(at) => message.get(at + 2..).unwrap_or_default().to_owned(),
        None => String::from("has an unexpected form"),
    }
}

/// The standard library's messages about numbers and booleans in queries and
/// forms, said of the value.
fn std_parse_error(message: &str) -> Option<&'static str> {
    Some(match message {
        "invalid digit found in string" => "expected a whole number",
        "cannot parse integer from empty string" => "expected a number, found nothing",
        "number too large to fit in target type" => "the number is too large",
        "number too small to fit in target type" => "the number is too small",
        "invalid float literal" => "expected a number",
        "provided string was not `true` or `false`" => "expected true or false",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &[(&str, &str, &str, &str)] = &[
        (
            "missing field `email` at line 1 column 2",
            "/email",
            "required",
            "is required",
        ),
        (
            "unknown field `a`b`, expected `x` or `y` at line 1 column 9",
            "/a`b",
            "unknown_field",
            "is not a known field",
        ),
        (
            "unknown field `z`, there are no fields",
            "/z",
            "unknown_field",
            "is not a known field",
        ),
        (
            "invalid type: string \"hunter2\", expected u32 at line 1 column 9",
            "",
            "invalid_type",
            "expected u32",
        ),
        (
            "invalid type: string \", expected hunter2\", expected u32",
            "",
            "invalid_type",
            "expected u32",
        ),
        (
            "invalid value: integer `-1`, expected u16",
            "",
            "invalid_value",
            "expected u16",
        ),
        (
            "invalid length 3, expected an array of length 2",
            "",
            "invalid_value",
            "expected an array of length 2",
        ),
        (
            "unknown variant `hunter2`, expected `totp` or `sms`",
            "",
            "unknown_value",
            "expected `totp` or `sms`",
        ),
        (
            "not a valid id: expected a hyphenated UUID at line 1 column 4",
            "",
            "invalid_value",
            "not a valid id: expected a hyphenated UUID",
        ),
        (
            "invalid digit found in string",
            "",
            "invalid_value",
            "expected a whole number",
        ),
    ];

    #[test]
    fn table() {
        for (message, pointer, code, text) in CASES.iter().copied() {
            assert_eq!(
                explain(message, String::new()),
                FieldError::new(pointer, code, text),
                "{message}"
            );
        }
    }
}
