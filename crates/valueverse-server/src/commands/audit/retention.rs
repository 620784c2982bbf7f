//! `valueverse audit segments`, `prune` and `hold`.

use serde_json::{Value, json};
use vv_audit::{Blocked, LegalHold, Planned, PruneReport, Segment};

use super::{Trail, confirmed, failed_retention, in_chain};
use crate::cli::{Chain, HoldVerb, PruneArgs, SegmentsArgs};
use crate::commands::Job;
use crate::output::{ExitStatus, Failure};

pub(super) async fn segments(
    job: &Job<'_>,
    args: &SegmentsArgs,
    trail: &Trail,
) -> Result<ExitStatus, Failure> {
    let (audit, ctx) = (trail.audit(), &trail.ctx);
    let chains = match args.chain {
        Some(chain) => {
            trail.of(chain).await?;
            vec![chain.0]
        }
        None => trail.chains().await?,
    };
    let mut status = ExitStatus::Fine;
    let mut lines = Vec::new();
    let mut value = json!({});
    if args.close {
        let closed = audit.close_segments(ctx).await.map_err(failed_retention)?;
        lines.push(format!("closed {} segments", closed.segments.len()));
        let damaged: Vec<String> = closed
            .damaged
            .iter()
            .map(|id| Chain(*id).to_string())
            .collect();
        for chain in &damaged {
            status = ExitStatus::No;
            lines.push(format!(
                "{chain}: its events do not lead to its head; run `valueverse audit verify`"
            ));
        }
        set(&mut value, "closed", json!(closed.segments.len()));
        set(&mut value, "damaged", json!(damaged));
    }
    if args.archive {
        let archived = audit
            .archive_segments(ctx)
            .await
            .map_err(failed_retention)?;
        lines.push(format!("archived {archived} segments"));
        set(&mut value, "archived", json!(archived));
    }
    let mut entries = Vec::new();
    for chain in chains {
        let found = audit.segments(&in_chain(ctx, chain)).await;
        for segment in found.map_err(failed_retention)? {
            lines.push(segment_line(&segment));
            entries.push(segment_entry(&segment));
        }
    }
    if entries.is_empty() {
        lines.push("no month is closed yet".to_owned());
    }
    set(&mut value, "segments", json!(entries));
    job.output.result(lines.join("\n"), &value)?;
    Ok(status)
}

fn set(value: &mut Value, name: &str, what: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert(name.to_owned(), what);
    }
}

fn segment_line(segment: &Segment) -> String {
    let manifest = &segment.manifest;
    format!(
        "{} {}: {}, events {} to {}, {} bytes",
        Chain(manifest.chain),
        manifest.month,
        segment.state.as_str(),
        manifest.from_height(),
        manifest.to_height(),
        manifest.bytes
    )
}

fn segment_entry(segment: &Segment) -> Value {
    let manifest = &segment.manifest;
    let archive = manifest.archive.as_ref();
    json!({
        "chain": Chain(manifest.chain).to_string(),
        "month": manifest.month,
        "state": segment.state.as_str(),
        "from_height": manifest.from_height(),
        "to_height": manifest.to_height(),
        "bytes": manifest.bytes,
        "counts": manifest.counts,
        "archive": archive.map(|archive| json!({
            "path": archive.path,
            "sha256": hex::encode(archive.sha256),
        })),
        "closed_at": segment.closed_at,
        "archived_at": segment.archived_at,
        "pruned_at": segment.pruned_at,
        "manifest": segment.note,
    })
}

pub(super) async fn prune(
    job: &Job<'_>,
    args: &PruneArgs,
    trail: &Trail,
) -> Result<ExitStatus, Failure> {
    let audit = trail.audit();
    let Some(months) = audit.settings().retention.months else {
        let cause = "events are kept for ever";
        let remedy = "set audit.retention_months to a number of months to prune";
        return Err(Failure::usage("audit.kept", cause, remedy));
    };
    let run = async |dry_run| {
        let report = audit.prune(&trail.ctx, months, dry_run).await;
        report.map_err(failed_retention)
    };
    if !args.dry_run && !args.yes {
        let plan = run(true).await?;
        if plan.events() > 0 {
            confirmed(false, &plan_text(&plan))?;
        }
    }
    let report = run(args.dry_run).await?;
    job.output.result(
        report_lines(&report, args.dry_run),
        &report_value(&report, args.dry_run),
    )?;
    let stuck =
        |blocked: Option<Blocked>| matches!(blocked, Some(Blocked::Archive | Blocked::Damaged));
    Ok(
        if report.segments.iter().any(|segment| stuck(segment.blocked)) {
            ExitStatus::No
        } else {
            ExitStatus::Fine
        },
    )
}

