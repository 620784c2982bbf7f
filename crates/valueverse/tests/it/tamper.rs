//! What verification finds when somebody with all rights on the database
//! changes the trail.

use axum::http::StatusCode;
use vv_audit::{AuditError, Event, Kind, SYSTEM_CHAIN};
use vv_base::TenantId;
use vv_store::{Engine, Sql, args};

use crate::audit::verify;
use crate::forge::{Chain, chain, completeness, integrity, projection, shortened};
use crate::harness::{PASSWORD, World, credentials, on_both};
use crate::permission::{get, token_of};

/// Events that wait for their place.
async fn waiting(world: &World, chain: TenantId) -> i64 {
    static WAITING: Sql = Sql::same(
        "test.waiting",
        "select count(*) from audit_intake where tenant_id = $1",
    );
    world.value(&WAITING, args![chain]).await
}

async fn events_of(world: &World, chain: TenantId) -> i64 {
    static EVENTS: Sql = Sql::same(
        "test.events_of",
        "select count(*) from audit_events where tenant_id = $1",
    );
    world.value(&EVENTS, args![chain]).await
}

#[tokio::test]
async fn an_edited_leaf_or_hash_is_found() {
    on_both(async |world| {
        for offset in [0, 4, 5, 20, 21, 37, 69, 100, 300] {
            let chain = chain(&world).await;
            let mut leaf = chain.leaf(3).await;
            leaf[offset] ^= 1;
            let script = chain.set(3, &format!("leaf = {}", world.bytes(&leaf)));
            chain
                .expect(&format!("byte {offset}"), &script, integrity, 3)
                .await;
        }
        for (name, leaf) in [("empty", vec![]), ("long", vec![b'x'; 70_000])] {
            let chain = chain(&world).await;
            let script = chain.set(3, &format!("leaf = {}", world.bytes(&leaf)));
            chain.expect(name, &script, integrity, 3).await;
        }
        let chain = chain(&world).await;
        let script = chain.set(3, &format!("leaf_hash = {}", world.bytes(&[7; 32])));
        chain.expect("leaf_hash", &script, integrity, 3).await;
    })
    .await;
}

#[tokio::test]
async fn an_event_rewritten_with_care_breaks_the_next_link() {
    on_both(async |world| {
        let middle = chain(&world).await;
        let script = middle.rewrite(3).await;
        middle.expect("middle", &script, integrity, 4).await;
        let last = chain(&world).await;
        let script = last.rewrite(5).await;
        last.expect("last", &script, completeness, 5).await;
    })
    .await;
}

#[tokio::test]
async fn an_edited_search_column_is_found() {
    on_both(async |world| {
        let id = world.id::<()>(world.ctx().new_id());
        for change in [
            "kind = 'authentication.login_succeeded'".to_owned(),
            "severity = 'critical'".to_owned(),
            "outcome = 'denied'".to_owned(),
            "actor_kind = 'system'".to_owned(),
            format!("actor_ref = {id}"),
            "actor_ref = null".to_owned(),
            "target_kind = 'tenant'".to_owned(),
            "target_kind = null".to_owned(),
            "target_ref = 'x'".to_owned(),
            "target_ref = null".to_owned(),
            format!("request_id = {id}"),
            format!("event_id = {id}"),
            "seq_ts = seq_ts + 1".to_owned(),
        ] {
            let chain = chain(&world).await;
            let script = chain.set(3, &change);
            chain.expect(&change, &script, projection, 3).await;
            // The event ids stay unique for the next round.
            world.tamper(&chain.delete("height = 3")).await;
        }
    })
    .await;
}

#[tokio::test]
async fn missing_events_are_found() {
    on_both(async |world| {
        for (condition, first) in [
            ("height = 1", 1),
            ("height = 3", 3),
            ("height in (2, 3)", 2),
            ("height = 5", 5),
            ("height > 2", 3),
            ("height > 0", 1),
        ] {
            let chain = chain(&world).await;
            let script = chain.delete(condition);
            chain.expect(condition, &script, completeness, first).await;
        }
    })
    .await;
}

