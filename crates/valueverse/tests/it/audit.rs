//! The audit trail as the product writes it.

use std::collections::HashSet;

use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;
use vv_audit::{Event, Kind, SYSTEM_CHAIN, Verdict, Verification, VerifyOptions};
use vv_base::{Actor, Ctx, TenantId};
use vv_store::{Engine, Sql, StoreError, args};

use crate::harness::{PASSWORD, World, credentials, on_both};
use crate::raw;

/// Checks a chain.
pub(crate) async fn verify(world: &World, chain: TenantId) -> Verification {
    let (ctx, audit) = (world.chain_ctx(chain), world.auth().audit());
    audit
        .verify(&ctx, &VerifyOptions::default(), |_, _| {})
        .await
        .unwrap()
}

/// Records one ordinary event.
pub(crate) async fn note(world: &World, ctx: &Ctx) {
    let event = Event::new(Kind::UserViewed).target("user", ctx.new_id::<()>());
    world.auth().record(ctx, event).await.unwrap();
}

async fn heights(world: &World, chain: TenantId) -> Vec<i64> {
    static HEIGHTS: Sql = Sql::same(
        "test.heights",
        "select height from audit_events where tenant_id = $1 order by height",
    );
    let rows: Vec<(i64,)> = raw::rows(world, &world.store, &HEIGHTS, args![chain]).await;
    rows.into_iter().map(|(height,)| height).collect()
}

