//! Refresh tokens: each works once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;
use valueverse::Shared;
use vv_auth::{RefreshToken, SessionError, TokenPair};
use vv_base::Span;
use vv_store::{Sql, args};

use crate::harness::{ABSOLUTE, IDLE, World, on_both, on_redis};

const REUSED: &str = "authentication.refresh_reused";
const REFRESHED: &str = "authentication.session_refreshed";

fn copy(token: &RefreshToken) -> RefreshToken {
    RefreshToken::parse(token.to_text().expose()).unwrap()
}

async fn refresh(world: &World, token: &RefreshToken) -> Result<TokenPair, SessionError> {
    world.auth().refresh(&world.visitor(), token).await
}

async fn access(world: &World, pair: &TokenPair) -> bool {
    let token = pair.access_token.expose();
    let answer = world
        .auth()
        .authenticate_bearer(&world.visitor(), token)
        .await;
    answer.is_ok()
}

#[tokio::test]
async fn each_token_buys_the_next_pair() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let mut pair = world.login(&ada).await.grant;
        for _ in 0..3 {
            world.wait(Span::minutes(14));
            let next = refresh(&world, &pair.refresh_token).await.unwrap();
            assert_eq!(next.session, pair.session);
            assert_ne!(next.access_token.expose(), pair.access_token.expose());
            pair = next;
            assert!(access(&world, &pair).await);
        }
        assert_eq!(world.count(ada.tenant, REFRESHED).await, 3);
        let event = world.events(ada.tenant).await.remove(0);
        assert_eq!(event.actor, Some(ada.user));
        assert_eq!(event.target, Some(pair.session.to_string()));
    })
    .await;
}

#[tokio::test]
async fn a_second_use_ends_the_session_and_is_recorded() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let first = world.login(&ada).await.grant;
        let other = world.login(&ada).await.grant;
        let second = refresh(&world, &first.refresh_token).await.unwrap();
        assert!(access(&world, &second).await);
        let reused = refresh(&world, &first.refresh_token).await;
        assert!(matches!(reused, Err(SessionError::ReuseDetected)));
        for pair in [&first, &second] {
            assert!(!access(&world, pair).await);
            let dead = refresh(&world, &pair.refresh_token).await;
            assert!(matches!(dead, Err(SessionError::Expired)));
        }
        let event = world.events(ada.tenant).await.remove(0);
        assert_eq!(
            (event.kind.as_str(), event.outcome.as_str()),
            (REUSED, "denied")
        );
        assert_eq!(event.severity, "critical");
        assert_eq!(event.target, Some(first.session.to_string()));
        // Only that session.
        assert!(access(&world, &other).await);
        refresh(&world, &other.refresh_token).await.unwrap();
    })
    .await;
}

