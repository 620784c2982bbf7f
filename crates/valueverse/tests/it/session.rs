//! Sessions and what carries them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::task::JoinSet;
use valueverse::{Auth, Permission, SecuritySystem, Shared};
use vv_auth::{CookieToken, SessionError, SessionKind};
use vv_base::{Actor, SessionId, Span};
use vv_store::{Sql, args};

use crate::harness::{ABSOLUTE, IDLE, PASSWORD, Person, World, credentials, on_both, on_redis};

async fn accepted(world: &World, auth: &Auth, token: &str) -> bool {
    match auth.authenticate_bearer(&world.visitor(), token).await {
        Ok(_) => true,
        Err(SessionError::Expired) => false,
        Err(other) => panic!("{other}"),
    }
}

async fn cookie_of(world: &World, person: &Person) -> CookieToken {
    let typed = credentials(&person.email, PASSWORD);
    let answer = world.auth().login_browser(&world.visitor(), &typed).await;
    answer.unwrap().grant
}

async fn cookie_accepted(world: &World, cookie: &CookieToken) -> bool {
    match world
        .auth()
        .authenticate_cookie(&world.visitor(), cookie)
        .await
    {
        Ok(principal) => {
            assert_eq!(principal.kind, SessionKind::Browser);
            true
        }
        Err(SessionError::Expired) => false,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_access_token_tells_who_it_is() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let signed_in_at = world.ctx().now();
        let grant = world.login(&ada).await.grant;
        assert_eq!(grant.expires_in, Span::minutes(15));
        world.wait(Span::minutes(2));
        let token = grant.access_token.expose();
        let found = world
            .auth()
            .authenticate_bearer(&world.visitor(), token)
            .await;
        let found = found.unwrap();
        assert_eq!((found.user, found.tenant), (ada.user, ada.tenant));
        assert_eq!(
            (found.session, found.kind),
            (grant.session, SessionKind::Token)
        );
        assert_eq!((found.aal, found.auth_time), (1, signed_in_at));
        assert_eq!(found.permissions.iter().count(), Permission::ALL.len());
        let ctx = found.ctx(&world.visitor());
        let (user, session) = (ada.user, grant.session);
        assert_eq!(ctx.actor, Actor::User { user, session });
        assert_eq!(ctx.tenant(), Some(ada.tenant));
        world.wait(Span::minutes(14));
        let late = world
            .auth()
            .authenticate_bearer(&world.visitor(), token)
            .await;
        assert!(matches!(late, Err(SessionError::Token(_))), "{late:?}");
    })
    .await;
}

#[tokio::test]
async fn tokens_that_are_not_ours_are_refused() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let own = world.login(&ada).await.grant;
        let own = own.access_token.expose();
        let (head, tail) = own.split_at(own.rfind('.').unwrap());
        let (header, payload) = head.split_once('.').unwrap();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
        let flipped = if tail.starts_with(".A") { "B" } else { "A" };
        let tokens = [
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            "Bearer".to_owned(),
            "x".repeat(100_000),
            head.to_owned(),
            format!("{head}."),
            format!("{none}.{payload}."),
            format!("{none}.{payload}{tail}"),
            format!("{head}.{flipped}{}", &tail[2..]),
            format!("{header}.{}{tail}", URL_SAFE_NO_PAD.encode("{}")),
            format!("{own}="),
            format!(" {own}"),
        ];
        for token in tokens {
            let answer = world
                .auth()
                .authenticate_bearer(&world.visitor(), &token)
                .await;
            assert!(matches!(answer, Err(SessionError::Token(_))), "{token}");
        }
        assert!(accepted(&world, world.auth(), own).await);
    })
    .await;
}

#[tokio::test]
async fn a_token_of_another_installation_is_refused() {
    on_both(async |world| {
        world.first_admin().await;
        let visitor = world.visitor();
        on_both(async |foreign| {
            let stranger = foreign.first_admin().await;
            let grant = foreign.login(&stranger).await.grant;
            let token = grant.access_token.expose();
            assert!(accepted(&foreign, foreign.auth(), token).await);
            let answer = world.auth().authenticate_bearer(&visitor, token).await;
            assert!(matches!(answer, Err(SessionError::Token(_))));
        })
        .await;
    })
    .await;
}

async fn log_out(world: &World, auth: &Auth, token: &str) {
    let visitor = world.visitor();
    let principal = auth.authenticate_bearer(&visitor, token).await.unwrap();
    let ctx = principal.ctx(&visitor);
    auth.logout(&ctx, &principal).await.unwrap();
    // Ending it again is fine and no second event.
    auth.logout(&ctx, &principal).await.unwrap();
}

/// The token of a session that ended on one node, which `second` knew as live.
async fn ended_elsewhere(world: &World, second: &SecuritySystem) -> String {
    let ada = world.first_admin().await;
    let grant = world.login(&ada).await.grant;
    let token = grant.access_token.expose().clone();
    for auth in [world.auth(), second.auth()] {
        assert!(accepted(world, auth, &token).await);
    }
    log_out(world, world.auth(), &token).await;
    assert_eq!(world.count(ada.tenant, "authentication.logout").await, 1);
    token
}

async fn ends_at_once(world: World) {
    let second = world.node(world.shared.clone()).await;
    let token = ended_elsewhere(&world, &second).await;
    for auth in [world.auth(), second.auth()] {
        assert!(!accepted(&world, auth, &token).await);
    }
    let third = world.node(world.shared.clone()).await;
    assert!(!accepted(&world, third.auth(), &token).await);
}

