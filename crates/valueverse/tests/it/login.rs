//! Signing in with a password.

use std::sync::Arc;

use tokio::task::JoinSet;
use vv_audit::SYSTEM_CHAIN;
use vv_auth::LoginError;
use vv_base::{Ctx, Span};

use crate::harness::{PASSWORD, Person, World, credentials, on_both, on_redis};

async fn attempt(world: &World, ctx: &Ctx, email: &str, password: &str) -> Result<(), LoginError> {
    let typed = credentials(email, password);
    world.auth().login(ctx, &typed).await.map(drop)
}

fn refused(answer: &Result<(), LoginError>) -> bool {
    matches!(answer, Err(LoginError::InvalidCredentials))
}

#[tokio::test]
async fn the_right_password_signs_in_and_is_recorded() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let (auth, ctx) = (world.auth(), world.visitor());
        let program = world.login(&ada).await;
        assert_eq!((program.user, program.tenant), (ada.user, ada.tenant));
        let typed = credentials(" ADA@engines.EXAMPLE ", PASSWORD);
        let browser = auth.login_browser(&ctx, &typed).await.unwrap();
        assert_eq!((browser.user, browser.tenant), (ada.user, ada.tenant));
        assert_ne!(program.grant.session, browser.grant.session());

        let event = world.events(ada.tenant).await.remove(0);
        assert_eq!(event.kind, "authentication.login_succeeded");
        assert_eq!(
            (event.actor_kind.as_str(), event.actor),
            ("user", Some(ada.user))
        );
        assert_eq!(event.target, Some(browser.grant.session().to_string()));
        let agent = "Testbrowser/1.0 (unmistakable)".to_owned();
        assert_eq!(
            event.personal,
            [
                ("ip".to_owned(), Some("198.51.100.7".to_owned())),
                ("user_agent".to_owned(), Some(agent))
            ]
        );
        let me = auth.own_account(&world.ctx(), ada.tenant, ada.user).await;
        assert_eq!(me.unwrap().last_sign_in_at, Some(world.ctx().now()));
    })
    .await;
}

async fn suspend(world: &World, table: &str, column: &str, id: String) {
    let script = format!("update {table} set status = 'suspended' where {column} = {id}");
    world.tamper(&script).await;
}

#[tokio::test]
async fn every_refusal_looks_the_same_and_leaves_one_event() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let bob = world.admin_of("Suspended person", "bob@b.example").await;
        let cy = world.admin_of("Suspended tenant", "cy@c.example").await;
        let dan = world.admin_of("No password", "dan@d.example").await;
        suspend(&world, "users", "user_id", world.id(bob.user)).await;
        suspend(&world, "tenants", "tenant_id", world.id(cy.tenant)).await;
        let bare = format!(
            "update users set password_hash = null where user_id = {}",
            world.id(dan.user)
        );
        world.tamper(&bare).await;
        let long = "p".repeat(5_000);
        let cases = [
            (ada.tenant, ada.email.as_str(), "wrong horse battery"),
            (ada.tenant, &ada.email, ""),
            (ada.tenant, &ada.email, &long),
            (bob.tenant, &bob.email, PASSWORD),
            (bob.tenant, &bob.email, "wrong horse battery"),
            (cy.tenant, &cy.email, PASSWORD),
            (dan.tenant, &dan.email, PASSWORD),
            (SYSTEM_CHAIN, "nobody@nowhere.example", PASSWORD),
            (SYSTEM_CHAIN, "not an address", PASSWORD),
            (SYSTEM_CHAIN, "", ""),
        ];
        for (chain, email, password) in cases {
            let before = world.rows_of("audit_events").await;
            let answer = attempt(&world, &world.visitor(), email, password).await;
            assert!(refused(&answer), "{email:?}: {answer:?}");
            assert_eq!(world.rows_of("audit_events").await, before + 1, "{email:?}");
            let event = world.events(chain).await.remove(0);
            assert_eq!(event.kind, "authentication.login_failed", "{email:?}");
            assert_eq!(event.outcome, "failure");
            assert_eq!(
                (event.actor_kind.as_str(), event.actor),
                ("anonymous", None)
            );
            let ip = ("ip".to_owned(), Some("198.51.100.7".to_owned()));
            assert!(event.personal.contains(&ip), "{email:?}");
        }
        assert_eq!(world.rows_of("sessions").await, 0);
    })
    .await;
}