/// Everybody presents the same token at once, on two nodes.
async fn stampede(world: World, second: Shared) {
    let ada = world.first_admin().await;
    let first = world.login(&ada).await.grant;
    let second = world.node(second).await;
    let mut tasks = JoinSet::new();
    for n in 0..64 {
        let system = if n % 2 == 0 { &world.system } else { &second };
        let (auth, ctx) = (system.auth().clone(), world.visitor());
        let token = copy(&first.refresh_token);
        tasks.spawn(async move { auth.refresh(&ctx, &token).await });
    }
    let mut granted = Vec::new();
    let (mut reused, mut expired) = (0, 0);
    for answer in tasks.join_all().await {
        match answer {
            Ok(pair) => granted.push(pair),
            Err(SessionError::ReuseDetected) => reused += 1,
            Err(SessionError::Expired) => expired += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((granted.len(), reused, expired), (1, 1, 62));
    assert_eq!(world.count(ada.tenant, REUSED).await, 1);
    assert_eq!(world.count(ada.tenant, REFRESHED).await, 1);
    // Nobody can tell which of them was the thief, so nothing of it lives on.
    let child = &granted[0].refresh_token;
    assert!(matches!(
        refresh(&world, child).await,
        Err(SessionError::Expired)
    ));
    world.wait(Span::seconds(5));
    assert!(!access(&world, &granted[0]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixty_four_with_the_same_token_at_most_one_is_served() {
    on_both(async |world| {
        let alone = Shared::memory(world.clock());
        stampede(world, alone).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_two_nodes_of_one_redis() {
    on_redis(async |world| {
        let shared = world.shared.clone();
        stampede(world, shared).await;
    })
    .await;
}

/// The token with another counter and a checksum that fits.
fn with_counter(token: &RefreshToken, counter: u64) -> RefreshToken {
    let text = token.to_text();
    let mut bytes = URL_SAFE_NO_PAD.decode(&text.expose()[5..]).unwrap();
    bytes.truncate(56);
    bytes[16..24].copy_from_slice(&counter.to_be_bytes());
    let mut hash = Sha256::new();
    hash.update(b"vvr1_");
    hash.update(&bytes);
    bytes.extend_from_slice(&hash.finalize()[..4]);
    RefreshToken::parse(&format!("vvr1_{}", URL_SAFE_NO_PAD.encode(bytes))).unwrap()
}

#[tokio::test]
async fn a_counter_cannot_be_changed() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let pair = world.login(&ada).await.grant;
        for counter in [1, 2, u64::MAX] {
            let forged = with_counter(&pair.refresh_token, counter);
            let answer = refresh(&world, &forged).await;
            assert!(matches!(answer, Err(SessionError::Expired)), "{counter}");
        }
        // A forgery must not be a way to sign others out.
        assert_eq!(world.count(ada.tenant, REUSED).await, 0);
        let same = with_counter(&pair.refresh_token, 0);
        refresh(&world, &same).await.unwrap();
        let pair = world.login(&ada).await.grant;
        let text = pair.refresh_token.to_text();
        for cut in [&text.expose()[1..], &text.expose()[..84], "vvr1_", ""] {
            assert!(RefreshToken::parse(cut).is_none(), "{cut}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_of_another_installation_buys_nothing() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let own = world.login(&ada).await.grant;
        let (auth, visitor) = (world.auth(), world.visitor());
        on_both(async |foreign| {
            let stranger = foreign.first_admin().await;
            let grant = foreign.login(&stranger).await.grant;
            let answer = auth.refresh(&visitor, &grant.refresh_token).await;
            assert!(matches!(answer, Err(SessionError::Expired)));
            // Even where a row of that id exists: the proof is keyed.
            let answer = foreign.auth().refresh(&visitor, &own.refresh_token).await;
            assert!(matches!(answer, Err(SessionError::Expired)));
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn an_ended_session_is_not_renewed() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let ended = world.login(&ada).await.grant;
        let token = ended.access_token.expose();
        let visitor = world.visitor();
        let principal = world
            .auth()
            .authenticate_bearer(&visitor, token)
            .await
            .unwrap();
        let ctx = principal.ctx(&visitor);
        world.auth().logout(&ctx, &principal).await.unwrap();
        let idle = world.login(&ada).await.grant;
        world.wait(IDLE);
        for pair in [ended, idle] {
            let answer = refresh(&world, &pair.refresh_token).await;
            assert!(matches!(answer, Err(SessionError::Expired)));
        }
        assert_eq!(world.count(ada.tenant, REUSED).await, 0);
    })
    .await;
}

#[tokio::test]
async fn renewing_moves_the_idle_limit_and_not_the_age() {
    static ENDS: Sql = Sql::same(
        "test.ends",
        "select expires_at from sessions where session_id = $1",
    );
    on_both(async |world| {
        let ada = world.first_admin().await;
        let start = world.ctx().now();
        let mut pair = world.login(&ada).await.grant;
        let mut renewals = 0;
        loop {
            world.wait(Span::minutes(29));
            match refresh(&world, &pair.refresh_token).await {
                Ok(next) => pair = next,
                Err(SessionError::Expired) => break,
                Err(other) => panic!("{other}"),
            }
            renewals += 1;
            assert!(renewals < 100, "the session never ends");
        }
        assert_eq!(renewals, ABSOLUTE.as_seconds() / (29 * 60));
        let ends: vv_base::Timestamp = world.value(&ENDS, args![pair.session]).await;
        assert_eq!(ends, start.plus(ABSOLUTE));
    })
    .await;
}
