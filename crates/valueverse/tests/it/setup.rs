//! How the first administrator gets in.

use std::sync::Arc;

use tokio::task::JoinSet;
use valueverse::SetupError;
use vv_audit::SYSTEM_CHAIN;
use vv_auth::AccountError;
use vv_base::{Secret, Span};

use crate::harness::{World, candidate, on_both};

#[tokio::test]
async fn a_token_lets_one_person_in_once() {
    on_both(async |world| {
        let (auth, ctx) = (world.auth(), world.visitor());
        assert!(auth.needs_setup(&ctx).await.unwrap());
        let token = auth.issue_setup_token(&ctx).await.unwrap();
        let token = token.expose().as_str();
        assert!(auth.check_setup_token(&ctx, token).await.unwrap());
        assert!(!auth.check_setup_token(&ctx, "").await.unwrap());
        assert!(!auth.check_setup_token(&ctx, &token[1..]).await.unwrap());
        let wrong = auth
            .complete_setup(&ctx, "wrong", &candidate("A", "a@b.example"))
            .await;
        assert!(matches!(wrong, Err(SetupError::LinkGone)));
        let admin = candidate("Analytical Engines", "Ada@Engines.example");
        let user = auth.complete_setup(&ctx, token, &admin).await.unwrap();
        assert!(!auth.needs_setup(&ctx).await.unwrap());
        assert!(!auth.check_setup_token(&ctx, token).await.unwrap());
        let again = candidate("Second", "second@engines.example");
        let again = auth.complete_setup(&ctx, token, &again).await;
        assert!(matches!(again, Err(SetupError::LinkGone)));
        let sizes = (world.rows_of("users").await, world.rows_of("tenants").await);
        assert_eq!(sizes, (1, 1));

        assert_eq!(
            world.kinds(SYSTEM_CHAIN).await,
            [
                "security.key_generated",
                "system.setup_link_issued",
                "system.setup_completed"
            ]
        );
        let tenants = auth.audit().chains(&ctx).await.unwrap();
        let tenant = tenants.into_iter().find(|chain| *chain != SYSTEM_CHAIN);
        let events = world.events(tenant.unwrap()).await;
        let kinds: Vec<_> = events.iter().rev().map(|e| e.kind.as_str()).collect();
        assert_eq!(
            kinds,
            [
                "data.tenant_created",
                "data.user_created",
                "authorization.role_granted"
            ]
        );
        let created = &events[1];
        assert_eq!(created.target, Some(user.to_string()));
        let email = ("email".to_owned(), Some("ada@engines.example".to_owned()));
        assert_eq!(created.personal, [email]);
    })
    .await;
}

#[tokio::test]
async fn a_token_lives_for_an_hour() {
    on_both(async |world| {
        let (auth, ctx) = (world.auth(), world.visitor());
        let token = auth.issue_setup_token(&ctx).await.unwrap();
        world.wait(Span::seconds(3_599));
        assert!(auth.check_setup_token(&ctx, token.expose()).await.unwrap());
        world.wait(Span::seconds(1));
        assert!(!auth.check_setup_token(&ctx, token.expose()).await.unwrap());
        let late = auth
            .complete_setup(&ctx, token.expose(), &candidate("A", "a@b.example"))
            .await;
        assert!(matches!(late, Err(SetupError::LinkGone)));
        assert_eq!(world.rows_of("users").await, 0);
        assert_eq!(auth.purge_setup_links(&ctx).await.unwrap(), 1);
        assert_eq!(world.rows_of("setup_links").await, 0);
    })
    .await;
}