/// Uses up the ten tries that an e-mail address has.
async fn exhaust(world: &World, email: &str) {
    for n in 0..10 {
        let ctx = world.visitor_from(&format!("203.0.113.{n}"));
        let answer = attempt(world, &ctx, email, "wrong horse battery").await;
        assert!(refused(&answer), "try {n}: {answer:?}");
    }
}

#[tokio::test]
async fn too_many_tries_for_an_address_are_turned_away_for_a_while() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let other = world.admin_of("Other", "other@b.example").await;
        for email in [ada.email.as_str(), "nobody@nowhere.example"] {
            exhaust(&world, email).await;
            let spelled = email.to_uppercase();
            let answer = attempt(&world, &world.visitor(), &spelled, PASSWORD).await;
            let Err(LoginError::Throttled { retry_after }) = answer else {
                panic!("{email}: {answer:?}");
            };
            assert_eq!(retry_after, Span::seconds(30), "{email}");
        }
        let answer = attempt(&world, &world.visitor(), &other.email, PASSWORD).await;
        assert!(answer.is_ok());
        assert_eq!(
            world
                .count(SYSTEM_CHAIN, "authentication.login_throttled")
                .await,
            1
        );
        world.wait(Span::seconds(29));
        let early = attempt(&world, &world.visitor(), &ada.email, PASSWORD).await;
        assert!(matches!(early, Err(LoginError::Throttled { .. })));
        world.wait(Span::seconds(1));
        let answer = attempt(&world, &world.visitor(), &ada.email, PASSWORD).await;
        assert!(answer.is_ok(), "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn a_success_does_not_give_a_source_its_tries_back() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let ctx = world.visitor_from("2001:db8:7::1");
        for n in 0..59 {
            let email = format!("guess{n}@nowhere.example");
            assert!(refused(
                &attempt(&world, &ctx, &email, "wrong horse battery").await
            ));
        }
        assert!(attempt(&world, &ctx, &ada.email, PASSWORD).await.is_ok());
        // A neighbour in the same network of one customer.
        let neighbour = world.visitor_from("2001:db8:7::2");
        for ctx in [&ctx, &neighbour] {
            let answer = attempt(&world, ctx, &ada.email, PASSWORD).await;
            assert!(
                matches!(answer, Err(LoginError::Throttled { .. })),
                "{answer:?}"
            );
        }
        let elsewhere = world.visitor_from("2001:db8:8::1");
        assert!(
            attempt(&world, &elsewhere, &ada.email, PASSWORD)
                .await
                .is_ok()
        );
    })
    .await;
}

/// Forty at once on one or two nodes; returns how many were looked at.
async fn rush(worlds: &[valueverse::Auth], ada: &Person, ctx: &Ctx) -> usize {
    let typed = Arc::new(credentials(&ada.email, "wrong horse battery"));
    let mut tasks = JoinSet::new();
    for auth in worlds.iter().cycle().take(40) {
        let (auth, ctx, typed) = (auth.clone(), ctx.clone(), Arc::clone(&typed));
        tasks.spawn(async move { auth.login(&ctx, &typed).await });
    }
    let answers = tasks.join_all().await;
    assert!(answers.iter().all(Result::is_err));
    let looked_at =
        |answer: &&Result<_, LoginError>| matches!(answer, Err(LoginError::InvalidCredentials));
    answers.iter().filter(looked_at).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_tries_do_not_slip_past_the_limit() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let looked_at = rush(&[world.auth().clone()], &ada, &world.visitor()).await;
        assert_eq!(looked_at, 10);
        assert_eq!(
            world.count(ada.tenant, "authentication.login_failed").await,
            10
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_on_one_redis_count_together() {
    on_redis(async |world| {
        let ada = world.first_admin().await;
        let second = world.node(world.shared.clone()).await;
        let nodes = [world.auth().clone(), second.auth().clone()];
        assert_eq!(rush(&nodes, &ada, &world.visitor()).await, 10);
    })
    .await;
}

#[tokio::test]
async fn hanging_up_does_not_hide_a_try() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let ctx = world.visitor();
        for _ in 0..3 {
            let typed = credentials(&ada.email, "not the password at all");
            let try_it = world.auth().login(&ctx, &typed);
            // One poll is enough to begin; then the caller is gone.
            let begun = tokio::time::timeout(std::time::Duration::ZERO, try_it).await;
            assert!(begun.is_err(), "hashing cannot be done at once");
        }
        world.auth().wind_down().await;
        let failed = "authentication.login_failed";
        assert_eq!(world.count(ada.tenant, failed).await, 3);
    })
    .await;
}
