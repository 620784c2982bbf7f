//! The first user's way in, over HTTP, on both kinds of storage.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::api::{Answer, Api, Tokens, send};
use crate::harness::launch::{Launch, Server};
use crate::harness::people::{ADA, OTTO, set_role, setup_token};
use crate::harness::place::Place;
use crate::harness::site::Site;

/// Password of nobody, which must not show up anywhere either.
const WRONG: &str = "a-password-nobody-has-71";

#[tokio::test]
async fn on_sqlite() {
    let place = Place::lite();
    let launch = place.launch();
    let server = launch.start();
    walk(&launch, &server).await;
    roles_count(&launch, &server).await;
    leaves_no_secret(server).await;
}

#[tokio::test]
async fn on_postgresql_and_redis() {
    let Some(place) = Place::postgres_and_redis(1).await else {
        return;
    };
    let launch = place.launch();
    let server = launch.start();
    walk(&launch, &server).await;
    leaves_no_secret(server).await;
    place.clear().await;
}

async fn walk(launch: &Launch, server: &Server) {
    let api = Api::new(&server.url);
    nobody_is_in_yet(&api).await;
    set_up(server).await;
    let tokens = sign_in(&api).await;
    me(&api, &tokens).await;
    OTTO.create(launch);
    ADA.with_email("bea@acme.example").create(launch);
    ADA.with_email("cy@acme.example").create(launch);
    users_in_pages(&api, &tokens).await;
    tenants_do_not_see_each_other(&api, &tokens).await;
    wrong_requests(&api, &tokens).await;
    audit(launch, &api, &tokens).await;
    refresh(&api).await;
    discovery(&api, &tokens).await;
    sign_out(&api, &tokens).await;
}

async fn nobody_is_in_yet(api: &Api) {
    assert_eq!(api.get("/healthz", None).await.json()["status"], "alive");
    assert_eq!(api.get("/readyz", None).await.json()["status"], "ready");
    let answer = api.get("/api/v1/me", None).await;
    answer.is_problem(401, "auth.required");
    let login = api.get("/login", None).await;
    assert_eq!((login.status, login.header("location")), (303, "/setup"));
}

async fn set_up(server: &Server) {
    let mut site = Site::new(&server.url);
    let page = site.open(server.setup_path()).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Set up ValueVerse"));
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") || policy.contains("default-src 'self'"));
    assert!(!policy.contains("unsafe"), "{policy}");

    let token = setup_token(server);
    let mut form = ADA.setup_form(token);
    form[4].1 = "short";
    let again = site.submit("/setup", &form).await;
    assert_eq!(again.status, 422);
    assert!(
        again.body.contains("ada@acme.example"),
        "what was typed stays"
    );
    assert!(!again.body.contains("\"short\""), "the password does not");

    let stranger = site
        .request(Method::POST, "/setup")
        .header("origin", "https://evil.example")
        .form(&ADA.setup_form(token));
    assert_eq!(send(stranger).await.status, 403);
    let without_csrf = Site::new(&server.url)
        .submit("/setup", &ADA.setup_form(token))
        .await;
    assert_eq!(without_csrf.status, 403);

    ADA.set_up(server).await;
    assert_eq!(site.open(server.setup_path()).await.status, 404);
    site.open("/login").await;
    let second = site.submit("/setup", &OTTO.setup_form(token)).await;
    assert_eq!(second.status, 404, "the link works once");
}

async fn sign_in(api: &Api) -> Tokens {
    let wrong = api.try_login(ADA.email, WRONG).await;
    wrong.is_problem(401, "auth.invalid_credentials");
    let unknown = api.try_login("nobody@acme.example", WRONG).await;
    unknown.is_problem(401, "auth.invalid_credentials");
    assert_eq!(without_instance(&wrong), without_instance(&unknown));

    let answer = api.try_login(ADA.email, ADA.password).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let json = answer.json();
    assert_eq!(json["status"], "authenticated");
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["expires_in"], 900);
    assert_eq!(json["aal"], 1);
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.tokens()
}

fn without_instance(answer: &Answer) -> Value {
    let mut json = answer.json();
    json.as_object_mut().unwrap().remove("instance");
    json
}

