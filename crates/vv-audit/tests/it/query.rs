//! Lists against a model that looks at every event.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use vv_audit::{
    Audit, AuditError, Event, EventFilter, EventView, FilterError, Kind, Order, Outcome, Severity,
};
use vv_base::{Actor, Ctx, Cursor, Id, PageRequest, Span, Timestamp, UserId};

use crate::harness::{World, on_both};

/// Kinds of which the events are; two share a category.
const KINDS: [Kind; 5] = [
    Kind::LoginSucceeded,
    Kind::LoginFailed,
    Kind::DataViewed,
    Kind::DataDeleted,
    Kind::KeyDestroyed,
];
const OUTCOMES: [Outcome; 3] = [Outcome::Success, Outcome::Failure, Outcome::Denied];
const TARGETS: [&str; 3] = ["cart-1", "cart-2", "it's 100% _odd_"];
const NOTES: [&str; 4] = ["Café au lait", "plain tea", "", "tea: green (cold)"];
const EMAILS: [&str; 3] = ["ann@example.com", "bob@example.com", "carol@example.com"];

/// What the model knows of an event.
#[derive(Debug, Clone)]
struct Known {
    height: i64,
    time: Timestamp,
    kind: Kind,
    outcome: Outcome,
    actor: Option<UserId>,
    target: Option<&'static str>,
    note: &'static str,
    email: Option<&'static str>,
}

pub(crate) fn users() -> [UserId; 3] {
    [1, 2, 3].map(|n| Id::from_custom_bytes([n; 16]))
}

fn pick<T: Copy>(list: &[T], n: u64) -> Option<T> {
    let index = usize::try_from(n).unwrap() % (list.len() + 1);
    list.get(index).copied()
}

/// A chain of `count` events that differ in everything, and what is known of it.
async fn fill(world: &World, ctx: &Ctx, count: u64) -> Vec<Known> {
    let mut known = Vec::new();
    for n in 0..count {
        let mix = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let kind = KINDS[usize::try_from(mix % 5).unwrap()];
        let outcome = OUTCOMES[usize::try_from(mix / 5 % 3).unwrap()];
        let actor = pick(&users(), mix / 15);
        let target = pick(&TARGETS, mix / 60);
        let note = NOTES[usize::try_from(mix / 240 % 4).unwrap()];
        let email = pick(&EMAILS, mix / 960);
        world
            .clock
            .advance(Span::minutes(i64::try_from(mix % 3).unwrap() * 300));
        let mut event = Event::new(kind).outcome(outcome).detail("note", note);
        if let Some(target) = target {
            event = event.foreign_target("cart".to_owned(), target.to_owned());
        }
        if let Some(email) = email {
            let owner = users()[EMAILS.iter().position(|e| *e == email).unwrap()];
            let sealer = world.audit.sealer(ctx, owner).await.unwrap();
            event = event.personal(&sealer, "email", email.to_owned());
        }
        if let Some(actor) = actor {
            event = event.by_user(actor);
        }
        let recorded = world.audit.append(ctx, event).await.unwrap();
        known.push(Known {
            height: i64::try_from(recorded.height).unwrap(),
            time: ctx.now(),
            kind,
            outcome,
            actor,
            target,
            note,
            email,
        });
    }
    known
}

fn fits(filter: &EventFilter, event: &Known) -> bool {
    let kind = filter
        .kind
        .as_ref()
        .is_none_or(|kind| match kind.strip_suffix('*') {
            Some(prefix) => event.kind.name().starts_with(prefix),
            None => event.kind.name() == kind,
        });
    let severity = event.kind.severity();
    let words = event.note.to_lowercase().replace('é', "e");
    let words: Vec<&str> = words.split(|c: char| !c.is_alphanumeric()).collect();
    let text = filter.q.as_ref().is_none_or(|q| {
        let q = q.to_lowercase();
        q.split(' ').all(|wanted| match wanted.strip_suffix('*') {
            Some(prefix) => words.iter().any(|word| word.starts_with(prefix)),
            None => words.contains(&wanted),
        })
    });
    let height = u64::try_from(event.height).unwrap();
    kind && text
        && filter.severity.is_none_or(|exact| exact == severity)
        && filter.min_severity.is_none_or(|least| severity >= least)
        && filter
            .outcome
            .is_none_or(|outcome| outcome == event.outcome)
        && filter.actor.is_none_or(|actor| Some(actor) == event.actor)
        && filter
            .target
            .as_deref()
            .is_none_or(|target| Some(target) == event.target)
        && filter.from.is_none_or(|from| event.time >= from)
        && filter.to.is_none_or(|to| event.time < to)
        && filter.from_height.is_none_or(|from| height >= from)
        && filter.to_height.is_none_or(|to| height <= to)
        && filter
            .personal
            .as_ref()
            .is_none_or(|(_, email)| Some(email.as_str()) == event.email)
}

