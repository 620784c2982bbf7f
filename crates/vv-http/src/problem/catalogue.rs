//! Every error code the product answers with, in one table.

use std::fmt::Write as _;

/// One kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The stable code; a published code never changes its meaning.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// A short name, the same for every occurrence.
    pub title: &'static str,
    /// What went wrong, when the case at hand has nothing sharper to say.
    pub detail: &'static str,
    /// What the caller can do next.
    pub action: &'static str,
}

const fn entry(
    code: &'static str,
    status: u16,
    title: &'static str,
    detail: &'static str,
    action: &'static str,
) -> Entry {
    Entry {
        code,
        status,
        title,
        detail,
        action,
    }
}

/// What unforeseen failures show.
pub(crate) static INTERNAL: Entry = entry(
    "internal.error",
    500,
    "Internal error",
    "Something failed on our side. The instance is the incident's id.",
    "Try again; if it happens again, give the incident's id to the operator, who finds it in the log.",
);

/// All problems, sorted by code.
#[rustfmt::skip]
pub static CATALOGUE: &[Entry] = &[
    entry("audit.head_tampered", 503, "Audit chain broken", "The audit chain was changed outside of this service, so it takes no more events.", "Tell the operator, who runs `valueverse audit verify` and decides with `valueverse audit resume`."),
    entry("audit.no_hold", 404, "No such legal hold", "No such legal hold is in force.", "Check the id against the list of holds."),
    entry("audit.not_anchored", 409, "Not anchored yet", "The event is in no signed checkpoint of the log of logs yet.", "Wait for the time in Retry-After and try again; it takes a second or two."),
    entry("audit.not_found", 404, "Not in the audit trail", "There is no such event, log or tile in the tenant's audit trail.", "Check the id or the path; what belongs to other tenants is never shown."),
    entry("audit.out_of_range", 404, "No such height or size", "The audit chain has no such height or size.", "Ask for heights from 1 up to the size in the newest checkpoint."),
    entry("audit.pruned", 410, "Pruned", "The events were removed at the end of their time of retention.", "Look into the archive of their month; proofs about them still work."),
    entry("audit.segment_damaged", 500, "Segment damaged", "The record of a closed segment is not as it was signed.", "Tell the operator, who runs `valueverse audit verify`."),
    entry("audit.too_many_holds", 409, "Too many legal holds", "The chain has as many legal holds as make sense.", "Release those that are no longer needed; one is enough to keep everything."),
    entry("audit.tree_damaged", 500, "Audit tree damaged", "Stored parts of the audit tree are missing or contradict each other.", "Tell the operator, who runs `valueverse audit verify`."),
    entry("audit.type_reserved", 422, "Type reserved", "Events of this type are written by this service alone.", "Use `data.created`, `data.viewed`, `data.updated`, `data.deleted`, `data.exported`, or a type of your own, `app.<name>`."),
    entry("audit.type_unknown", 422, "Type unknown", "The type is neither in the catalogue nor a well-formed `app.<name>`.", "Name your own types `app.` and at most 48 lowercase letters, digits and underscores, a letter first."),
    entry("audit.verification_running", 409, "Verification running", "The audit chain is being verified right now.", "Wait until it is done; the result is stored and shown in the console."),
    entry("auth.busy", 503, "Sign-in busy", "Too many passwords are being checked right now.", "Wait for the time in Retry-After and try again."),
    entry("auth.invalid_credentials", 401, "Sign-in failed", "The identifier or the password is wrong, or the account cannot sign in.", "Check both and try again, or reset the password."),
    entry("auth.multiple_credentials", 400, "More than one credential", "The request carries two credentials at once.", "Send one of: bearer token, X-API-Key, console cookie."),
    entry("auth.permission_denied", 403, "Not permitted", "The account's roles do not allow this.", "Ask an administrator for a role that includes the permission."),
    entry("auth.required", 401, "Sign-in required", "The request carries no valid credential.", "Sign in and send the access token as `Authorization: Bearer …`."),
    entry("auth.throttled", 429, "Too many attempts", "There were too many attempts; further ones are not looked at for now.", "Wait for the time in Retry-After and try again."),
    INTERNAL,
    entry("password.rejected", 422, "Password not acceptable", "The password does not meet the policy.", "Choose another; `errors` says what is missing."),
    entry("request.ambiguous_host", 400, "Host unclear", "The request has no single, well-formed Host.", "Send exactly one Host header."),
    entry("request.body_incomplete", 400, "Body incomplete", "The connection ended before the whole body arrived.", "Send the request again."),
    entry("request.body_too_large", 413, "Body too large", "The body is larger than this operation accepts.", "Send less at once; lists can be sent in several requests."),
    entry("request.cross_site", 403, "Cross-site request refused", "The request changes something and was not sent from this service's own pages.", "Send it from the console, or use a bearer token or an API key without cookies."),
    entry("request.headers_too_large", 431, "Headers too large", "The request has too many headers, or they are too long.", "Send fewer or shorter headers; clearing cookies often helps."),
    entry("request.invalid", 422, "Request not valid", "A value in the request is missing or has the wrong form.", "Correct what `errors` names and send it again."),
    entry("request.invalid_cursor", 400, "Cursor not valid", "The cursor is not one that this list handed out.", "Start again without a cursor."),
    entry("request.invalid_form", 400, "Form not valid", "The form is missing a field or a field has the wrong form.", "Correct what `errors` names and send it again."),
    entry("request.invalid_path", 400, "Path not valid", "A part of the path does not have the form that this operation expects.", "Check the id in the path; ids are hyphenated UUIDs."),
    entry("request.invalid_query", 400, "Query not valid", "A query parameter is missing, unknown or has the wrong form.", "Check the query parameters against /docs."),
    entry("request.malformed_json", 400, "JSON not well-formed", "The body is not a well-formed JSON text.", "Correct the JSON at the place the detail names."),
    entry("request.method_not_allowed", 405, "Method not allowed", "The path exists, but not with this method.", "Use a method that the Allow header lists."),
    entry("request.misdirected", 421, "Unknown host", "This service does not answer under that host name.", "Use the service's public address, or add the name to the allowed hosts."),
    entry("request.not_found", 404, "No such path", "Nothing answers at this path.", "Check the path against /docs."),
    entry("request.overloaded", 503, "Too busy", "The service is at its limit of simultaneous requests.", "Wait for the time in Retry-After and try again."),
    entry("request.rate_limited", 429, "Too many requests", "There were too many requests from this network.", "Wait for the time in Retry-After and try again."),
    entry("request.timeout", 503, "Took too long", "The request was not finished in time and was given up.", "Wait for the time in Retry-After and try again; check first whether it took effect."),
    entry("request.too_many_streams", 429, "Too many streams", "The session, or the service, has as many open streams and exports as it may have.", "Close one, or wait for the time in Retry-After and try again."),
    entry("request.unknown_field", 422, "Unknown field", "The body has a field that this operation does not know.", "Remove the field that `errors` names, or correct its spelling."),
    entry("request.unsupported_media_type", 415, "Media type not supported", "The body is not of a media type that this operation reads.", "Send the media type that the detail names."),
    entry("request.uri_too_long", 414, "Address too long", "The path and query are longer than 8 KiB.", "Shorten the query."),
    entry("service.unavailable", 503, "Storage unavailable", "The service cannot reach its storage right now.", "Wait for the time in Retry-After; check whether a change took effect before repeating it."),
    entry("session.expired", 401, "Session ended", "The session has expired or was ended.", "Sign in again."),
    entry("session.reuse_detected", 401, "Refresh token used twice", "The refresh token had been used before; the session was ended for safety.", "Sign in again; if it was not you, change your password."),
    entry("setup.invalid_name", 422, "Name not valid", "The name must have 1 to 100 printable characters.", "Choose another name."),
    entry("setup.invalid_tenant_name", 422, "Organisation name not valid", "The organisation's name must have 1 to 100 printable characters.", "Choose another name."),
    entry("setup.link_invalid", 404, "Set-up link not valid", "The set-up link is unknown, used or older than one hour.", "Restart the service for a new link, or run `valueverse admin create`."),
    entry("user.email_taken", 409, "E-mail address in use", "An account with this e-mail address exists already.", "Use another address or the existing account."),
    entry("user.invalid_email", 422, "E-mail address not valid", "The text is not an e-mail address.", "Check the spelling, such as name@example.org."),
    entry("user.not_found", 404, "User not found", "There is no such user in this tenant.", "Check the id; people of other tenants are never shown."),
];