async fn me(api: &Api, tokens: &Tokens) {
    let me = api.get("/api/v1/me", Some(&tokens.access)).await.json();
    assert_eq!(me["email"], ADA.email);
    assert_eq!(me["name"], ADA.name);
    assert_eq!(me["tenant_name"], ADA.tenant);
    assert_eq!(me["roles"], json!(["billing_admin"]));
    assert_eq!(me["session_id"], tokens.session);
    let permissions = me["permissions"].as_array().unwrap();
    assert!(permissions.contains(&json!("audit:verify")), "{me}");
}

async fn users_in_pages(api: &Api, tokens: &Tokens) {
    let mut emails = Vec::new();
    let mut path = "/api/v1/users?limit=1".to_owned();
    for _ in 0..5 {
        let page = api.get(&path, Some(&tokens.access)).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 1, "{page}");
        emails.extend(items.iter().map(|user| user["email"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/users?limit=1&cursor={cursor}");
    }
    assert_eq!(
        emails,
        ["ada@acme.example", "bea@acme.example", "cy@acme.example"]
    );
    let found = api
        .get("/api/v1/users?email=BEA@acme.example", Some(&tokens.access))
        .await
        .json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    let foreign = api
        .get(
            "/api/v1/users?email=otto@borealis.example",
            Some(&tokens.access),
        )
        .await
        .json();
    assert_eq!(foreign["items"], json!([]), "of another tenant");
}

async fn tenants_do_not_see_each_other(api: &Api, tokens: &Tokens) {
    let otto = api.login(OTTO.email, OTTO.password).await;
    let id_of = async |token: &str| {
        let me = api.get("/api/v1/me", Some(token)).await.json();
        me["user_id"].as_str().unwrap().to_owned()
    };
    let (ada_id, otto_id) = (id_of(&tokens.access).await, id_of(&otto.access).await);
    let get =
        async |token: &str, id: &str| api.get(&format!("/api/v1/users/{id}"), Some(token)).await;
    assert_eq!(get(&tokens.access, &ada_id).await.status, 200);
    assert_eq!(get(&otto.access, &otto_id).await.status, 200);
    let foreign = get(&tokens.access, &otto_id).await;
    foreign.is_problem(404, "user.not_found");
    let nobody = get(&tokens.access, "00000000-0000-7000-8000-000000000000").await;
    assert_eq!(without_instance(&foreign), without_instance(&nobody));
    get(&otto.access, &ada_id)
        .await
        .is_problem(404, "user.not_found");
}

async fn wrong_requests(api: &Api, tokens: &Tokens) {
    let post = |path: &str| api.request(Method::POST, path);
    let json_body = |text: &'static str| {
        post("/api/v1/auth/login")
            .header("content-type", "application/json")
            .body(text)
    };
    send(json_body("{\"identifier\": "))
        .await
        .is_problem(400, "request.malformed_json");
    send(json_body("{\"identifier\": 1, \"password\": \"x\"}"))
        .await
        .is_problem(422, "request.invalid");
    send(json_body(
        r#"{"identifier":"a","password":"b","admin":true}"#,
    ))
    .await
    .is_problem(422, "request.unknown_field");
    send(post("/api/v1/auth/login").body("identifier=a"))
        .await
        .is_problem(415, "request.unsupported_media_type");
    let access = Some(tokens.access.as_str());
    api.get("/api/v1/users?cursor=forged", access)
        .await
        .is_problem(400, "request.invalid_cursor");
    api.get("/api/v1/users?limit=many", access)
        .await
        .is_problem(400, "request.invalid_query");
    api.get("/api/v1/users/7", access)
        .await
        .is_problem(400, "request.invalid_path");
    api.get("/api/v1/nothing", access)
        .await
        .is_problem(404, "request.not_found");
    send(api.request(Method::DELETE, "/api/v1/me"))
        .await
        .is_problem(405, "request.method_not_allowed");
    let two = api
        .request(Method::GET, "/api/v1/me")
        .bearer_auth(&tokens.access)
        .header("x-api-key", "vv_live_1");
    send(two).await.is_problem(400, "auth.multiple_credentials");
    let changed = format!("{}x", tokens.access);
    api.get("/api/v1/me", Some(&changed))
        .await
        .is_problem(401, "auth.required");
}

async fn audit(launch: &Launch, api: &Api, tokens: &Tokens) {
    let access = Some(tokens.access.as_str());
    let found = api.get("/api/v1/audit/verify", access).await.json();
    assert_eq!(found["verified"], true, "{found}");
    assert!(found["checked"].as_u64().unwrap() > 3, "{found}");
    assert_eq!(found["verdicts"]["integrity"], "ok");
    let page = api.get("/api/v1/audit/events?limit=200", access).await;
    let page = page.json();
    let kinds: Vec<&str> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    for kind in [
        "data.tenant_created",
        "data.user_created",
        "authorization.role_granted",
        "authentication.login_succeeded",
        "authentication.login_failed",
        "data.users_listed",
        "security.chain_verified",
    ] {
        assert!(kinds.contains(&kind), "{kind} is not in {kinds:?}");
    }
    let outside = launch.run(&["audit", "verify", "--json"]);
    assert_eq!(outside.code, Some(0), "{}", outside.stderr);
    let outside: Value = serde_json::from_str(&outside.stdout).unwrap();
    assert_eq!(outside["verified"], true, "{outside}");
}

/// A session of its own: a second use of a token ends it.
async fn refresh(api: &Api) {
    let first = api.login(ADA.email, ADA.password).await;
    let exchange = async |token: &str| {
        let body = json!({ "refresh_token": token });
        api.post("/api/v1/auth/token/refresh", None, &body).await
    };
    let answer = exchange(&first.refresh).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let second = answer.tokens();
    assert_eq!(second.session, first.session);
    assert_ne!(second.refresh, first.refresh);
    let answer = api.get("/api/v1/me", Some(&second.access)).await;
    assert_eq!(answer.status, 200);
    let again = exchange("not-a-token").await;
    again.is_problem(401, "session.expired");
}

async fn discovery(api: &Api, tokens: &Tokens) {
    let keys = api.get("/.well-known/jwks.json", None).await.json();
    let header = tokens.access.split('.').next().unwrap();
    let kids = keys["keys"].as_array().unwrap();
    assert!(!kids.is_empty());
    let named = kids.iter().any(|key| {
        let kid = key["kid"].as_str().unwrap();
        decode_base64url(header).contains(&format!("\"kid\":\"{kid}\""))
    });
    assert!(named, "the token's key is published: {keys}");
    for key in kids {
        assert!(key.get("d").is_none(), "private part");
    }
}

/// RFC 4648 §5 without padding.
fn decode_base64url(text: &str) -> String {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bits, mut held, mut out) = (0_u32, 0_u32, Vec::new());
    for letter in text.chars() {
        bits = (bits << 6) | u32::try_from(LETTERS.find(letter).unwrap()).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    String::from_utf8(out).unwrap()
}

async fn sign_out(api: &Api, tokens: &Tokens) {
    assert_eq!(api.logout(&tokens.access).await.status, 204);
    api.get("/api/v1/me", Some(&tokens.access))
        .await
        .is_problem(401, "session.expired");
    let body = json!({ "refresh_token": tokens.refresh });
    api.post("/api/v1/auth/token/refresh", None, &body)
        .await
        .is_problem(401, "session.expired");
    api.logout(&tokens.access)
        .await
        .is_problem(401, "session.expired");
}

async fn roles_count(launch: &Launch, server: &Server) {
    let api = Api::new(&server.url);
    let bea = api.login("bea@acme.example", ADA.password).await;
    let me = api.get("/api/v1/me", Some(&bea.access)).await.json();
    let id = |name: &str| me[name].as_str().unwrap();
    set_role(launch, id("tenant_id"), id("user_id"), "billing_readonly").await;
    let bea = api.login("bea@acme.example", ADA.password).await;
    api.get("/api/v1/users", Some(&bea.access))
        .await
        .is_problem(403, "auth.permission_denied");
}

/// Neither the log nor the output holds what somebody typed or was given.
async fn leaves_no_secret(mut server: Server) {
    let api = Api::new(&server.url);
    let tokens = api.login(ADA.email, ADA.password).await;
    let link = server.setup_link.clone().unwrap();
    server.stop();
    let (stdout, stderr) = (server.stdout(), server.stderr());
    assert_eq!(stdout.matches(&link).count(), 1, "printed once");
    assert!(!stderr.contains(setup_token(&server)), "and not logged");
    for secret in [
        ADA.password,
        OTTO.password,
        WRONG,
        &tokens.access,
        &tokens.refresh,
        ADA.email,
    ] {
        assert!(!stdout.contains(secret) && !stderr.contains(secret));
    }
}
