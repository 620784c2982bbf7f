//! Who may see what, asked over the whole router.

use std::collections::HashSet;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tower::ServiceExt as _;
use vv_base::{Id, PageRequest, UserId};

use crate::harness::{Person, World, on_both};

/// An access token.
pub(crate) async fn token_of(world: &World, person: &Person) -> String {
    world
        .login(person)
        .await
        .grant
        .access_token
        .expose()
        .clone()
}

/// Asks the whole router; a refusal must be a problem document.
pub(crate) async fn get(world: &World, token: &str, path: &str) -> (StatusCode, Value) {
    let request = Request::get(path)
        .header(header::HOST, "127.0.0.1:8080")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap();
    let answer = world.system.service().oneshot(request).await.unwrap();
    let status = answer.status();
    if !status.is_success() {
        let kind = &answer.headers()[header::CONTENT_TYPE];
        assert_eq!(kind, "application/problem+json", "{path}");
    }
    let body = axum::body::to_bytes(answer.into_body(), 1 << 22)
        .await
        .unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

/// Somebody of the first administrator's tenant with another role.
async fn with_role(world: &World, role: &str) -> Person {
    let email = format!("{role}@engines.example").replace('_', "-");
    let person = world.admin_of("Analytical Engines", &email).await;
    let script = format!(
        "update memberships set role = '{role}' where user_id = {}",
        world.id(person.user)
    );
    world.tamper(&script).await;
    person
}

const USERS: &str = "/api/v1/users";
const EVENTS: &str = "/api/v1/audit/events";
const VERIFY: &str = "/api/v1/audit/verify";

#[tokio::test]
async fn each_role_reaches_what_it_may_and_refusals_are_recorded() {
    on_both(async |world| {
        let admin = world.first_admin().await;
        let one = format!("{USERS}/{}", admin.user);
        let routes = [
            (USERS, "user:read"),
            (&one, "user:read"),
            (EVENTS, "audit:read"),
            (VERIFY, "audit:verify"),
        ];
        for role in [
            "billing_admin",
            "billing_operator",
            "billing_readonly",
            "billing_api",
            "root",
        ] {
            let person = with_role(&world, role).await;
            let token = token_of(&world, &person).await;
            let (status, me) = get(&world, &token, "/api/v1/me").await;
            assert_eq!(status, StatusCode::OK);
            let held = me["permissions"].as_array().unwrap();
            for (path, permission) in routes {
                let (status, answer) = get(&world, &token, path).await;
                if held.iter().any(|text| text == permission) {
                    assert_eq!(status, StatusCode::OK, "{role} {path}: {answer}");
                    continue;
                }
                assert_eq!(status, StatusCode::FORBIDDEN, "{role} {path}");
                assert_eq!(answer["code"], "auth.permission_denied");
                let event = world.events(admin.tenant).await.remove(0);
                assert_eq!(event.kind, "authorization.permission_denied");
                assert_eq!(
                    (event.outcome.as_str(), event.actor),
                    ("denied", Some(person.user))
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_credential_there_is_nothing() {
    on_both(async |world| {
        world.first_admin().await;
        for path in ["/api/v1/me", USERS, EVENTS, VERIFY] {
            let request = Request::get(path)
                .header(header::HOST, "127.0.0.1:8080")
                .body(Body::empty())
                .unwrap();
            let answer = world.system.service().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
            let (status, answer) = get(&world, "garbage", path).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
            assert_eq!(answer["code"], "auth.required");
        }
    })
    .await;
}

#[tokio::test]
async fn people_of_other_tenants_do_not_exist() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let eve = world
            .admin_of("Difference Ltd", "eve@difference.example")
            .await;
        let token = token_of(&world, &eve).await;
        let (_, events) = get(&world, &token, &format!("{EVENTS}?limit=200")).await;
        let text = events.to_string();
        assert!(!text.contains(&ada.user.to_string()));
        assert!(text.contains(&eve.user.to_string()));
        let nobody: UserId = world.ctx().new_id();
        let mut answers = Vec::new();
        for id in [ada.user, nobody, Id::nil()] {
            let (status, mut answer) = get(&world, &token, &format!("{USERS}/{id}")).await;
            assert_eq!(status, StatusCode::NOT_FOUND);
            assert_eq!(answer["code"], "user.not_found");
            answer.as_object_mut().unwrap().remove("instance");
            answers.push(answer);
            // Somebody who tries ids out is seen.
            let event = world.events(eve.tenant).await.remove(0);
            assert_eq!(
                (event.outcome.as_str(), event.actor),
                ("denied", Some(eve.user))
            );
            assert_eq!(event.target, Some(id.to_string()));
        }
        assert!(
            answers.windows(2).all(|pair| pair[0] == pair[1]),
            "{answers:?}"
        );
        let (status, own) = get(&world, &token, &format!("{USERS}/{}", eve.user)).await;
        assert_eq!(
            (status, &own["email"]),
            (StatusCode::OK, &Value::from(eve.email.clone()))
        );
        let (_, list) = get(&world, &token, USERS).await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        assert_eq!(list["items"][0]["id"], eve.user.to_string());
        let by_email = format!("{USERS}?email={}", ada.email);
        let (status, found) = get(&world, &token, &by_email).await;
        assert_eq!(
            (status, &found["items"]),
            (StatusCode::OK, &Value::Array(Vec::new()))
        );
    })
    .await;
}

#[tokio::test]
async fn pages_hold_everybody_once() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        world
            .admin_of("Difference Ltd", "eve@difference.example")
            .await;
        let mut expected = HashSet::from([ada.user.to_string()]);
        for n in 1..120 {
            let email = format!("p{n}@engines.example");
            let person = world.admin_of("Analytical Engines", &email).await;
            expected.insert(person.user.to_string());
        }
        let token = token_of(&world, &ada).await;
        for limit in [7, 60, 119, 120, 200] {
            let mut seen = Vec::new();
            let mut path = format!("{USERS}?limit={limit}");
            loop {
                let (status, page) = get(&world, &token, &path).await;
                assert_eq!(status, StatusCode::OK);
                let items = page["items"].as_array().unwrap();
                assert!(items.len() <= limit && !items.is_empty());
                seen.extend(
                    items
                        .iter()
                        .map(|user| user["id"].as_str().unwrap().to_owned()),
                );
                let Some(cursor) = page["next_cursor"].as_str() else {
                    break;
                };
                path = format!("{USERS}?limit={limit}&cursor={cursor}");
            }
            assert!(seen.is_sorted(), "limit {limit}");
            assert_eq!(seen.len(), 120, "limit {limit}");
            assert_eq!(seen.into_iter().collect::<HashSet<_>>(), expected);
        }
    })
    .await;
}

#[tokio::test]
async fn hostile_cursors_and_limits_are_refused() {
    on_both(async |world| {
        let ada = world.first_admin().await;
        let token = token_of(&world, &ada).await;
        let short = URL_SAFE_NO_PAD.encode([1; 15]);
        let long = URL_SAFE_NO_PAD.encode([1; 17]);
        for cursor in [
            "",
            "***",
            "%27%20or%201=1",
            "AAAA",
            &"A".repeat(129),
            &short,
            &long,
        ] {
            let (status, answer) = get(&world, &token, &format!("{USERS}?cursor={cursor}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{cursor}");
            assert_eq!(answer["code"], "request.invalid_cursor", "{cursor}");
            let (status, answer) = get(&world, &token, &format!("{EVENTS}?cursor={cursor}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "events {cursor}: {answer}");
            assert_eq!(answer["code"], "request.invalid_cursor", "events {cursor}");
        }
        let end = URL_SAFE_NO_PAD.encode([0xff; 16]);
        let (status, page) = get(&world, &token, &format!("{USERS}?cursor={end}")).await;
        assert_eq!(
            (status, &page["items"]),
            (StatusCode::OK, &Value::Array(Vec::new()))
        );
        for height in [i64::MIN, -1, 0] {
            let cursor = URL_SAFE_NO_PAD.encode(height.to_be_bytes());
            let (status, page) = get(&world, &token, &format!("{EVENTS}?cursor={cursor}")).await;
            assert_eq!(
                (status, &page["items"]),
                (StatusCode::OK, &Value::Array(Vec::new()))
            );
        }
        for query in [
            "limit=-1",
            "limit=65536",
            "limit=x",
            "limit=",
            "nothing=1",
            "limit=1&limit=2",
        ] {
            let (status, answer) = get(&world, &token, &format!("{USERS}?{query}")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
            assert_eq!(answer["code"], "request.invalid_query", "{query}");
        }
        for path in ["not-an-id", "0", &"a".repeat(5_000), "%00", "..%2fme"] {
            let (status, _) = get(&world, &token, &format!("{USERS}/{path}")).await;
            assert!(status.is_client_error(), "{path}: {status}");
        }
        assert_eq!(PageRequest::new(Some(0), None).limit, 1);
    })
    .await;
}
