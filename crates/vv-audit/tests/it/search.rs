//! Words and sealed fields.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use vv_audit::{AuditError, Event, EventFilter, EventView, Kind};
use vv_base::{Ctx, Page, PageRequest};
use vv_store::{Sql, args};

use crate::harness::{World, on_both};
use crate::query::{pages, users};

async fn note(world: &World, ctx: &Ctx, note: &str) -> i64 {
    let event = Event::new(Kind::DataViewed).detail("note", note);
    let recorded = world.audit.append(ctx, event).await.unwrap();
    i64::try_from(recorded.height).unwrap()
}

async fn find(world: &World, ctx: &Ctx, q: &str) -> Vec<i64> {
    let filter = EventFilter {
        q: Some(q.to_owned()),
        ..EventFilter::default()
    };
    let found = pages(&world.audit, ctx, &filter, 50).await;
    found.iter().map(|event| event.height).collect()
}

async fn find_email(world: &World, ctx: &Ctx, email: &str) -> Page<EventView> {
    let filter = EventFilter {
        personal: Some(("email".to_owned(), email.to_owned())),
        ..EventFilter::default()
    };
    let page = PageRequest::new(None, None);
    world.audit.list(ctx, &filter, &page).await.unwrap()
}

#[tokio::test]
async fn words_are_found_in_any_spelling() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let cafe = note(&world, &ctx, "Café-Müller, 3rd floor: x²=4").await;
        let mail = note(&world, &ctx, "sent to ops@example.org at 1e5 v1.2.3").await;
        let han = note(&world, &ctx, "東京 Ελλάδα ı́ \u{1F600} naïve").await;
        for (q, wanted) in [
            ("cafe muller", vec![cafe]),
            ("CAFÉ MÜLLER", vec![cafe]),
            ("café-müller", vec![cafe]),
            ("X2", vec![cafe]),
            ("ops@example.org", vec![mail]),
            ("1e5", vec![mail]),
            ("v1.2.3", vec![mail]),
            ("東京", vec![han]),
            ("東*", vec![han]),
            ("ελλαδα", vec![han]),
            ("naive", vec![han]),
            ("exampl*", vec![mail]),
            ("exampl", vec![]),
            ("cafe ops", vec![]),
        ] {
            assert_eq!(find(&world, &ctx, q).await, wanted, "{q}");
        }
        // The words of one tenant are nobody else's.
        let other = world.ctx(world.tenant());
        assert_eq!(find(&world, &other, "cafe").await, Vec::<i64>::new());
    })
    .await;
}

#[tokio::test]
async fn a_search_is_never_syntax() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let plain = note(&world, &ctx, "plain words").await;
        for q in [
            "plain\" OR \"words",
            "plain' | 'words",
            "plain & !words",
            "plain NEAR words",
            "words:plain",
            "^plain",
            "{words} : plain",
            "plain;words",
            "plain:*",
            "-plain",
            "plain\0words",
            "'; drop table audit_text; --",
        ] {
            // Found or not, but never an error of the engine.
            let found = find(&world, &ctx, q).await;
            assert!(found.is_empty() || found == [plain], "{q}");
        }
        let mut runner = TestRunner::deterministic();
        for _ in 0..150 {
            let q = "\\PC{1,40}".new_tree(&mut runner).unwrap().current();
            let filter = EventFilter {
                q: Some(q.clone()),
                ..EventFilter::default()
            };
            let page = PageRequest::new(None, None);
            let found = world.audit.list(&ctx, &filter, &page).await;
            assert!(
                matches!(found, Ok(_) | Err(AuditError::Filter(_))),
                "{q:?} {found:?}"
            );
            // What was written is found by its own text.
            let stored = note(&world, &ctx, &q).await;
            if let Ok(()) = filter.check() {
                assert!(find(&world, &ctx, &q).await.contains(&stored), "{q:?}");
            }
        }
        assert_eq!(find(&world, &ctx, "plain").await.last(), Some(&plain));
    })
    .await;
}