#[tokio::test]
async fn forged_events_are_found() {
    on_both(async |world| {
        let beyond = chain(&world).await;
        beyond
            .expect("beyond the head", &beyond.forge(6), completeness, 6)
            .await;
        let gap = chain(&world).await;
        gap.expect("after a gap", &gap.forge(9), completeness, 6)
            .await;
        let counted = chain(&world).await;
        let script = format!("{}{}", counted.forge(6), counted.head("height = 6"));
        counted
            .expect("with the head moved", &script, integrity, 6)
            .await;
        let swapped = chain(&world).await;
        let script = [
            swapped.set(2, "height = 100"),
            swapped.set(3, "height = 2"),
            swapped.set(100, "height = 3"),
        ];
        swapped
            .expect("swapped", &script.concat(), integrity, 2)
            .await;
        let (from, to) = (chain(&world).await, chain(&world).await);
        let script = from.set(5, &format!("tenant_id = {}, height = 6", to.me()));
        from.expect("taken away", &script, completeness, 5).await;
        to.expect("put here", "select 1", completeness, 6).await;
    })
    .await;
}

#[tokio::test]
async fn a_forged_head_is_found() {
    on_both(async |world| {
        let zeros = world.bytes(&[0; 32]);
        for (change, first) in [
            (format!("head_hash = {zeros}"), 5),
            (format!("head_mac = {zeros}"), 5),
            ("head_ts = head_ts + 1".to_owned(), 5),
            ("height = 3".to_owned(), 3),
            ("height = 0".to_owned(), 1),
            ("height = 9".to_owned(), 6),
        ] {
            let chain = chain(&world).await;
            chain
                .expect(&change, &chain.head(&change), completeness, first)
                .await;
        }
        let other = chain(&world).await;
        let borrowed = chain(&world).await;
        let script = format!(
            "update audit_chains set head_hash = o.head_hash, head_ts = o.head_ts, \
             head_mac = o.head_mac from audit_chains o where o.tenant_id = {} \
             and audit_chains.tenant_id = {};",
            other.me(),
            borrowed.me()
        );
        borrowed
            .expect("another chain's head", &script, completeness, 5)
            .await;
        let gone = chain(&world).await;
        let script = format!("delete from audit_chains where tenant_id = {};", gone.me());
        gone.expect("no head", &script, completeness, 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_cut_tail_is_found_even_with_a_head_that_fits() {
    on_both(async |world| {
        let chain = chain(&world).await;
        let script = shortened(&chain).await;
        chain.expect("shortened", &script, completeness, 4).await;
    })
    .await;
}

#[tokio::test]
async fn events_of_a_chain_with_a_forged_end_wait_and_nothing_covers_the_break() {
    on_both(async |world| {
        let cut = chain(&world).await;
        let cut_script = shortened(&cut).await;
        let headless = chain(&world).await;
        let drop_head = format!(
            "delete from audit_chains where tenant_id = {};",
            headless.me()
        );
        let first_gone = chain(&world).await;
        let also_first = format!(
            "{}delete from audit_chains where tenant_id = {};",
            first_gone.delete("height = 1"),
            first_gone.me()
        );
        let moved = chain(&world).await;
        let beyond = chain(&world).await;
        let mut cases = vec![
            (&cut, cut_script),
            (&headless, drop_head),
            (&first_gone, also_first),
            (&moved, moved.head("height = 9")),
        ];
        if world.engine == Engine::Lite {
            // Partitions have no common key: PostgreSQL leaves this one to verification.
            cases.push((&beyond, beyond.forge(6)));
        }
        for (chain, script) in cases {
            world.tamper(&script).await;
            let before = events_of(&world, chain.id).await;
            let ctx = world.chain_ctx(chain.id);
            world
                .auth()
                .record(&ctx, Event::new(Kind::UsersListed))
                .await
                .unwrap();
            let refused = world
                .auth()
                .audit()
                .append(&ctx, Event::new(Kind::UsersListed))
                .await;
            assert!(
                matches!(refused, Err(AuditError::HeadTampered)),
                "{script}: {refused:?}"
            );
            assert_eq!(events_of(&world, chain.id).await, before, "{script}");
            // Both are kept.
            assert_eq!(waiting(&world, chain.id).await, 2, "{script}");
        }
        // Other chains go on.
        let fine = chain(&world).await;
        assert!(verify(&world, fine.id).await.verified);
    })
    .await;
}

#[tokio::test]
async fn a_broken_chain_goes_on_when_an_operator_says_so_and_the_break_stays_visible() {
    on_both(async |world| {
        let broken = chain(&world).await;
        let script = format!(
            "{}{}",
            broken.delete("height = 3"),
            broken.head("height = 9")
        );
        world.tamper(&script).await;
        let ctx = world.chain_ctx(broken.id);
        let event = Event::new(Kind::UsersListed);
        world.auth().record(&ctx, event).await.unwrap();
        assert_eq!(waiting(&world, broken.id).await, 1);
        let audit = world.auth().audit();
        let resumed = audit.resume(&ctx).await.unwrap().expect("it was broken");
        assert_eq!((resumed.stated_height, resumed.found_height), (Some(9), 5));
        assert_eq!(waiting(&world, broken.id).await, 0);
        assert_eq!(world.count(broken.id, "audit.chain_resumed").await, 1);
        assert_eq!(audit.resume(&ctx).await.unwrap(), None);
        let found = verify(&world, broken.id).await;
        assert_eq!(
            (found.verified, found.first_bad_height),
            (false, Some(3)),
            "{found:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_broken_system_chain_is_reported_by_what_is_stored() {
    on_both(async |world| {
        world.first_admin().await;
        let zeros = world.bytes(&[0; 32]);
        let system = Chain {
            world: &world,
            id: SYSTEM_CHAIN,
        };
        world
            .tamper(&system.head(&format!("head_mac = {zeros}")))
            .await;
        let found = verify(&world, SYSTEM_CHAIN).await;
        assert!(!found.verified, "{found:?}");
        let audit = world.auth().audit();
        let kept = audit.last_verification(&world.ctx()).await.unwrap();
        assert!(!kept.unwrap().verified);
        // A tenant's broken chain is still reported when the system chain takes no event.
        let chain = chain(&world).await;
        world
            .tamper(&chain.head(&format!("head_mac = {zeros}")))
            .await;
        assert!(!verify(&world, chain.id).await.verified);
        let ctx = world.chain_ctx(chain.id);
        let kept = audit.last_verification(&ctx).await.unwrap();
        assert!(!kept.unwrap().verified);
    })
    .await;
}

#[tokio::test]
async fn a_broken_chain_stops_nobody_and_what_happens_meanwhile_is_kept() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let token = token_of(&world, &ada).await;
        let chain = Chain {
            world: &world,
            id: ada.tenant,
        };
        world.tamper(&chain.head("head_ts = head_ts + 1")).await;
        let (status, found) = get(&world, &token, "/api/v1/audit/verify").await;
        assert_eq!(
            (status, &found["verified"]),
            (StatusCode::OK, &false.into())
        );
        assert_eq!(found["verdicts"]["completeness"], "failed");
        // Whoever can write the database must not be able to lock people out.
        let before = waiting(&world, ada.tenant).await;
        let (status, _) = get(&world, &token, "/api/v1/users").await;
        assert_eq!(status, StatusCode::OK);
        let typed = credentials(&ada.email, PASSWORD);
        world.auth().login(&world.visitor(), &typed).await.unwrap();
        assert!(waiting(&world, ada.tenant).await >= before + 2);
        assert!(world.count(SYSTEM_CHAIN, "security.chain_broken").await > 0);
    })
    .await;
}

#[tokio::test]
async fn triggers_are_back_for_everybody_who_does_not_take_them_away() {
    // Guards the matrix above: its scripts work only because they remove them.
    on_both(async |world| {
        let chain = chain(&world).await;
        let script = chain.set(3, "kind = 'x'").leak();
        world.settle().await;
        let pg: &'static str = match world.engine {
            Engine::Pg => format!("reset role; set search_path = audit; {script}").leak(),
            Engine::Lite => "",
        };
        let done = world.store.run_script(&world.ctx(), pg, script).await;
        assert!(done.is_err());
        assert!(verify(&world, chain.id).await.verified);
    })
    .await;
}