fn expected(filter: &EventFilter, known: &[Known]) -> Vec<i64> {
    let found = known.iter().filter(|event| fits(filter, event));
    let mut heights: Vec<i64> = found.map(|event| event.height).collect();
    if filter.order == Order::Newest {
        heights.reverse();
    }
    heights
}

/// Every page of a filter.
pub(crate) async fn pages(
    audit: &Audit,
    ctx: &Ctx,
    filter: &EventFilter,
    limit: u16,
) -> Vec<EventView> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let request = PageRequest::new(Some(limit), after);
        let page = audit.list(ctx, filter, &request).await.unwrap();
        assert!(page.items.len() <= usize::from(limit));
        found.extend(page.items);
        match page.next_cursor {
            Some(cursor) => after = Some(Cursor::parse(&cursor.to_string()).unwrap()),
            None => return found,
        }
    }
}

fn heights(found: &[EventView]) -> Vec<i64> {
    found.iter().map(|event| event.height).collect()
}

fn any_filter(first: Timestamp) -> impl Strategy<Value = EventFilter> {
    fn rarely<S: Strategy + 'static>(of: S) -> impl Strategy<Value = Option<S::Value>>
    where
        S::Value: Clone + 'static,
    {
        prop::option::weighted(0.25, of)
    }
    let moment = (0..40_i64).prop_map(move |n| first.plus(Span::hours(n * 11)));
    let kind = prop::sample::select(vec![
        "authentication.*",
        "data.*",
        "data.viewed",
        "security.key_destroyed",
        "nothing.here",
        "unknown.*",
    ]);
    let words = prop::sample::select(vec!["tea", "CAFE", "green tea", "te*", "la* au", "none"]);
    let severity = || prop::sample::select(Severity::ALL.to_vec());
    let what = (
        rarely(kind),
        rarely(severity()),
        rarely(severity()),
        rarely(prop::sample::select(OUTCOMES.to_vec())),
        rarely(prop::sample::select(users().to_vec())),
        rarely(prop::sample::select(TARGETS.to_vec())),
    );
    let place = (
        rarely(moment.clone()),
        rarely(moment),
        rarely(words),
        rarely(prop::sample::select(EMAILS.to_vec())),
        rarely(0..140_u64),
        rarely(0..140_u64),
        any::<bool>(),
    );
    (what, place).prop_map(|(what, place)| EventFilter {
        kind: what.0.map(str::to_owned),
        severity: what.1,
        min_severity: what.2,
        outcome: what.3,
        actor: what.4,
        target: what.5.map(str::to_owned),
        from: place.0,
        to: place.1,
        q: place.2.map(str::to_owned),
        personal: place.3.map(|email| ("email".to_owned(), email.to_owned())),
        from_height: place.4,
        to_height: place.5,
        order: if place.6 {
            Order::Newest
        } else {
            Order::Oldest
        },
    })
}

#[tokio::test]
async fn every_filter_finds_what_the_model_finds() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let first = ctx.now();
        let known = fill(&world, &ctx, 120).await;
        // Somebody else's events are in the same tables.
        fill(&world, &world.ctx(world.tenant()), 20).await;
        let seed = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(Config::default(), seed);
        let filters = any_filter(first);
        let mut hits = 0;
        for round in 0..400 {
            let filter = filters.new_tree(&mut runner).unwrap().current();
            let wanted = expected(&filter, &known);
            let limit = [200, 7, 1, 50][round % 4];
            let found = heights(&pages(&world.audit, &ctx, &filter, limit).await);
            assert_eq!(found, wanted, "{:?} {filter:?}", world.engine);
            let count = world.audit.count(&ctx, &filter).await.unwrap();
            assert_eq!(
                count.events,
                u64::try_from(wanted.len()).unwrap(),
                "{filter:?}"
            );
            assert!(!count.at_least);
            hits += usize::from(!wanted.is_empty());
        }
        assert!(hits > 100, "most filters must find something: {hits}");
    })
    .await;
}

