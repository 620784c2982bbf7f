//! Filters as the address bar and forms carry them.

use std::net::IpAddr;

use serde::Deserialize;
use vv_audit::{EventFilter, Kind, Outcome, Severity};
use vv_auth::{EmailAddress, Permission, Principal};
use vv_base::{Ctx, PageRequest, Span, Timestamp, UserId};
use vv_http::{AppState, Problem};

use crate::view::{AuditFilter, FilterForm, KindGroup};

/// Every field is text: what is wrong with it is said on the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    q: String,
    #[serde(rename = "type")]
    kind: String,
    severity: String,
    outcome: String,
    actor: String,
    target: String,
    from: String,
    to: String,
    email: String,
    ip: String,
}

impl Fields {
    pub(super) fn shown(self) -> AuditFilter {
        let trimmed = |text: String| text.trim().to_owned();
        AuditFilter {
            q: trimmed(self.q),
            kind: trimmed(self.kind),
            severity: trimmed(self.severity),
            outcome: trimmed(self.outcome),
            actor: trimmed(self.actor),
            target: trimmed(self.target),
            from: as_in_forms(trimmed(self.from)),
            to: as_in_forms(trimmed(self.to)),
            email: trimmed(self.email),
            ip: trimmed(self.ip),
        }
    }
}

/// The form around a filter.
pub(super) fn form(filter: AuditFilter, limit: u16) -> FilterForm {
    let group = |(category, _): &(&'static str, _)| KindGroup {
        category,
        kinds: Kind::ALL
            .iter()
            .filter(|kind| kind.category() == *category)
            .map(|kind| kind.name())
            .collect(),
    };
    let mut kinds: Vec<KindGroup> = Kind::CATEGORIES.iter().map(group).collect();
    kinds.push(KindGroup {
        category: "app",
        kinds: Vec::new(),
    });
    FilterForm {
        filter,
        kinds,
        actor_name: None,
        error: None,
        limit,
    }
}

/// The same as the trail understands it; the error is for the person.
pub(super) async fn wanted(
    app: &AppState,
    ctx: &Ctx,
    principal: &Principal,
    filter: &AuditFilter,
) -> Result<Result<EventFilter, String>, Problem> {
    let mut wanted = match parsed(filter) {
        Ok(wanted) => wanted,
        Err(error) => return Ok(Err(error)),
    };
    if !filter.actor.is_empty() {
        match actor(app, ctx, principal, &filter.actor).await? {
            Ok(user) => wanted.actor = Some(user),
            Err(error) => return Ok(Err(error)),
        }
    }
    if let Err(error) = wanted.check() {
        return Ok(Err(sentence(&error.to_string())));
    }
    Ok(Ok(wanted))
}

/// Everything but the actor, which may have to be looked up.
fn parsed(filter: &AuditFilter) -> Result<EventFilter, String> {
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    let personal = match (some(&filter.email), some(&filter.ip)) {
        (Some(_), Some(_)) => {
            return Err("Search for an e-mail address or an IP address, not for both.".to_owned());
        }
        (Some(email), None) => Some(("email".to_owned(), email)),
        (None, Some(ip)) => {
            let address: IpAddr = ip.parse().map_err(|_| {
                "The IP address is not one such as 203.0.113.7 or 2001:db8::7.".to_owned()
            })?;
            Some(("ip".to_owned(), address.to_string()))
        }
        (None, None) => None,
    };
    Ok(EventFilter {
        kind: some(&filter.kind),
        severity: known(&filter.severity, "severity", Severity::by_name)?,
        outcome: known(&filter.outcome, "outcome", outcome)?,
        target: some(&filter.target),
        from: moment(&filter.from, "From")?,
        to: moment(&filter.to, "Before")?,
        q: some(&filter.q),
        personal,
        ..EventFilter::default()
    })
}

fn known<T>(text: &str, what: &str, find: impl Fn(&str) -> Option<T>) -> Result<Option<T>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let found = find(text).ok_or_else(|| format!("There is no such {what}."))?;
    Ok(Some(found))
}

fn outcome(text: &str) -> Option<Outcome> {
    [Outcome::Success, Outcome::Failure, Outcome::Denied]
        .into_iter()
        .find(|known| known.as_str() == text)
}

