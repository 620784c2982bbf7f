//! What happens in the background.

use vv_audit::{SYSTEM_CHAIN, VerifyOptions};
use vv_base::Span;
use vv_store::{Sql, args};

use crate::audit::note;
use crate::harness::{ABSOLUTE, World, on_both};
use crate::raw;

/// Runs everything that is due now, and expects every run to succeed.
async fn run_jobs(world: &World) -> u64 {
    static FAILED: Sql = Sql::same(
        "test.failed_jobs",
        "select kind, last_error from jobs where last_error is not null",
    );
    let (worker, ctx) = (world.system.jobs(), world.ctx());
    let fired = worker.fire_due(&ctx).await.unwrap();
    assert_eq!(worker.drain(&ctx).await.unwrap(), fired);
    let failed: Vec<(String, String)> = raw::rows(world, &world.store, &FAILED, args![]).await;
    assert!(failed.is_empty(), "{failed:?}");
    fired
}

#[tokio::test]
async fn every_chain_is_verified_each_day() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let broken = world.ctx().new_id();
        let ctx = world.chain_ctx(broken);
        for _ in 0..3 {
            note(&world, &ctx).await;
        }
        let script = format!(
            "delete from audit_events where tenant_id = {} and height = 2",
            world.id(broken)
        );
        world.tamper(&script).await;
        assert!(run_jobs(&world).await >= 3);
        let audit = world.auth().audit();
        for (chain, verified) in [(SYSTEM_CHAIN, true), (ada.tenant, true), (broken, false)] {
            let ctx = world.chain_ctx(chain);
            let found = audit.last_verification(&ctx).await.unwrap();
            let found = found.unwrap();
            assert_eq!(found.verified, verified, "{chain}");
            assert_eq!(found.verified_at, world.ctx().now());
        }
        // Nothing is due twice.
        assert_eq!(run_jobs(&world).await, 0);
        world.wait(Span::days(1));
        assert!(run_jobs(&world).await >= 3);
        let found = audit.last_verification(&world.ctx()).await.unwrap();
        assert_eq!(found.unwrap().verified_at, world.ctx().now());
    })
    .await;
}

#[tokio::test]
async fn sessions_stay_for_thirty_days_after_their_end() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let ended = world.login(&ada).await.grant;
        world.login(&ada).await;
        let (auth, visitor) = (world.auth(), world.visitor());
        let token = ended.access_token.expose();
        let principal = auth.authenticate_bearer(&visitor, token).await.unwrap();
        auth.logout(&principal.ctx(&visitor), &principal)
            .await
            .unwrap();
        run_jobs(&world).await;
        assert_eq!(world.rows_of("sessions").await, 2);
        world.wait(Span::days(30));
        run_jobs(&world).await;
        assert_eq!(world.rows_of("sessions").await, 2);
        // The one that was signed out goes first, the other ran to its age.
        world.wait(Span::hours(6));
        run_jobs(&world).await;
        assert_eq!(world.rows_of("sessions").await, 1);
        world.wait(ABSOLUTE);
        run_jobs(&world).await;
        assert_eq!(world.rows_of("sessions").await, 0);
    })
    .await;
}

#[tokio::test]
async fn expired_set_up_links_go() {
    on_both(async |world| {
        world.auth().issue_setup_token(&world.ctx()).await.unwrap();
        run_jobs(&world).await;
        assert_eq!(world.rows_of("setup_links").await, 1);
        world.wait(Span::hours(1));
        run_jobs(&world).await;
        assert_eq!(world.rows_of("setup_links").await, 0);
    })
    .await;
}

/// Whoever deletes a chain together with its head must not take it off the list.
#[tokio::test]
async fn a_chain_that_vanished_is_missed() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let (audit, own) = (world.auth().audit(), world.chain_ctx(ada.tenant));
        let id = world.id(ada.tenant);
        let script = format!(
            "delete from audit_events where tenant_id = {id}; \
             delete from audit_chains where tenant_id = {id}"
        );
        world.tamper(&script).await;
        // Twice: the finding of the first day must not become the truth of the second.
        for _ in 0..2 {
            run_jobs(&world).await;
            let found = audit.last_verification(&own).await.unwrap();
            assert!(!found.expect("a result").verified);
            world.wait(Span::days(1));
        }
    })
    .await;
}

/// An older copy of the events with the genuine head of that time.
#[tokio::test]
async fn a_chain_that_got_shorter_is_noticed() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let (audit, own) = (world.auth().audit(), world.chain_ctx(ada.tenant));
        let id = world.id(ada.tenant);
        world
            .tamper("create table old_heads as select * from audit_chains")
            .await;
        for _ in 0..3 {
            note(&world, &own).await;
        }
        let before = audit
            .verify(&own, &VerifyOptions::default(), |_, _| {})
            .await
            .unwrap();
        assert!(before.verified);
        let script = format!(
            "delete from audit_events where tenant_id = {id} and height > \
               (select height from old_heads where tenant_id = {id}); \
             delete from audit_chains where tenant_id = {id}; \
             insert into audit_chains select * from old_heads where tenant_id = {id}"
        );
        world.tamper(&script).await;
        let after = audit
            .verify(&own, &VerifyOptions::default(), |_, _| {})
            .await
            .unwrap();
        assert!(!after.verified);
        let short = before.checked - 3 + 1;
        assert_eq!(after.first_bad_height, Some(short));
    })
    .await;
}
