use axum::extract::State;
use axum::response::Response;
use vv_audit::{EventFilter, EventView, HourCount, Kind};
use vv_auth::Permission;
use vv_base::{PageRequest, Span, Timestamp};
use vv_http::extract::require::DashboardRead;
use vv_http::{AppState, Problem};
use vv_store::Engine;

use super::audit::{actor, chain_state, names, phrase};
use super::page;
use super::staff::Staff;
use crate::chart::HourBucket;
use crate::state::ConsoleState;
use crate::view::{Activity, OverviewPage, SystemFacts, Tone, UserCount, href};

/// Hours the chart shows.
const HOURS: i64 = 24;
/// Events in the list of recent activity.
const RECENT: u16 = 8;

/// GET /
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    staff: Staff<DashboardRead>,
) -> Result<Response, Problem> {
    let app = state.app();
    let auth = app.auth();
    let (total, active) = auth.count_users(&staff.ctx, staff.principal.tenant).await?;
    let view = OverviewPage {
        shell: staff.shell(app, href::OVERVIEW).await?,
        users: UserCount {
            active: u64::try_from(active).unwrap_or(0),
            total: u64::try_from(total).unwrap_or(0),
        },
        hours: hours(app, &staff).await?,
        chain: chain_state(app, &staff.ctx).await?,
        recent: recent(app, &staff).await?,
        system: facts(&state, staff.ctx.now()),
    };
    Ok(staff.browser.answer(page(&view)?))
}

fn facts(state: &ConsoleState, now: Timestamp) -> SystemFacts {
    let auth = state.app().auth();
    let shared = match auth.shared().kind() {
        "redis" => "Redis",
        _ => "Memory",
    };
    SystemFacts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        storage: match auth.store().engine() {
            Engine::Pg => "PostgreSQL".to_owned(),
            Engine::Lite => "SQLite".to_owned(),
        },
        shared: shared.to_owned(),
        uptime: now.since(state.started()),
    }
}

async fn hours<R>(app: &AppState, staff: &Staff<R>) -> Result<Vec<HourBucket>, Problem> {
    let auth = app.auth();
    let this_hour = staff.ctx.now().floor_to(Span::hours(1));
    let first = this_hour.minus(Span::hours(HOURS - 1));
    let kinds = [Kind::LoginSucceeded, Kind::LoginFailed];
    let counts = auth.audit().hourly(&staff.ctx, &kinds, first).await?;
    Ok((0..HOURS)
        .map(|offset| bucket(first.plus(Span::hours(offset)), &counts))
        .collect())
}

fn bucket(hour: Timestamp, counts: &[HourCount]) -> HourBucket {
    let number = hour.unix_seconds() / 3600;
    let of = |kind: Kind| {
        counts
            .iter()
            .find(|count| count.hour == number && count.kind == kind.name())
            .and_then(|count| u64::try_from(count.events).ok())
            .unwrap_or(0)
    };
    HourBucket {
        label: hour.format_utc("%H:%M"),
        succeeded: of(Kind::LoginSucceeded),
        failed: of(Kind::LoginFailed),
    }
}

/// Empty for those who may see the overview but not the audit trail.
async fn recent<R>(app: &AppState, staff: &Staff<R>) -> Result<Vec<Activity>, Problem> {
    if !staff.principal.permissions.allows(Permission::AuditRead) {
        return Ok(Vec::new());
    }
    let auth = app.auth();
    let request = PageRequest::new(Some(RECENT), None);
    let found = auth
        .audit()
        .list(&staff.ctx, &EventFilter::default(), &request)
        .await?;
    let names = names(app, &staff.ctx, staff.principal.tenant, &found.items).await?;
    Ok(found
        .items
        .iter()
        .map(|event| Activity {
            at: event.time,
            who: actor(event, &names),
            what: phrase(event),
            kind: event.kind.clone(),
            tone: tone(event),
        })
        .collect())
}

fn tone(event: &EventView) -> Tone {
    match (event.outcome.as_str(), event.severity.as_str()) {
        (_, "critical") | ("failure", "error") => Tone::Bad,
        ("failure" | "denied", _) => Tone::Warning,
        _ => Tone::Good,
    }
}
