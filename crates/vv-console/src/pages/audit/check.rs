use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use vv_audit::{Segment, Start};
use vv_auth::Permission;
use vv_base::{Ctx, Timestamp};
use vv_http::extract::require::{AuditRead, AuditVerify};
use vv_http::extract::{Form, Query};
use vv_http::{AppState, Problem};

use super::chain_state;
use super::filter::sentence;
use crate::chart::{ChainStrip, SegmentState, StripSegment};
use crate::pages::page;
use crate::pages::staff::Staff;
use crate::state::ConsoleState;
use crate::view::{ChainState, SegmentRow, SinkRow, VerifyPage, href};

/// How long an answer waits for a check; it goes on by itself after that.
const PATIENCE: Duration = Duration::from_secs(20);
/// At how many places of the chain anchors are looked for.
const ANCHORS: u64 = 24;

#[derive(Deserialize)]
pub(crate) struct Check {
    csrf: String,
    mode: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct After {
    checked: Option<u8>,
    busy: Option<u8>,
}

/// GET /audit/verify
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    staff: Staff<AuditRead>,
    Query(after): Query<After>,
) -> Result<Response, Problem> {
    let (app, ctx) = (state.app(), &staff.ctx);
    let audit = app.auth().audit();
    let chain = chain_state(app, ctx).await?;
    let (strip, segments) = chain_strip(app, ctx, &chain).await?;
    let anchors = audit.anchor_status().await?;
    let manages = staff.may(Permission::AuditManage);
    let (segments, segments_error) = match segments {
        Ok(segments) if manages => (segments.iter().rev().map(segment_row).collect(), None),
        Err(error) => (Vec::new(), Some(error)),
        Ok(_) => (Vec::new(), None),
    };
    let holds = if manages {
        let holds = audit.holds(ctx).await?;
        holds
            .iter()
            .filter(|hold| hold.released_at.is_none())
            .count()
    } else {
        0
    };
    let view = VerifyPage {
        shell: staff.shell(app, href::AUDIT).await?,
        chain,
        strip,
        just_checked: after.checked.is_some(),
        busy: after.busy.is_some(),
        may_verify: staff.may(Permission::AuditVerify),
        anchored: anchors.newest,
        sinks: anchors
            .sinks
            .into_iter()
            .map(|sink| SinkRow {
                name: sink.name,
                kind: sink.kind.to_owned(),
                newest: sink.newest,
                failing: sink.failing,
            })
            .collect(),
        segments,
        segments_error,
        holds: manages.then_some(holds),
        origin: audit.log(ctx).origin(),
    };
    Ok(staff.browser.answer(page(&view)?))
}

/// POST /audit/verify: checks, then leads to the page with the result.
pub(crate) async fn verify(
    State(state): State<ConsoleState>,
    staff: Staff<AuditVerify>,
    Form(check): Form<Check>,
) -> Result<Response, Problem> {
    staff.browser.check(&check.csrf)?;
    let from = match check.mode.as_deref() {
        Some("incremental") => Start::LastVerified,
        _ => Start::Beginning,
    };
    let work = state.app().auth().verify_chain_from(&staff.ctx, from);
    // A check that is running, this one or another, stores its result as well.
    let done = match tokio::time::timeout(PATIENCE, work).await {
        Ok(done) => done?.is_some(),
        Err(_elapsed) => false,
    };
    let way = if done { "checked=1" } else { "busy=1" };
    Ok(Redirect::to(&format!("{}?{way}", href::AUDIT_VERIFY)).into_response())
}

/// The chain as a picture, and its closed months.
pub(super) async fn chain_strip(
    app: &AppState,
    ctx: &Ctx,
    chain: &ChainState,
) -> Result<(ChainStrip, Result<Vec<Segment>, String>), Problem> {
    let audit = app.auth().audit();
    let segments = audit.segments(ctx).await;
    let segments = segments.map_err(|error| sentence(&error.to_string()));
    let closed = segments.as_deref().unwrap_or_default();
    let check = chain.verification.as_ref();
    let places: Vec<u64> = (1..=ANCHORS)
        .map(|n| portion(chain.height, n))
        .filter(|height| *height > 0)
        .collect();
    let strip = ChainStrip {
        segments: months(closed, chain.height, ctx.now()),
        anchors: audit.anchored_sizes(ctx, &places).await?,
        checked: check.map(|check| (check.checked, check.verified)),
        first_bad: check.and_then(|check| check.first_bad_height),
    };
    Ok((strip, segments))
}

/// The height after `n` of [`ANCHORS`] equal parts.
fn portion(height: u64, n: u64) -> u64 {
    let part = u128::from(height) * u128::from(n) / u128::from(ANCHORS);
    u64::try_from(part).unwrap_or(height)
}

/// Closed months, and behind them what is still open.
fn months(closed: &[Segment], height: u64, now: Timestamp) -> Vec<StripSegment> {
    let mut months: Vec<StripSegment> = closed
        .iter()
        .map(|segment| StripSegment {
            label: month_label(segment.manifest.month),
            state: state_of(segment),
            from: segment.manifest.from_height(),
            to: segment.manifest.to_height(),
        })
        .collect();
    let from = months.last().map_or(1, |last| last.to + 1);
    if from <= height {
        months.push(StripSegment {
            label: now.format_utc("%b %Y"),
            state: SegmentState::Open,
            from,
            to: height,
        });
    }
    months
}

const fn state_of(segment: &Segment) -> SegmentState {
    match segment.state {
        vv_audit::SegmentState::Closed => SegmentState::Closed,
        vv_audit::SegmentState::Archived => SegmentState::Archived,
        // Some of its events may still be there; they cannot be relied on.
        vv_audit::SegmentState::Pruning | vv_audit::SegmentState::Pruned => SegmentState::Pruned,
    }
}

/// `Nov 2026` for 202611.
fn month_label(month: u32) -> String {
    const NAMES: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let name = usize::try_from(month % 100)
        .ok()
        .and_then(|number| NAMES.get(number.checked_sub(1)?));
    match name {
        Some(name) => format!("{name} {}", month / 100),
        None => month.to_string(),
    }
}

fn segment_row(segment: &Segment) -> SegmentRow {
    SegmentRow {
        label: month_label(segment.manifest.month),
        state: state_of(segment),
        from: segment.manifest.from_height(),
        to: segment.manifest.to_height(),
        closed_at: segment.closed_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_names() {
        assert_eq!(month_label(202_611), "Nov 2026");
        assert_eq!(month_label(202_701), "Jan 2027");
        assert_eq!(month_label(202_613), "202613");
        assert_eq!(month_label(0), "0");
    }

    #[test]
    fn the_open_month_holds_what_is_not_closed() {
        let now = Timestamp::from_unix_seconds(1_795_359_906);
        let open = months(&[], 7, now);
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].from, open[0].to), (1, 7));
        assert_eq!(open[0].label, "Nov 2026");
        assert!(months(&[], 0, now).is_empty());
    }

    #[test]
    fn the_parts_reach_the_end() {
        assert_eq!(portion(u64::MAX, ANCHORS), u64::MAX);
        assert_eq!(portion(10, ANCHORS), 10);
        assert_eq!(portion(10, 1), 0);
    }
}