/// Looks a code up.
pub fn find(code: &str) -> Option<&'static Entry> {
    let at = CATALOGUE
        .binary_search_by(|entry| entry.code.cmp(code))
        .ok()?;
    CATALOGUE.get(at)
}

/// The catalogue as a Markdown page.
pub fn to_markdown() -> String {
    let mut page = String::from(
        "# Problems\n\nEvery error answer is a problem document (RFC 9457). \
         Branch on `code`; titles and texts may be improved at any time.\n\n\
         | Code | Status | Meaning | What to do |\n|---|---|---|---|\n",
    );
    for entry in CATALOGUE {
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            entry.code,
            entry.status,
            entry.detail.replace('|', "\\|"),
            entry.action.replace('|', "\\|"),
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_sorted() {
        let codes: Vec<_> = CATALOGUE.iter().map(|e| e.code).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        assert_eq!(codes, sorted);
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
    }

    #[test]
    fn every_entry_is_complete() {
        for e in CATALOGUE {
            assert!((400..600).contains(&e.status), "{}", e.code);
            assert!(e.code.contains('.'), "{}", e.code);
            assert!(
                e.code
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c == '_' || c == '.'),
                "{}",
                e.code
            );
            assert!(
                !e.title.is_empty() && e.detail.ends_with('.') && e.action.ends_with('.'),
                "{}",
                e.code
            );
            assert_eq!(find(e.code), Some(e));
        }
    }

    #[test]
    fn the_page_has_one_row_per_code() {
        let page = to_markdown();
        for e in CATALOGUE {
            assert!(
                page.contains(&format!("| `{}` | {} |", e.code, e.status)),
                "{}",
                e.code
            );
        }
    }
}
