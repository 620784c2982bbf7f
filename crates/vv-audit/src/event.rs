use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vv_base::{Actor, Ctx, EventId, Id, RequestId, Source, TenantId, UserId};

use crate::body::Json;
use crate::catalogue::Kind;
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
    pub kind: &'static str,
    /// Its id; never a name or an address of a person.
    pub id: String,
}

/// An event to be recorded. Details must not be personal: whatever tells who
/// somebody is goes through [`Event::personal`].
#[derive(Debug)]
pub struct Event {
    pub(crate) kind: Kind,
    outcome: Outcome,
    target: Option<Target>,
    details: BTreeMap<String, Json>,
    personal: Vec<Personal>,
    actor: Option<UserId>,
}

#[derive(Debug)]
struct Personal {
    sealer: SubjectSealer,
    field: &'static str,
    text: String,
}

impl Event {
    /// A successful event of a kind.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            outcome: Outcome::Success,
            target: None,
            details: BTreeMap::new(),
            personal: Vec::new(),
            actor: None,
        }
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
            kind,
            id: id.to_string(),
        });
        self
    }

    /// Adds a fact that is not personal.
    #[must_use]
    pub fn detail(mut self, key: &'static str, value: impl Into<Json>) -> Self {
        self.details.insert(key.to_owned(), value.into());
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
    pub fn personal(mut self, sealer: &SubjectSealer, field: &'static str, text: String) -> Self {
        self.personal.push(Personal {
            sealer: sealer.clone(),
            field,
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
    pub(crate) fn into_body(
        self,
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
            .collect::<Result<_, _>>()?;
        Ok(Json::object([
            ("v", Json::Int(1)),
            ("eid", Json::Text(event.to_string())),
            ("cat", Json::from(self.kind.category())),
            ("act", Json::from(self.kind.action())),
            ("out", Json::from(self.outcome.as_str())),
            ("sev", Json::from(self.kind.severity().as_str())),
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
                self.target.map_or(Json::Null, |target| {
                    Json::object([
                        ("type", Json::from(target.kind)),
                        ("id", Json::Text(target.id)),
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
            ("d", Json::Object(self.details)),
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
    let field = personal.field;
    let sealed = personal
        .sealer
        .seal(chain, event, field, &personal.text, ctx.rng())?;
    Ok(sealed.map(|sealed| {
        Json::object([
            ("ref", Json::from(field)),
            ("key_id", Json::Text(personal.sealer.subject().to_string())),
            ("nonce", Json::Text(URL_SAFE_NO_PAD.encode(sealed.nonce))),
            ("ct", Json::Text(URL_SAFE_NO_PAD.encode(&sealed.ct))),
            ("cm", Json::Text(URL_SAFE_NO_PAD.encode(sealed.cm))),
        ])
    }))
}

/// The search columns of an event, always derived from the body, both when it
/// is written and when it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Projection {
    pub(crate) event_id: EventId,
    pub(crate) kind: String,
    pub(crate) severity: String,
    pub(crate) outcome: String,
    pub(crate) actor_kind: String,
    pub(crate) actor_ref: Option<UserId>,
    pub(crate) target_kind: Option<String>,
    pub(crate) target_ref: Option<String>,
    pub(crate) request_id: RequestId,
}

impl Projection {
    /// `None` when the body lacks a field that every event has.
    pub(crate) fn of(body: &Json) -> Option<Self> {
        let text = |key: &str| body.get(key).and_then(Json::text);
        let actor = body.get("actor")?;
        let target = body.get("res");
        let target_text = |key: &str| target.and_then(|t| t.get(key)).and_then(Json::text);
        Some(Self {
            event_id: text("eid")?.parse().ok()?,
            kind: format!("{}.{}", text("cat")?, text("act")?),
            severity: text("sev")?.to_owned(),
            outcome: text("out")?.to_owned(),
            actor_kind: actor.get("type")?.text()?.to_owned(),
            actor_ref: match actor.get("ref")?.text() {
                Some(text) => Some(text.parse().ok()?),
                None => None,
            },
            target_kind: target_text("type").map(str::to_owned),
            target_ref: target_text("id").map(str::to_owned),
            request_id: text("req")?.parse().ok()?,
        })
    }
}
