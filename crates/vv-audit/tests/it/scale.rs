//! Answers when there is much to look through, and how long they take. For
//! figures run it alone with the number of events in `VALUEVERSE_TEST_EVENTS`:
//! `cargo test --release -p vv-audit --test it scale -- --nocapture`.

use std::time::Instant;

use futures_util::future::join_all;
use futures_util::{StreamExt as _, pin_mut};
use vv_audit::export::ExportFormat;
use vv_audit::{Event, EventFilter, ExportRequest, Kind, Order, Outcome, Severity};
use vv_base::{Ctx, Id, PageRequest, Span, Timestamp, UserId};
use vv_testkit::stores::setting;

use crate::harness::{World, on_both};

/// Events that are given in at the same time.
const TOGETHER: u64 = 4_000;
/// Over how many days the events are spread.
const DAYS: i64 = 720;

fn user(n: u64) -> UserId {
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    Id::from_custom_bytes(bytes)
}

fn mix(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24
}

fn event(n: u64) -> Event {
    let mix = mix(n);
    let (kind, outcome) = match mix % 10_000 {
        0 => (Kind::ChainBroken, Outcome::Failure),
        1..100 => (Kind::KeyDestroyed, Outcome::Success),
        100..500 => (Kind::DataDeleted, Outcome::Success),
        500..1_500 => (Kind::LoginFailed, Outcome::Denied),
        1_500..3_000 => (Kind::DataViewed, Outcome::Success),
        _ => (Kind::LoginSucceeded, Outcome::Success),
    };
    // Four of ten by one person, the others by a thousand.
    let actor = if mix / 7 % 10 < 4 {
        0
    } else {
        mix / 11 % 1_000
    };
    let note = format!("common group{} rare{n}", mix / 13 % 1_000);
    Event::new(kind)
        .outcome(outcome)
        .by_user(user(actor))
        .foreign_target("cart".to_owned(), format!("cart-{}", mix / 17 % 10_000))
        .detail("note", note)
}

async fn fill(world: &World, ctx: &Ctx, count: u64) {
    let sealer = world.audit.sealer(ctx, user(0)).await.unwrap();
    let rounds = i64::try_from(count.div_ceil(TOGETHER)).unwrap();
    let step = Span::days(DAYS).micros() / rounds;
    for first in (0..count).step_by(usize::try_from(TOGETHER).unwrap()) {
        let now = ctx.now();
        world
            .clock
            .set(Timestamp::from_unix_micros(now.unix_micros() + step));
        let numbers = first..(first + TOGETHER).min(count);
        let appends = numbers.map(|n| {
            let mut event = event(n);
            if n % 100 == 0 {
                let email = format!("person{}@example.com", n / 100 % 500);
                event = event.personal(&sealer, "email", email);
            }
            world.audit.append(ctx, event)
        });
        for done in join_all(appends).await {
            done.unwrap();
        }
    }
}

fn rss_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

type Named = (&'static str, EventFilter);

#[expect(
    clippy::unnecessary_wraps,
    reason = "the fields of a filter are options"
)]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn none() -> EventFilter {
    EventFilter::default()
}

fn filters(now: Timestamp, count: u64) -> Vec<Named> {
    [
        of_kind_and_severity(),
        of_people_and_time(now),
        of_words(count),
    ]
    .concat()
}

