use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vv_base::{Actor, Ctx, EventId, Id, Source, TenantId, UserId};

use crate::body::Json;
use crate::catalogue::{EventType, Severity};
use crate::error::AuditError;
use crate::subject::SubjectSealer;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was tried and did not work.
    Failure,
    /// It was refused.
    Denied,
}

impl Outcome {
    /// The spelling in leaves, columns and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Denied => "denied",
        }
    }
}

/// The thing it was done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What kind of thing, such as `user`.
    pub kind: Cow<'static, str>,
    /// Its id; never a name or an address of a person.
    pub id: String,
}

/// An event to be recorded. Details must not be personal: whatever tells who
/// somebody is goes through [`Event::personal`].
#[derive(Debug)]
pub struct Event {
    pub(crate) kind: EventType,
    severity: Severity,
    outcome: Outcome,
    target: Option<Target>,
    details: BTreeMap<String, Json>,
    pub(crate) personal: Vec<Personal>,
    actor: Option<UserId>,
}

/// A personal field that waits for its seal.
pub(crate) struct Personal {
    pub(crate) sealer: SubjectSealer,
    pub(crate) field: Cow<'static, str>,
    pub(crate) text: String,
}

impl std::fmt::Debug for Personal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Personal")
            .field("field", &self.field)
            .finish_non_exhaustive()
    }
}

impl Event {
    /// A successful event of a kind.
    pub fn new(kind: impl Into<EventType>) -> Self {
        let kind = kind.into();
        Self {
            severity: kind.severity(),
            kind,
            outcome: Outcome::Success,
            target: None,
            details: BTreeMap::new(),
            personal: Vec::new(),
            actor: None,
        }
    }

    /// What kind of event it is.
    pub fn event_type(&self) -> &EventType {
        &self.kind
    }

    /// Another severity than its kind has; for applications, whose kinds have none.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Says how it ended.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Says what it was done to.
    #[must_use]
    pub fn target<K>(mut self, kind: &'static str, id: Id<K>) -> Self {
        self.target = Some(Target {
            kind: Cow::Borrowed(kind),
            id: id.to_string(),
        });
        self
    }

    /// The same for things that an application names.
    #[must_use]
    pub fn foreign_target(mut self, kind: String, id: String) -> Self {
        let kind = Cow::Owned(kind);
        self.target = Some(Target { kind, id });
        self
    }

    /// Adds a fact that is not personal.
    #[must_use]
    pub fn detail(mut self, key: impl Into<String>, value: impl Into<Json>) -> Self {
        self.details.insert(key.into(), value.into());
        self
    }

    /// Names the person who acted when the context does not know them yet, as
    /// while somebody signs in.
    #[must_use]
    pub fn by_user(mut self, user: UserId) -> Self {
        self.actor = Some(user);
        self
    }

    /// Adds a personal field, sealed under its subject's key.
    #[must_use]
    pub fn personal(
        mut self,
        sealer: &SubjectSealer,
        field: impl Into<Cow<'static, str>>,
        text: String,
    ) -> Self {
        self.personal.push(Personal {
            sealer: sealer.clone(),
            field: field.into(),
            text,
        });
        self
    }

    /// Adds where the request came from, which is personal too.
    #[must_use]
    pub fn source(mut self, sealer: &SubjectSealer, source: &Source) -> Self {
        if let Some(ip) = source.ip {
            self = self.personal(sealer, "ip", canonical_ip(ip));
        }
        if let Some(agent) = &source.user_agent {
            self = self.personal(sealer, "user_agent", agent.clone());
        }
        self
    }

    /// The body of the leaf.
    pub(crate) fn to_body(
        &self,
        ctx: &Ctx,
        chain: TenantId,
        event: EventId,
        node: &str,
    ) -> Result<Json, AuditError> {
        let (actor_kind, actor) = match self.actor {
            Some(user) => ("user", Some(user)),
            None => (ctx.actor.kind(), ctx.actor.user()),
        };
        let session = match ctx.actor {
            Actor::User { session, .. } => Some(session.to_string()),
            Actor::Anonymous | Actor::System | Actor::Operator => None,
        };
        let mut subjects: Vec<String> = self
            .personal
            .iter()
            .map(|personal| personal.sealer.subject().to_string())
            .collect();
        subjects.sort_unstable();
        subjects.dedup();
        let sealed = self
            .personal
            .iter()
            .filter_map(|personal| seal(personal, ctx, chain, event).transpose())
            .collect::<Result<Vec<Json>, _>>()?;
        Ok(Json::object([
            ("v", Json::Int(1)),
            ("eid", Json::Text(event.to_string())),
            ("cat", Json::from(self.kind.category())),
            ("act", Json::from(self.kind.action())),
            ("out", Json::from(self.outcome.as_str())),
            ("sev", Json::from(self.severity.as_str())),
            ("occ", Json::Int(ctx.now().unix_micros())),
            (
                "actor",
                Json::object([
                    ("type", Json::from(actor_kind)),
                    ("ref", Json::from(actor.map(|user| user.to_string()))),
                ]),
            ),
            (
                "subj",
                Json::List(subjects.into_iter().map(Json::Text).collect()),
            ),
            (
                "res",
                self.target.as_ref().map_or(Json::Null, |target| {
                    Json::object([
                        ("type", Json::from(target.kind.as_ref())),
                        ("id", Json::from(target.id.as_str())),
                    ])
                }),
            ),
            ("sess", Json::from(session)),
            ("req", Json::Text(ctx.request.to_string())),
            (
                "src",
                Json::object([
                    ("service", Json::from("valueverse")),
                    ("node", Json::from(node)),
                ]),
            ),
            ("d", Json::Object(self.details.clone())),
            ("pii", Json::List(sealed)),
        ]))
    }
}

/// IPv4 addresses that arrived in IPv6 clothing are written as IPv4.
fn canonical_ip(ip: IpAddr) -> String {
    ip.to_canonical().to_string()
}

/// `None` once the subject was erased: nothing new is stored about them.
fn seal(
    personal: &Personal,
    ctx: &Ctx,
    chain: TenantId,
    event: EventId,
) -> Result<Option<Json>, AuditError> {
    let (field, text) = (personal.field.as_ref(), &personal.text);
    seal_field(&personal.sealer, field, text, ctx, chain, event)
}

/// A personal field as it stands in a body.
pub(crate) fn seal_field(
    sealer: &SubjectSealer,
    field: &str,
    text: &str,
    ctx: &Ctx,
    chain: TenantId,
    event: EventId,
) -> Result<Option<Json>, AuditError> {
    let result = sealer.seal(chain, event, field, text, ctx.rng())?;
    Ok(result.map(|sealed| {
        Json::object([
            ("ref", Json::from(field)),
            ("key_id", Json::Text(sealer.subject().to_string())),
            ("nonce", Json::Text(URL_SAFE_NO_PAD.encode(sealed.nonce))),
            ("ct", Json::Text(URL_SAFE_NO_PAD.encode(&sealed.ct))),
            ("cm", Json::Text(URL_SAFE_NO_PAD.encode(sealed.cm))),
        ])
    }))
}