#[tokio::test]
async fn every_chain_verifies_after_a_day_of_work() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let eve = world
            .admin_of("Difference Ltd", "eve@difference.example")
            .await;
        let visitor = world.visitor();
        for person in [&ada, &eve] {
            let wrong = credentials(&person.email, "wrong horse battery");
            world.auth().login(&visitor, &wrong).await.unwrap_err();
            let pair = world.login(person).await.grant;
            let pair = world
                .auth()
                .refresh(&visitor, &pair.refresh_token)
                .await
                .unwrap();
            let token = pair.access_token.expose();
            let principal = world
                .auth()
                .authenticate_bearer(&visitor, token)
                .await
                .unwrap();
            let ctx = principal.ctx(&visitor);
            world
                .auth()
                .view_user(&ctx, person.tenant, person.user)
                .await
                .unwrap();
            world.auth().logout(&ctx, &principal).await.unwrap();
        }
        let nobody = credentials("nobody@nowhere.example", PASSWORD);
        world.auth().login(&visitor, &nobody).await.unwrap_err();
        let chains = world.auth().audit().chains(&world.ctx()).await.unwrap();
        let expected = HashSet::from([SYSTEM_CHAIN, ada.tenant, eve.tenant]);
        assert_eq!(chains.iter().copied().collect::<HashSet<_>>(), expected);
        for chain in chains {
            let before = heights(&world, chain).await.len();
            let found = verify(&world, chain).await;
            assert!(
                found.verified && found.first_bad_height.is_none(),
                "{found:?}"
            );
            assert_eq!(usize::try_from(found.checked), Ok(before));
            assert_eq!(found.verdicts.anchor, Verdict::NotConfigured);
            // The check is an event itself, and the next one covers it.
            let kinds = world.kinds(chain).await;
            assert_eq!(kinds.last().unwrap(), "security.chain_verified");
            let again = verify(&world, chain).await;
            assert_eq!((again.verified, again.checked), (true, found.checked + 1));
        }
        // Every tenant's chain begins with the tenant, so one without events is cut.
        let empty = verify(&world, world.ctx().new_id()).await;
        assert_eq!((empty.verified, empty.checked), (false, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_at_the_same_time_find_places_without_gaps() {
    on_both(async |world| {
        let one: TenantId = world.ctx().new_id();
        let many: Vec<TenantId> = (0..16).map(|_| world.ctx().new_id()).collect();
        let mut tasks = JoinSet::new();
        let all = std::iter::repeat_n(&one, 64).chain(many.iter().cycle().take(64));
        for chain in all {
            let (auth, ctx) = (world.auth().clone(), world.chain_ctx(*chain));
            tasks.spawn(async move { auth.record(&ctx, Event::new(Kind::UsersListed)).await });
        }
        // Verification next to them sees whole chains only.
        for _ in 0..4 {
            assert!(verify(&world, SYSTEM_CHAIN).await.verified);
            let found = verify(&world, one).await;
            assert!(found.verified, "{found:?}");
        }
        for answer in tasks.join_all().await {
            answer.unwrap();
        }
        assert_eq!(heights(&world, one).await, (1..=68).collect::<Vec<_>>());
        for chain in many {
            assert_eq!(heights(&world, chain).await, [1, 2, 3, 4]);
            assert!(verify(&world, chain).await.verified);
        }
    })
    .await;
}

#[tokio::test]
async fn change_and_event_happen_together_or_not_at_all() {
    static RENAME: Sql = Sql::same(
        "test.rename",
        "update tenants set name = $2 where tenant_id = $1",
    );
    static NAME: Sql = Sql::same("test.name", "select name from tenants where tenant_id = $1");
    static IMPOSSIBLE: Sql = Sql::same("test.fail", "update tenants set status = 'gone'");
    on_both(async |world| {
        let ada = world.first_admin().await;
        let ctx = world.chain_ctx(ada.tenant);
        let before = heights(&world, ada.tenant).await;
        for fails in ["by its caller", "by the database"] {
            let done: Result<(), vv_audit::AuditError> = world
                .store
                .tx(&ctx, "test.half", async |tx| {
                    tx.exec_one(&RENAME, args![ada.tenant, "Renamed"]).await?;
                    let audit = world.auth().audit();
                    audit
                        .record(&ctx, tx, Event::new(Kind::UsersListed))
                        .await?;
                    if fails == "by the database" {
                        tx.exec(&IMPOSSIBLE, args![]).await?;
                    }
                    Err(StoreError::NotFound.into())
                })
                .await;
            done.unwrap_err();
            let name: String = world.value(&NAME, args![ada.tenant]).await;
            assert_eq!(name, "Analytical Engines", "{fails}");
            assert_eq!(heights(&world, ada.tenant).await, before, "{fails}");
        }
        note(&world, &ctx).await;
        assert_eq!(heights(&world, ada.tenant).await.len(), before.len() + 1);
        assert!(verify(&world, ada.tenant).await.verified);
    })
    .await;
}

vv_store::row! {
    struct Stored {
        height: i64,
        event_id: TenantId,
        seq_ts: i64,
        leaf: Vec<u8>,
        leaf_hash: Vec<u8>,
    }
}

/// Takes the leaves apart with nothing of the product but the documentation.
#[tokio::test]
async fn leaves_have_the_documented_bytes() {
    static LEAVES: Sql = Sql::same(
        "test.leaves",
        "select height, event_id, seq_ts, leaf, leaf_hash from audit_events \
         where tenant_id = $1 order by height",
    );
    static HEAD: Sql = Sql::same(
        "test.head",
        "select head_hash from audit_chains where tenant_id = $1",
    );
    on_both(async |world| {
        let ada = world.first_admin().await;
        world.login(&ada).await;
        let rows: Vec<Stored> = raw::rows(&world, &world.store, &LEAVES, args![ada.tenant]).await;
        assert_eq!(rows.len(), 4);
        let mut prev = vec![0; 32];
        for (row, height) in rows.iter().zip(1_u64..) {
            let leaf = row.leaf.as_slice();
            assert_eq!(&leaf[..5], b"VVA1\0");
            assert_eq!(leaf[5..13], height.to_be_bytes());
            assert_eq!(u64::try_from(row.height), Ok(height));
            assert_eq!(leaf[13..21], row.seq_ts.to_be_bytes());
            assert_eq!(leaf[21..37], *ada.tenant.as_bytes());
            assert_eq!(leaf[37..69], prev);
            let body = std::str::from_utf8(&leaf[69..]).unwrap();
            let json: serde_json::Value = serde_json::from_str(body).unwrap();
            // serde_json keeps keys sorted, so this is the canonical text.
            assert_eq!(json.to_string(), body);
            let mut keys: Vec<_> = json.as_object().unwrap().keys().collect();
            keys.sort();
            assert_eq!(
                keys,
                [
                    "act", "actor", "cat", "d", "eid", "occ", "out", "pii", "req", "res", "sess",
                    "sev", "src", "subj", "v"
                ]
            );
            assert_eq!(json["v"], 1);
            assert_eq!(json["eid"], row.event_id.to_string());
            assert_eq!(json["src"]["service"], "valueverse");
            prev = Sha256::new()
                .chain_update([0])
                .chain_update(leaf)
                .finalize()
                .to_vec();
            assert_eq!(row.leaf_hash, prev);
        }
        let head: Vec<u8> = world.value(&HEAD, args![ada.tenant]).await;
        assert_eq!(head, prev);
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_goes_back_does_not_reorder_the_chain() {
    on_both(async |world| {
        let ctx = world.ctx().for_tenant(world.ctx().new_id());
        note(&world, &ctx).await;
        world.clock.advance(vv_base::Span::hours(-5));
        note(&world, &ctx).await;
        let chain = ctx.tenant().unwrap();
        let events = world.events(chain).await;
        assert_eq!(events[0].time, events[1].time);
        assert!(verify(&world, chain).await.verified);
    })
    .await;
}

#[tokio::test]
async fn the_product_itself_cannot_change_an_event() {
    static ATTEMPTS: [Sql; 4] = [
        Sql::same("test.update", "update audit_events set kind = 'x'"),
        Sql::same("test.delete", "delete from audit_events"),
        Sql::split(
            "test.truncate",
            "truncate audit_events",
            "delete from audit_events where height = 1",
        ),
        Sql::split(
            "test.drop",
            "drop trigger audit_events_no_update on audit_events",
            "update audit_events set leaf = x'00'",
        ),
    ];
    on_both(async |world| {
        let ada = world.first_admin().await;
        let before = world.rows_of("audit_events").await;
        for ctx in [world.ctx(), world.chain_ctx(ada.tenant)] {
            for attempt in &ATTEMPTS {
                let done = world
                    .store
                    .tx(&ctx, "test.attempt", async |tx| {
                        tx.exec(attempt, args![]).await
                    })
                    .await;
                assert!(done.is_err(), "{} on {:?}", attempt.name(), world.engine);
            }
        }
        assert_eq!(world.rows_of("audit_events").await, before);
        assert!(verify(&world, ada.tenant).await.verified);
    })
    .await;
}

#[tokio::test]
async fn not_even_the_owner_of_the_tables_can_change_an_event() {
    on_both(async |world| {
        world.first_admin().await;
        if world.engine == Engine::Lite {
            return; // has one owner, whom the triggers stop in the test above
        }
        for text in [
            "reset role; update audit.audit_events set kind = 'x'",
            "reset role; delete from audit.audit_events",
            "reset role; truncate audit.audit_events",
            "reset role; set session_replication_role = replica; delete from audit.audit_events",
        ] {
            let done = world.store.run_script(&world.ctx(), text, "").await;
            assert!(done.is_err(), "{text}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_event_says_who_acted() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let ctx = world.chain_ctx(ada.tenant);
        let (user, session) = (ada.user, ctx.new_id());
        for (actor, kind, person) in [
            (Actor::System, "system", None),
            (Actor::Operator, "operator", None),
            (Actor::Anonymous, "anonymous", None),
            (Actor::User { user, session }, "user", Some(user)),
        ] {
            note(&world, &ctx.clone().with_actor(actor)).await;
            let event = world.events(ada.tenant).await.remove(0);
            assert_eq!((event.actor_kind.as_str(), event.actor), (kind, person));
        }
        assert!(verify(&world, ada.tenant).await.verified);
    })
    .await;
}