#[tokio::test]
async fn words_of_another_tenant_are_refused_by_the_function_itself() {
    static FIND: Sql = Sql::split(
        "test.find_words",
        "select height from audit.find_words($1, 'x', 0, 9, false, 9) as height",
        "select rowid as height from audit_text where audit_text match 'x' and $1 is null",
    );
    on_both(async |world| {
        let (mine, other) = (world.tenant(), world.tenant());
        let find = async |chain| {
            let ctx = world.ctx(mine);
            let read = world.store.read(&ctx, "test.find", async |tx| {
                tx.all::<(i64,)>(&FIND, args![chain]).await
            });
            read.await
        };
        assert_eq!(find(mine).await.unwrap(), []);
        if world.engine == vv_store::Engine::Pg {
            assert!(find(other).await.is_err());
        }
    })
    .await;
}

#[tokio::test]
async fn sealed_fields_are_found_until_their_subject_is_erased() {
    static ERASE: Sql = Sql::same(
        "test.erase",
        "update subject_keys set destroyed_at = $2 where subject_id = $1",
    );
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let [ann, bob, _] = users();
        let email = "ann@example.com".to_owned();
        for user in [ann, bob, ann] {
            let sealer = world.audit.sealer(&ctx, user).await.unwrap();
            let event = Event::new(Kind::DataViewed)
                .personal(&sealer, "identifier", email.clone())
                .personal(&sealer, "ip", "198.51.100.7".to_owned());
            world.audit.append(&ctx, event).await.unwrap();
        }
        let found = find_email(&world, &ctx, " ANN@example.com").await;
        let heights: Vec<_> = found.items.iter().map(|event| event.height).collect();
        assert_eq!(heights, [3, 2, 1]);
        let ip = EventFilter {
            personal: Some(("ip".to_owned(), "::ffff:198.51.100.7".to_owned())),
            ..EventFilter::default()
        };
        assert_eq!(pages(&world.audit, &ctx, &ip, 1).await.len(), 3);
        assert!(
            find_email(&world, &ctx, "bob@example.com")
                .await
                .items
                .is_empty()
        );
        // Another chain has another index.
        let other = world.ctx(world.tenant());
        assert!(find_email(&world, &other, &email).await.items.is_empty());
        world
            .keys
            .tx(&world.system(), "test.erase", async |tx| {
                tx.exec_one(&ERASE, args![ann, ctx.now()]).await
            })
            .await
            .unwrap();
        let found = find_email(&world, &ctx, &email).await;
        let heights: Vec<_> = found.items.iter().map(|event| event.height).collect();
        assert_eq!(heights, [2], "only what can still be read is found");
        assert!(found.next_cursor.is_none());
        let all = pages(&world.audit, &ctx, &EventFilter::default(), 50).await;
        assert_eq!(all.len(), 3);
        let hidden = [("identifier".to_owned(), None), ("ip".to_owned(), None)];
        assert_eq!(all[0].personal, hidden);
        assert_eq!(all[1].personal[0].1.as_ref(), Some(&email));
    })
    .await;
}

#[tokio::test]
async fn the_index_of_words_survives_deletions() {
    static PRUNE: Sql = Sql::split(
        "test.prune_words",
        "delete from audit_text where tenant_id = $1 and height = $2",
        "delete from audit_text where rowid in (select gseq from audit_events \
         where tenant_id = $1 and height = $2)",
    );
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let (first, second) = (
            note(&world, &ctx, "old tea").await,
            note(&world, &ctx, "new tea").await,
        );
        assert_eq!(find(&world, &ctx, "tea").await, [second, first]);
        let chain = ctx.tenant().unwrap();
        world
            .store
            .tx(&ctx, "test.prune_words", async |tx| {
                tx.exec_one(&PRUNE, args![chain, first]).await
            })
            .await
            .unwrap();
        assert_eq!(find(&world, &ctx, "tea").await, [second]);
        assert_eq!(find(&world, &ctx, "old").await, Vec::<i64>::new());
        let third = note(&world, &ctx, "more tea").await;
        assert_eq!(find(&world, &ctx, "te*").await, [third, second]);
    })
    .await;
}
