//! A person's key is destroyed: nothing of them can be read any more, and
//! nothing else changes.

use vv_audit::{Event, EventFilter, Kind, VerifyOptions};
use vv_base::{Ctx, PageRequest, UserId};
use vv_store::{Sql, StoreError, args};

use crate::harness::{World, on_both};

static WRAPPED: Sql = Sql::same(
    "test.wrapped",
    "select wrapped_key, destroyed_at from subject_keys where subject_id = $1",
);
static HASHES: Sql = Sql::same(
    "test.hashes",
    "select leaf_hash from audit_events where tenant_id = $1 and height <= $2 order by height",
);
static BLIND: Sql = Sql::same("test.blind", "select count(*) from audit_blind");

const EMAIL: &str = "ann@example.com";

fn by_email() -> EventFilter {
    EventFilter {
        personal: Some(("email".to_owned(), EMAIL.to_owned())),
        ..EventFilter::default()
    }
}

async fn signs_in(world: &World, ctx: &Ctx, user: UserId, email: &str) {
    let sealer = world.audit.sealer(ctx, user).await.unwrap();
    let event =
        Event::new(Kind::LoginSucceeded)
            .by_user(user)
            .personal(&sealer, "email", email.to_owned());
    world.audit.append(ctx, event).await.unwrap();
}

/// What each event says about e-mail addresses, oldest first.
async fn emails(world: &World, ctx: &Ctx) -> Vec<Option<String>> {
    let filter = EventFilter {
        kind: Some("authentication.login_succeeded".to_owned()),
        ..EventFilter::default()
    };
    let page = world
        .audit
        .list(ctx, &filter, &PageRequest::new(None, None))
        .await
        .unwrap();
    let fields = page.items.iter().rev().flat_map(|event| &event.personal);
    fields.map(|field| field.1.clone()).collect()
}

async fn hashes(world: &World, ctx: &Ctx, to: i64) -> Vec<(Vec<u8>,)> {
    let chain = ctx.tenant().unwrap();
    world
        .store
        .read(ctx, "test.hashes", async |tx| {
            tx.all(&HASHES, args![chain, to]).await
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap()
}

async fn blind_entries(world: &World) -> i64 {
    let (count,): (i64,) = world
        .store
        .read(&world.system(), "test.blind", async |tx| {
            tx.one(&BLIND, args![]).await
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    count
}

async fn key_of(world: &World, user: UserId) -> (Vec<u8>, Option<i64>) {
    world
        .keys
        .read(&world.system(), "test.wrapped", async |tx| {
            tx.one(&WRAPPED, args![user]).await
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap()
}

async fn expect_green(world: &World, ctx: &Ctx) {
    let found = world
        .audit
        .verify(ctx, &VerifyOptions::default(), |_, _| {})
        .await
        .unwrap();
    assert!(found.verified, "{found:?}");
    assert_eq!(found.findings, []);
}

#[tokio::test]
async fn verdicts_and_hashes_stay_and_the_data_are_gone() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let elsewhere = world.ctx(world.tenant());
        let (ann, bob) = (ctx.new_id(), ctx.new_id());
        signs_in(&world, &ctx, ann, EMAIL).await;
        signs_in(&world, &ctx, bob, "bob@example.com").await;
        signs_in(&world, &elsewhere, ann, EMAIL).await;
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            emails(&world, &ctx).await,
            [some(EMAIL), some("bob@example.com")]
        );
        assert_eq!(blind_entries(&world).await, 3);
        let before = hashes(&world, &ctx, 2).await;

        let erased = world.audit.erase_subject(&ctx, ann).await.unwrap();
        assert!(erased.key_destroyed);
        assert_eq!(erased.index_entries, 2);

        assert_eq!(emails(&world, &ctx).await, [None, some("bob@example.com")]);
        assert_eq!(emails(&world, &elsewhere).await, [None]);
        let page = PageRequest::new(None, None);
        let found = world.audit.list(&ctx, &by_email(), &page).await.unwrap();
        assert!(found.items.is_empty());
        assert_eq!(hashes(&world, &ctx, 2).await, before);
        let (wrapped, destroyed) = key_of(&world, ann).await;
        assert_eq!(wrapped, [0_u8; 0]);
        assert!(destroyed.is_some());
        expect_green(&world, &ctx).await;
        expect_green(&world, &elsewhere).await;

        // What comes later is not stored at all.
        signs_in(&world, &ctx, ann, EMAIL).await;
        assert_eq!(blind_entries(&world).await, 1);
        assert_eq!(emails(&world, &ctx).await.len(), 2);
        expect_green(&world, &ctx).await;
    })
    .await;
}

#[tokio::test]
async fn it_leaves_a_trace_and_may_be_repeated() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let ann = ctx.new_id();
        signs_in(&world, &ctx, ann, EMAIL).await;
        let first = world.audit.erase_subject(&ctx, ann).await.unwrap();
        let (_, when) = key_of(&world, ann).await;
        world.clock.advance(vv_base::Span::days(1));
        let again = world.audit.erase_subject(&ctx, ann).await.unwrap();
        assert!(first.key_destroyed && !again.key_destroyed);
        assert_eq!(again.index_entries, 0);
        assert_eq!(key_of(&world, ann).await.1, when);

        let filter = EventFilter {
            kind: Some("privacy.subject_erased".to_owned()),
            target: Some(ann.to_string()),
            ..EventFilter::default()
        };
        let page = PageRequest::new(None, None);
        let told = world.audit.list(&ctx, &filter, &page).await.unwrap();
        let stages: Vec<_> = told
            .items
            .iter()
            .rev()
            .map(|event| event.details["stage"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(stages, ["begun", "completed", "completed"]);
        expect_green(&world, &ctx).await;
    })
    .await;
}

#[tokio::test]
async fn somebody_without_a_key_never_gets_one() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let ann = ctx.new_id();
        let erased = world.audit.erase_subject(&ctx, ann).await.unwrap();
        assert!(!erased.key_destroyed);
        signs_in(&world, &ctx, ann, EMAIL).await;
        assert_eq!(emails(&world, &ctx).await, [None; 0]);
        assert_eq!(key_of(&world, ann).await.0, [0_u8; 0]);
        expect_green(&world, &ctx).await;
    })
    .await;
}
