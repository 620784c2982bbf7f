//! Events that an application writes: what it says is checked and cleaned
//! before it becomes part of a chain that nobody can change.

use std::collections::BTreeMap;

use serde_json::Value;
use vv_base::{Ctx, ErrorCode, UserId};

use crate::audit::Audit;
use crate::body::Json;
use crate::catalogue::{EventType, EventTypeError, Severity};
use crate::error::AuditError;
use crate::event::Event;
use crate::redact::{Findings, RedactError, Redacted};
use crate::write::Emitted;

/// Longest description, in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 1_000;
/// Longest target, in characters.
pub const MAX_TARGET_CHARS: usize = 128;
/// Longest kind before the colon of a target, in bytes.
const MAX_TARGET_KIND: usize = 48;
/// The kind of a target that names none.
const OBJECT: &str = "object";

/// What an application says happened.
#[derive(Debug, Clone)]
pub struct ApplicationEvent {
    /// `app.` and a name of its own, or a kind that the catalogue opens.
    pub kind: String,
    /// How much attention it deserves.
    pub severity: Severity,
    /// A sentence for people, 1 to [`MAX_DESCRIPTION_CHARS`] characters.
    pub description: String,
    /// Who acted, if it was not the caller. Personal fields are sealed under
    /// this person's key.
    pub actor: Option<UserId>,
    /// What it was done to, as `kind:id` or an id alone. Never an address or a
    /// name of a person.
    pub target: Option<String>,
    /// Further facts: an object or null, see [`crate::redact`] for its caps.
    pub metadata: Value,
}

/// Why an application's event is refused. No message repeats what was sent.
#[derive(Debug, thiserror::Error)]
pub enum ApplicationEventError {
    /// Applications may not write events of this type.
    #[error(transparent)]
    Type(#[from] EventTypeError),
    /// The description is empty, too long or holds control characters.
    #[error(
        "the description must have 1 to {MAX_DESCRIPTION_CHARS} characters, none of them control characters but tab and line feed"
    )]
    Description,
    /// The target is empty, too long or says who somebody is.
    #[error(
        "the target must be `kind:id` or an id of 1 to {MAX_TARGET_CHARS} printable characters without an address, a card number or a credential"
    )]
    Target,
    /// The metadata cannot be kept.
    #[error(transparent)]
    Metadata(#[from] RedactError),
    /// The event could not be recorded.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

impl ApplicationEventError {
    /// The stable code for problem documents.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Type(EventTypeError::Reserved(_)) => ErrorCode::new("audit.type_reserved"),
            Self::Type(EventTypeError::Name | EventTypeError::Unknown) => {
                ErrorCode::new("audit.type_unknown")
            }
            Self::Description | Self::Target | Self::Metadata(_) => {
                ErrorCode::new("request.invalid")
            }
            Self::Audit(error) => error.code(),
        }
    }
}

impl Audit {
    /// Records what an application says, in the context's chain. Personal
    /// fields are taken out of the metadata and sealed; card numbers and
    /// credentials are masked. While the database is away the event waits on
    /// this node's disk.
    pub async fn write_application_event(
        &self,
        ctx: &Ctx,
        said: ApplicationEvent,
    ) -> Result<Emitted, ApplicationEventError> {
        let kind = EventType::for_application(&said.kind)?;
        check_description(&said.description)?;
        let target = said.target.as_deref();
        let target = target.map(|text| self.read_target(text)).transpose()?;
        let clean = self
            .settings()
            .redaction
            .redact(&said.description, &said.metadata)?;
        let mut event = Event::new(kind).severity(said.severity);
        if let Some((kind, id)) = target {
            event = event.foreign_target(kind, id);
        }
        if let Some(actor) = said.actor {
            event = event.by_user(actor);
            // The claim about the actor is the caller's; who that is must show.
            if let Some(writer) = ctx.actor.user().filter(|writer| *writer != actor) {
                event = event.detail("recorded_by", writer.to_string());
            }
        }
        let event = self.fill(ctx, event, said.actor, clean).await?;
        Ok(self.emit_durably(ctx, &event).await?)
    }

    async fn fill(
        &self,
        ctx: &Ctx,
        mut event: Event,
        actor: Option<UserId>,
        clean: Redacted,
    ) -> Result<Event, AuditError> {
        event = event.detail("description", clean.description);
        if !clean.details.is_empty() {
            event = event.detail("metadata", Json::Object(clean.details));
        }
        if let Some(masked) = counts(clean.findings) {
            event = event.detail("masked", masked);
        }
        if clean.personal.is_empty() {
            return Ok(event);
        }
        let sealer = match actor.or_else(|| ctx.actor.user()) {
            Some(person) => self.sealer_for_emit(ctx, person).await?,
            None => self.unattributed(ctx).await?,
        };
        let personal = clean.personal.into_iter();
        Ok(personal.fold(event, |event, (field, text)| {
            event.personal(&sealer, field, text)
        }))
    }

    /// Kind and id of a target.
    fn read_target(&self, text: &str) -> Result<(String, String), ApplicationEventError> {
        let refuse = || ApplicationEventError::Target;
        let fits = (1..=MAX_TARGET_CHARS).contains(&text.chars().count())
            && text.trim() == text
            && !text.chars().any(char::is_control);
        if !fits {
            return Err(refuse());
        }
        // Whatever would have to be masked may not stand in a column in clear.
        let clean = self.settings().redaction.redact(text, &Value::Null);
        if clean.is_err() || clean.is_ok_and(|clean| clean.findings != Findings::default()) {
            return Err(refuse());
        }
        Ok(match text.split_once(':') {
            Some((kind, id)) if is_kind(kind) && !id.is_empty() => (kind.to_owned(), id.to_owned()),
            _ => (OBJECT.to_owned(), text.to_owned()),
        })
    }
}

fn check_description(text: &str) -> Result<(), ApplicationEventError> {
    let fits = text.chars().count() <= MAX_DESCRIPTION_CHARS
        && !text.trim().is_empty()
        && !text
            .chars()
            .any(|c| c.is_control() && c != '\n' && c != '\t');
    fits.then_some(()).ok_or(ApplicationEventError::Description)
}

fn is_kind(text: &str) -> bool {
    text.len() <= MAX_TARGET_KIND
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// What was made unreadable, so that readers know that something is missing.
fn counts(found: Findings) -> Option<Json> {
    let all = [
        ("card_numbers", found.pans),
        ("secrets", found.secrets),
        ("emails", found.emails),
        ("ips", found.ips),
    ];
    let counts: BTreeMap<String, Json> = all
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| (name.to_owned(), Json::Int(count.into())))
        .collect();
    (!counts.is_empty()).then_some(Json::Object(counts))
}