#[tokio::test]
async fn a_sign_out_holds_at_once_where_state_is_shared() {
    on_both(ends_at_once).await;
}

#[tokio::test]
async fn a_sign_out_holds_at_once_on_every_node_of_one_redis() {
    on_redis(ends_at_once).await;
}

#[tokio::test]
async fn without_shared_state_a_sign_out_holds_within_five_seconds() {
    on_both(async |world| {
        let alone = Shared::memory(world.clock());
        let second = world.node(alone).await;
        let token = ended_elsewhere(&world, &second).await;
        assert!(!accepted(&world, world.auth(), &token).await);
        world.wait(Span::seconds(5));
        assert!(!accepted(&world, second.auth(), &token).await);
        let third = world.node(Shared::memory(world.clock())).await;
        assert!(!accepted(&world, third.auth(), &token).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_under_way_do_not_bring_a_session_back() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        for _ in 0..5 {
            let grant = world.login(&ada).await.grant;
            let token = grant.access_token.expose().clone();
            let mut tasks = JoinSet::new();
            for _ in 0..32 {
                let (auth, ctx) = (world.auth().clone(), world.visitor());
                let token = token.clone();
                tasks.spawn(async move { auth.authenticate_bearer(&ctx, &token).await.is_ok() });
            }
            let (auth, visitor) = (world.auth().clone(), world.visitor());
            let principal = auth.authenticate_bearer(&visitor, &token).await.unwrap();
            auth.logout(&principal.ctx(&visitor), &principal)
                .await
                .unwrap();
            tasks.join_all().await;
            for _ in 0..6 {
                assert!(!accepted(&world, world.auth(), &token).await);
                world.wait(Span::seconds(1));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_cookie_opens_its_own_session_only() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let cookie = cookie_of(&world, &ada).await;
        assert!(cookie_accepted(&world, &cookie).await);
        let forge = |session: SessionId, secret: &[u8]| {
            let text = URL_SAFE_NO_PAD.encode([session.as_bytes().as_slice(), secret].concat());
            CookieToken::parse(&text).unwrap()
        };
        let own = URL_SAFE_NO_PAD.decode(cookie.to_text().expose()).unwrap();
        let mut near = own[16..].to_vec();
        near[31] ^= 1;
        let other = cookie_of(&world, &ada).await;
        let program = world.login(&ada).await.grant;
        let unknown: SessionId = world.ctx().new_id();
        for forged in [
            forge(cookie.session(), &[0; 32]),
            forge(cookie.session(), &near),
            forge(other.session(), &own[16..]),
            forge(program.session, &[0; 32]),
            forge(program.session, &own[16..]),
            forge(unknown, &own[16..]),
        ] {
            assert!(!cookie_accepted(&world, &forged).await);
        }
        assert!(cookie_accepted(&world, &cookie).await);
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_when_nobody_uses_it_and_at_its_age() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let unused = cookie_of(&world, &ada).await;
        let used = cookie_of(&world, &ada).await;
        world.wait(Span::seconds(IDLE.as_seconds() - 1));
        assert!(cookie_accepted(&world, &used).await);
        world.wait(Span::seconds(1));
        assert!(!cookie_accepted(&world, &unused).await);
        let mut age = IDLE;
        while age < Span::seconds(ABSOLUTE.as_seconds() - 60) {
            assert!(cookie_accepted(&world, &used).await, "at {age:?}");
            world.wait(Span::minutes(10));
            age = Span::seconds(age.as_seconds() + 600);
        }
        assert!(!cookie_accepted(&world, &used).await, "at {age:?}");
    })
    .await;
}

#[tokio::test]
async fn the_idle_limit_moves_once_a_minute() {
    static SEEN: Sql = Sql::same(
        "test.seen",
        "select last_seen_at from sessions where session_id = $1",
    );
    on_both(async |world| {
        let ada = world.first_admin().await;
        let start = world.ctx().now();
        let cookie = cookie_of(&world, &ada).await;
        let mut seen = Vec::new();
        for _ in 0..8 {
            world.wait(Span::seconds(20));
            assert!(cookie_accepted(&world, &cookie).await);
            let at: vv_base::Timestamp = world.value(&SEEN, args![cookie.session()]).await;
            seen.push(at.since(start).as_seconds());
        }
        assert_eq!(seen, [0, 0, 60, 60, 60, 120, 120, 120]);
    })
    .await;
}

#[tokio::test]
async fn suspension_ends_what_is_open_within_five_seconds() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let bob = world.admin_of("Other", "bob@b.example").await;
        let cases = [
            (&ada, "users", format!("user_id = {}", world.id(ada.user))),
            (
                &bob,
                "tenants",
                format!("tenant_id = {}", world.id(bob.tenant)),
            ),
        ];
        for (person, table, row) in cases {
            let cookie = cookie_of(&world, person).await;
            let grant = world.login(person).await.grant;
            assert!(cookie_accepted(&world, &cookie).await);
            let script = format!("update {table} set status = 'suspended' where {row}");
            world.tamper(&script).await;
            world.wait(Span::seconds(5));
            assert!(!cookie_accepted(&world, &cookie).await, "{table}");
            let token = grant.access_token.expose();
            assert!(!accepted(&world, world.auth(), token).await, "{table}");
            let renewed = world
                .auth()
                .refresh(&world.visitor(), &grant.refresh_token)
                .await;
            assert!(matches!(renewed, Err(SessionError::Expired)), "{table}");
        }
    })
    .await;
}