#[tokio::test]
async fn no_token_works_once_there_is_an_administrator() {
    on_both(async |world| {
        let (auth, ctx) = (world.auth(), world.visitor());
        let before = auth.issue_setup_token(&ctx).await.unwrap();
        world.admin_of("By hand", "hand@shell.example").await;
        let after = auth.issue_setup_token(&ctx).await.unwrap();
        for token in [before, after] {
            let refused = auth
                .complete_setup(&ctx, token.expose(), &candidate("A", "a@b.example"))
                .await;
            assert!(matches!(refused, Err(SetupError::LinkGone)));
        }
        assert_eq!(world.rows_of("users").await, 1);
    })
    .await;
}

/// Everybody at once; returns how many got in.
async fn race(world: &World, tokens: Vec<Arc<Secret<String>>>) -> usize {
    let mut tasks = JoinSet::new();
    for (n, token) in tokens.into_iter().enumerate() {
        let (auth, ctx) = (world.auth().clone(), world.visitor());
        tasks.spawn(async move {
            let admin = candidate(&format!("Tenant {n}"), &format!("p{n}@race.example"));
            auth.complete_setup(&ctx, token.expose(), &admin).await
        });
    }
    let answers = tasks.join_all().await;
    answers.iter().filter(|answer| answer.is_ok()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_with_the_same_token_one_gets_in() {
    on_both(async |world| {
        let token = world.auth().issue_setup_token(&world.ctx()).await.unwrap();
        let token = Arc::new(token);
        assert_eq!(race(&world, vec![token; 20]).await, 1);
        let sizes = (world.rows_of("users").await, world.rows_of("tenants").await);
        assert_eq!(sizes, (1, 1));
        assert_eq!(world.count(SYSTEM_CHAIN, "system.setup_completed").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_with_tokens_of_their_own_one_gets_in() {
    on_both(async |world| {
        let mut tokens = Vec::new();
        for _ in 0..4 {
            let token = world.auth().issue_setup_token(&world.ctx()).await.unwrap();
            tokens.push(Arc::new(token));
        }
        assert_eq!(race(&world, tokens).await, 1);
        let sizes = (world.rows_of("users").await, world.rows_of("tenants").await);
        assert_eq!(sizes, (1, 1));
        assert_eq!(world.rows_of("setup_links").await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_leaves_nothing_and_the_token_works_on() {
    on_both(async |world| {
        let (auth, ctx) = (world.auth(), world.visitor());
        let token = auth.issue_setup_token(&ctx).await.unwrap();
        let mut bad = candidate("Analytical Engines", "ada@engines.example");
        bad.password = Secret::new("short".to_owned());
        let refused = auth.complete_setup(&ctx, token.expose(), &bad).await;
        assert!(matches!(refused, Err(SetupError::Password(faults)) if !faults.is_empty()));
        for (tenant, email) in [("", "a@b.example"), ("x\u{7}", "a@b.example"), ("A", "no")] {
            let refused = auth
                .complete_setup(&ctx, token.expose(), &candidate(tenant, email))
                .await;
            assert!(matches!(
                refused,
                Err(SetupError::TenantName | SetupError::Email)
            ));
        }
        for table in ["users", "tenants", "memberships"] {
            assert_eq!(world.rows_of(table).await, 0, "{table}");
        }
        assert!(auth.check_setup_token(&ctx, token.expose()).await.unwrap());
        let good = candidate("Analytical Engines", "ada@engines.example");
        auth.complete_setup(&ctx, token.expose(), &good)
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_taken_undoes_the_new_tenant_and_its_events() {
    on_both(async |world| {
        let first = world.first_admin().await;
        let events = world.rows_of("audit_events").await;
        let taken = candidate("Another tenant", &first.email.to_uppercase());
        let refused = world.auth().add_admin(&world.ctx(), &taken).await;
        let expected = SetupError::Account(AccountError::EmailTaken);
        assert_eq!(refused.unwrap_err().to_string(), expected.to_string());
        assert_eq!(world.rows_of("tenants").await, 1);
        assert_eq!(world.rows_of("audit_chains").await, 2);
        assert_eq!(world.rows_of("audit_events").await, events);
    })
    .await;
}