fn plan_text(plan: &PruneReport) -> String {
    let free = |segment: &&Planned| segment.blocked.is_none();
    format!(
        "this removes {} events ({} bytes) of {} months from the database; they stay in the archive files",
        plan.events(),
        plan.bytes(),
        plan.segments.iter().filter(free).count()
    )
}

fn report_lines(report: &PruneReport, dry_run: bool) -> String {
    if report.segments.is_empty() {
        return "no month has come to the end of its time".to_owned();
    }
    let verb = if dry_run { "would prune" } else { "pruned" };
    let mut lines: Vec<String> = report
        .segments
        .iter()
        .map(|segment| {
            let done = match segment.blocked {
                None => verb.to_owned(),
                Some(blocked) => format!("stays ({})", blocked.as_str()),
            };
            format!(
                "{} {}: {done}, events {} to {}, {} bytes",
                Chain(segment.chain),
                segment.month,
                segment.from_height,
                segment.to_height,
                segment.bytes
            )
        })
        .collect();
    lines.push(format!(
        "{verb} {} events, {} bytes",
        report.events(),
        report.bytes()
    ));
    lines.join("\n")
}

fn report_value(report: &PruneReport, dry_run: bool) -> Value {
    let segments: Vec<Value> = report
        .segments
        .iter()
        .map(|segment| {
            json!({
                "chain": Chain(segment.chain).to_string(),
                "month": segment.month,
                "from_height": segment.from_height,
                "to_height": segment.to_height,
                "bytes": segment.bytes,
                "blocked": segment.blocked.map(Blocked::as_str),
            })
        })
        .collect();
    json!({
        "dry_run": dry_run,
        "events": report.events(),
        "bytes": report.bytes(),
        "segments": segments,
    })
}

pub(super) async fn hold(
    job: &Job<'_>,
    verb: &HoldVerb,
    trail: &Trail,
) -> Result<ExitStatus, Failure> {
    let audit = trail.audit();
    match verb {
        HoldVerb::Place { chain, reason } => {
            let ctx = trail.of(*chain).await?;
            let id = audit
                .place_hold(&ctx, reason)
                .await
                .map_err(failed_retention)?;
            let value = json!({ "id": id, "chain": chain.to_string() });
            job.output
                .result(format!("placed legal hold {id} on {chain}"), &value)?;
        }
        HoldVerb::Release { chain, id } => {
            let ctx = trail.of(*chain).await?;
            audit
                .release_hold(&ctx, *id)
                .await
                .map_err(failed_retention)?;
            let value = json!({ "id": id, "chain": chain.to_string() });
            job.output
                .result(format!("released legal hold {id} on {chain}"), &value)?;
        }
        HoldVerb::List { chain } => {
            let ctx = trail.of(*chain).await?;
            let holds = audit.holds(&ctx).await.map_err(failed_retention)?;
            let mut lines: Vec<String> = holds.iter().map(hold_line).collect();
            if lines.is_empty() {
                lines.push("no legal holds".to_owned());
            }
            let holds: Vec<Value> = holds.iter().map(hold_entry).collect();
            job.output
                .result(lines.join("\n"), &json!({ "holds": holds }))?;
        }
    }
    Ok(ExitStatus::Fine)
}

fn hold_line(hold: &LegalHold) -> String {
    let state = match hold.released_at {
        None => "in force".to_owned(),
        Some(at) => format!("released {at}"),
    };
    format!(
        "{} placed {}, {state}: {}",
        hold.hold_id, hold.placed_at, hold.reason
    )
}

fn hold_entry(hold: &LegalHold) -> Value {
    json!({
        "id": hold.hold_id,
        "reason": hold.reason,
        "placed_at": hold.placed_at,
        "placed_by": hold.placed_by,
        "released_at": hold.released_at,
        "released_by": hold.released_by,
    })
}