#[tokio::test]
async fn a_view_has_everything() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let [ann, ..] = users();
        let sealer = world.audit.sealer(&ctx, ann).await.unwrap();
        let signed_in = ctx.clone().with_actor(Actor::User {
            user: ann,
            session: ctx.new_id(),
        });
        let event = Event::new(Kind::DataViewed)
            .detail("note", "a \"quoted\" note")
            .personal(&sealer, "email", "ann@example.com".to_owned());
        let first = world.audit.append(&signed_in, event).await.unwrap();
        let event = Event::new(Kind::DataViewed);
        let second = world.audit.append(&ctx, event).await.unwrap();
        let seen = world
            .audit
            .view(&ctx, first.event_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(seen.event.details["note"], "a \"quoted\" note");
        assert_eq!(seen.event.occurred, Some(ctx.now()));
        assert_eq!(seen.event.actor, Some(ann));
        let opened = Some("ann@example.com".to_owned());
        assert_eq!(seen.event.personal, [("email".to_owned(), opened)]);
        assert_eq!(seen.node.as_deref(), Some("node-1"));
        assert!(seen.session.is_some() && seen.request.is_some());
        assert!(seen.body.unwrap().starts_with("{\"act\":\"viewed\""));
        let next = world
            .audit
            .view(&ctx, second.event_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(next.prev_hash, Some(seen.event.leaf_hash));
        // Another tenant cannot see it.
        let other = world.ctx(world.tenant());
        assert!(
            world
                .audit
                .view(&other, first.event_id)
                .await
                .unwrap()
                .is_none()
        );
    })
    .await;
}

#[tokio::test]
async fn pages_are_whole_while_others_write() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        world.fill(&ctx, 300).await;
        let filter = EventFilter {
            kind: Some("data.*".to_owned()),
            ..EventFilter::default()
        };
        let writer = async {
            for _ in 0..40 {
                world.fill(&ctx, 5).await;
            }
        };
        let (found, ()) = tokio::join!(pages(&world.audit, &ctx, &filter, 9), writer);
        let newest = found[0].height;
        assert!(newest >= 300);
        let wanted: Vec<i64> = (1..=newest).rev().collect();
        assert_eq!(heights(&found), wanted);
    })
    .await;
}

#[tokio::test]
async fn cursors_and_filters_of_nobody_are_refused() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        world.fill(&ctx, 3).await;
        for key in [&b"short"[..], &[0; 9]] {
            let request = PageRequest::new(None, Some(Cursor::after(key)));
            let found = world
                .audit
                .list(&ctx, &EventFilter::default(), &request)
                .await;
            assert!(matches!(found, Err(AuditError::Store(_))), "{found:?}");
        }
        for height in [i64::MIN, -1, 0, i64::MAX] {
            let cursor = Cursor::after(&height.to_be_bytes());
            for order in [Order::Newest, Order::Oldest] {
                let request = PageRequest::new(None, Some(cursor.clone()));
                let filter = EventFilter {
                    order,
                    ..EventFilter::default()
                };
                let page = world.audit.list(&ctx, &filter, &request).await.unwrap();
                assert!(page.items.len() <= 3 && page.next_cursor.is_none());
            }
        }
        let refused = |filter: EventFilter| filter.check().unwrap_err();
        let text = |text: &str| Some(text.to_owned());
        let kind = EventFilter {
            kind: text("data*"),
            ..EventFilter::default()
        };
        assert_eq!(refused(kind), FilterError::Pattern);
        let target = EventFilter {
            target: text("a\0b"),
            ..EventFilter::default()
        };
        assert_eq!(refused(target), FilterError::Value("target"));
        let field = ("name".to_owned(), "x".to_owned());
        let personal = EventFilter {
            personal: Some(field),
            ..EventFilter::default()
        };
        assert_eq!(refused(personal.clone()), FilterError::Field);
        let error = world
            .audit
            .list(&ctx, &personal, &PageRequest::new(None, None))
            .await;
        assert_eq!(error.unwrap_err().code().as_str(), "request.invalid_query");
    })
    .await;
}

#[tokio::test]
async fn statistics_count_what_was_written() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let known = fill(&world, &ctx, 60).await;
        let stats = world.audit.stats(&ctx, 400).await.unwrap();
        assert_eq!(stats.total, 60);
        for kind in KINDS {
            let wanted = known.iter().filter(|event| event.kind == kind).count();
            let found = stats.kinds.get(kind.name()).copied().unwrap_or(0);
            assert_eq!(found, i64::try_from(wanted).unwrap());
        }
        assert_eq!(stats.outcomes.values().sum::<i64>(), 60);
        assert_eq!(stats.days.iter().map(|(_, n)| n).sum::<i64>(), 60);
        let acted = known.iter().filter(|event| event.actor.is_some()).count();
        let actors: i64 = stats.actors.iter().map(|actor| actor.events).sum();
        assert_eq!(actors, i64::try_from(acted).unwrap());
        let day = ctx.now().floor_to(Span::days(1));
        let today = known.iter().filter(|event| event.time >= day).count();
        let stats = world.audit.stats(&ctx, 1).await.unwrap();
        assert_eq!(stats.total, i64::try_from(today).unwrap());
        let hourly = world
            .audit
            .hourly(&ctx, &KINDS[..2], known[0].time)
            .await
            .unwrap();
        let logins = known
            .iter()
            .filter(|event| KINDS[..2].contains(&event.kind))
            .count();
        let found: i64 = hourly.iter().map(|count| count.events).sum();
        assert_eq!(found, i64::try_from(logins).unwrap());
    })
    .await;
}