fn of_kind_and_severity() -> Vec<Named> {
    vec![
        ("no filter", none()),
        (
            "oldest first",
            EventFilter {
                order: Order::Oldest,
                ..none()
            },
        ),
        (
            "common kind",
            EventFilter {
                kind: text("authentication.login_succeeded"),
                ..none()
            },
        ),
        (
            "rare kind",
            EventFilter {
                kind: text("security.chain_broken"),
                ..none()
            },
        ),
        (
            "unknown kind",
            EventFilter {
                kind: text("nothing.here"),
                ..none()
            },
        ),
        (
            "category",
            EventFilter {
                kind: text("data.*"),
                ..none()
            },
        ),
        (
            "critical",
            EventFilter {
                severity: Some(Severity::Critical),
                ..none()
            },
        ),
        (
            "warning or worse",
            EventFilter {
                min_severity: Some(Severity::Warning),
                ..none()
            },
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list, some lines for each filter")]
fn of_people_and_time(now: Timestamp) -> Vec<Named> {
    let middle = now.minus(Span::days(DAYS / 2));
    let day = Some(middle.plus(Span::days(1)));
    vec![
        (
            "info",
            EventFilter {
                severity: Some(Severity::Info),
                ..none()
            },
        ),
        (
            "failure",
            EventFilter {
                outcome: Some(Outcome::Failure),
                ..none()
            },
        ),
        (
            "success",
            EventFilter {
                outcome: Some(Outcome::Success),
                ..none()
            },
        ),
        (
            "busy actor",
            EventFilter {
                actor: Some(user(0)),
                ..none()
            },
        ),
        (
            "quiet actor",
            EventFilter {
                actor: Some(user(77)),
                ..none()
            },
        ),
        (
            "target",
            EventFilter {
                target: text("cart-77"),
                ..none()
            },
        ),
        (
            "one day",
            EventFilter {
                from: Some(middle),
                to: day,
                ..none()
            },
        ),
        (
            "one day, rare kind",
            EventFilter {
                from: Some(middle),
                to: day,
                kind: text("security.key_destroyed"),
                ..none()
            },
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a list, some lines for each filter")]
fn of_words(count: u64) -> Vec<Named> {
    let email = ("email".to_owned(), "person7@example.com".to_owned());
    vec![
        (
            "rare word",
            EventFilter {
                q: Some(format!("rare{}", count / 3)),
                ..none()
            },
        ),
        (
            "common word",
            EventFilter {
                q: text("common"),
                ..none()
            },
        ),
        (
            "two words",
            EventFilter {
                q: text("common group77"),
                ..none()
            },
        ),
        (
            "prefix",
            EventFilter {
                q: text("rare77*"),
                ..none()
            },
        ),
        (
            "no such word",
            EventFilter {
                q: text("nothing"),
                ..none()
            },
        ),
        (
            "word and actor",
            EventFilter {
                q: text("group77"),
                actor: Some(user(77)),
                ..none()
            },
        ),
        (
            "e-mail",
            EventFilter {
                personal: Some(email),
                ..none()
            },
        ),
        (
            "busy actor, rare kind",
            EventFilter {
                actor: Some(user(0)),
                kind: text("security.key_destroyed"),
                ..none()
            },
        ),
        (
            "two common ones that never meet",
            EventFilter {
                outcome: Some(Outcome::Denied),
                kind: text("data.viewed"),
                ..none()
            },
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_filter_answers_and_an_export_has_everything() {
    let count = setting("VALUEVERSE_TEST_EVENTS").map_or(3_000, |n| n.parse().unwrap());
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let started = Instant::now();
        fill(&world, &ctx, count).await;
        println!(
            "{:?}: {count} events in {:?}",
            world.engine,
            started.elapsed()
        );
        world
            .store
            .run_script(&ctx, "analyze", "select 1")
            .await
            .unwrap();
        let page = PageRequest::new(None, None);
        for (name, filter) in filters(ctx.now(), count) {
            let mut times = Vec::new();
            let mut last = (0, false);
            for _ in 0..5 {
                let started = Instant::now();
                let found = world.audit.list(&ctx, &filter, &page).await.unwrap();
                times.push(started.elapsed());
                last = (found.items.len(), found.next_cursor.is_some());
            }
            times.sort_unstable();
            println!(
                "{:?} {name}: {:?} (worst {:?}) {last:?}",
                world.engine, times[2], times[4]
            );
        }
        for days in [30, 400] {
            let started = Instant::now();
            let stats = world.audit.stats(&ctx, days).await.unwrap();
            println!(
                "{:?} stats {days}: {:?} {}",
                world.engine,
                started.elapsed(),
                stats.total
            );
        }
        export(&world, &ctx, count).await;
    })
    .await;
}

async fn export(world: &World, ctx: &Ctx, count: u64) {
    let request = ExportRequest {
        filter: EventFilter::default(),
        format: ExportFormat::Jsonl,
        opened: true,
    };
    let before = rss_kib();
    let started = Instant::now();
    let (mut bytes, mut lines, mut largest, mut most) = (0, 0, 0, before);
    let stream = world.audit.export(ctx, &request).await.unwrap();
    pin_mut!(stream);
    while let Some(piece) = stream.next().await {
        let piece = piece.unwrap();
        bytes += piece.len();
        lines += piece.split(|byte| *byte == b'\n').count() - 1;
        largest = largest.max(piece.len());
        most = most.max(rss_kib());
    }
    // A header and a trailer around them, and the event about the export itself.
    let events = u64::try_from(lines).unwrap();
    assert!((count + 2..=count + 3).contains(&events), "{events} lines");
    println!(
        "{:?} export: {bytes} bytes in {:?}, largest piece {largest}, RSS {before} → {most} KiB",
        world.engine,
        started.elapsed()
    );
}