/// A moment as forms send it, `2026-11-22T14:05`, in UTC; a day stands for its
/// start, and a full RFC 3339 time is understood as well.
fn moment(text: &str, label: &str) -> Result<Option<Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let full = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text.to_owned(),
    };
    match Timestamp::parse_rfc3339(&full) {
        Some(at) => Ok(Some(at)),
        None => Err(format!(
            "The time in “{label}” is not one such as 2026-11-22T14:05."
        )),
    }
}

/// The spelling that a field for times shows; what is no time stays as it is.
fn as_in_forms(text: String) -> String {
    let Ok(Some(at)) = moment(&text, "") else {
        return text;
    };
    let whole = at == at.floor_to(Span::minutes(1));
    at.format_utc(if whole {
        "%Y-%m-%dT%H:%M"
    } else {
        "%Y-%m-%dT%H:%M:%S"
    })
}

/// A user by id, or by e-mail address for those who may see accounts.
async fn actor(
    app: &AppState,
    ctx: &Ctx,
    principal: &Principal,
    text: &str,
) -> Result<Result<UserId, String>, Problem> {
    if let Ok(id) = text.parse() {
        return Ok(Ok(id));
    }
    let email: Result<EmailAddress, _> = text.parse();
    let (Ok(email), true) = (email, principal.permissions.allows(Permission::UserRead)) else {
        return Ok(Err("The actor is not an id of an account.".to_owned()));
    };
    let request = PageRequest::new(Some(1), None);
    let found = app
        .auth()
        .list_users(ctx, principal.tenant, Some(&email), &request)
        .await?;
    let user = found.items.first().map(|user| user.user_id);
    Ok(user.ok_or_else(|| "Nobody here has the actor's e-mail address.".to_owned()))
}

/// A message of the domain as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase);
    let mut out: String = first.into_iter().flatten().chain(chars).collect();
    if !out.ends_with('.') {
        out.push('.');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_forms_and_people_write_them() {
        let at = |text| moment(text, "From").map(|at| at.map(|at| at.to_string()));
        let five_past = Ok(Some("2026-11-22T14:05:00Z".to_owned()));
        assert_eq!(at("2026-11-22T14:05"), five_past);
        assert_eq!(at("2026-11-22T14:05:00"), five_past);
        assert_eq!(at("2026-11-22T15:05:00+01:00"), five_past);
        assert_eq!(
            at("2026-11-22"),
            Ok(Some("2026-11-22T00:00:00Z".to_owned()))
        );
        assert_eq!(at(""), Ok(None));
        for wrong in ["yesterday", "2026-13-01", "2026-11-22T25:00", "éééééééé"] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn fields_show_moments_in_their_own_spelling() {
        let shown = |text: &str| as_in_forms(text.to_owned());
        assert_eq!(shown("2026-11-22"), "2026-11-22T00:00");
        assert_eq!(shown("2026-11-22T15:05:09+01:00"), "2026-11-22T14:05:09");
        assert_eq!(shown("yesterday"), "yesterday");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_reason() {
        let with = |change: fn(&mut AuditFilter)| {
            let mut filter = AuditFilter::default();
            change(&mut filter);
            parsed(&filter)
        };
        assert_eq!(with(|_| {}), Ok(EventFilter::default()));
        assert!(with(|f| f.severity = "bad".into()).is_err());
        assert!(with(|f| f.outcome = "won".into()).is_err());
        assert!(with(|f| f.ip = "300.1.1.1".into()).is_err());
        let both = with(|f| {
            f.ip = "203.0.113.7".into();
            f.email = "a@b.example".into();
        });
        assert!(both.is_err());
        let six = with(|f| f.ip = "2001:DB8:0::7".into()).expect("an address");
        assert_eq!(six.personal, Some(("ip".into(), "2001:db8::7".into())));
    }

    #[test]
    fn every_kind_is_on_offer_once() {
        let form = form(AuditFilter::default(), 50);
        let offered: usize = form.kinds.iter().map(|group| group.kinds.len()).sum();
        assert_eq!(offered, Kind::ALL.len());
        assert!(form.kinds.iter().any(|group| group.category == "app"));
    }
}
