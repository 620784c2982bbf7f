//! Who may call what: every operation of the running server's OpenAPI document
//! has a row here, and every cell is called.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::api::{Api, send};
use crate::harness::launch::Launch;
use crate::harness::people::{ADA, OTTO, Person, create, set_role};
use crate::harness::place::Place;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    /// Done.
    Done,
    /// Nobody is signed in, or the credential of the body is not good.
    Unknown,
    /// Signed in, without the permission.
    Denied,
    /// Not there for them.
    Hidden,
}

use Is::{Denied, Done, Hidden, Unknown};

/// Who calls, in the order of the columns.
const COLUMNS: [&str; 6] = [
    "anonymous",
    "billing_api",
    "billing_readonly",
    "billing_operator",
    "billing_admin",
    "billing_admin of another tenant",
];

struct Row {
    operation: &'static str,
    /// `x-permission` or `x-access` of the document.
    needs: &'static str,
    cells: [Is; 6],
}

const fn row(operation: &'static str, needs: &'static str, cells: [Is; 6]) -> Row {
    Row {
        operation,
        needs,
        cells,
    }
}

const OPEN: [Is; 6] = [Done; 6];
const SELF: [Is; 6] = [Unknown, Done, Done, Done, Done, Done];
const FOR_ADMIN: [Is; 6] = [Unknown, Denied, Denied, Denied, Done, Done];
const FOR_OPERATOR: [Is; 6] = [Unknown, Denied, Denied, Done, Done, Done];

#[rustfmt::skip]
const MATRIX: &[Row] = &[
    row("POST /api/v1/auth/login", "public", OPEN),
    row("POST /api/v1/auth/token/refresh", "public", [Unknown; 6]),
    row("POST /api/v1/auth/logout", "self", SELF),
    row("GET /api/v1/me", "self", SELF),
    row("GET /api/v1/users", "user:read", FOR_OPERATOR),
    // The id is of somebody of the first tenant.
    row("GET /api/v1/users/{user_id}", "user:read", [Unknown, Denied, Denied, Done, Done, Hidden]),
    row("POST /api/v1/passwords/check", "public", OPEN),
    row("GET /api/v1/audit/verify", "audit:verify", FOR_ADMIN),
    row("GET /api/v1/audit/events", "audit:read", FOR_ADMIN),
    row("GET /.well-known/jwks.json", "public", OPEN),
    row("GET /healthz", "public", OPEN),
    row("GET /readyz", "public", OPEN),
    // Without a configured token the machine itself may read them.
    row("GET /metrics", "operator", OPEN),
];

#[tokio::test]
async fn every_operation_is_for_whom_it_should_be() {
    let place = Place::lite();
    let launch = place.launch();
    OTTO.create(&launch);
    ADA.create(&launch);
    let server = launch.start();
    let api = Api::new(&server.url);
    let operations = operations(&api).await;
    assert_eq!(
        operations,
        MATRIX
            .iter()
            .map(|row| (row.operation.to_owned(), row.needs.to_owned()))
            .collect::<BTreeSet<_>>(),
        "the document on the left, the matrix on the right"
    );
    let callers = callers(&launch, &api).await;
    let target = target(&api).await;
    for row in MATRIX {
        for ((caller, name), expected) in callers.iter().zip(COLUMNS).zip(row.cells) {
            // Signing out is part of the matrix, so every cell has a fresh session.
            let token = caller.token(&api).await;
            let path = row.operation.split_once(' ').unwrap();
            let found = call(&api, path, token.as_deref(), &target).await;
            assert_eq!(found, expected, "{} as {name}", row.operation);
        }
    }
}

/// Method and path of every operation, with what it needs.
async fn operations(api: &Api) -> BTreeSet<(String, String)> {
    let document = api.get("/openapi.json", None).await.json();
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = format!("{} {path}", method.to_uppercase());
            let needs = [&operation["x-permission"], &operation["x-access"]];
            let needs: Vec<&str> = needs.iter().filter_map(|value| value.as_str()).collect();
            assert_eq!(needs.len(), 1, "{name} must say what it needs, once");
            found.insert((name, needs[0].to_owned()));
        }
    }
    found
}

/// One column.
struct Caller {
    person: Option<(String, &'static str)>,
    access: std::cell::RefCell<Option<String>>,
}

impl Caller {
    /// The access token of a live session.
    async fn token(&self, api: &Api) -> Option<String> {
        let (email, password) = self.person.as_ref()?;
        let known = self.access.borrow().clone();
        if let Some(token) = known
            && api.get("/api/v1/me", Some(&token)).await.status == 200
        {
            return Some(token);
        }
        let token = api.login(email, password).await.access;
        *self.access.borrow_mut() = Some(token.clone());
        Some(token)
    }
}

async fn callers(launch: &Launch, api: &Api) -> Vec<Caller> {
    let mut callers = Vec::new();
    for column in COLUMNS {
        let person = match column {
            "anonymous" => None,
            "billing_admin" => Some((ADA.email.to_owned(), ADA.password)),
            "billing_admin of another tenant" => Some((OTTO.email.to_owned(), OTTO.password)),
            role => Some((with_role(launch, api, role).await, ADA.password)),
        };
        callers.push(Caller {
            person,
            access: std::cell::RefCell::new(None),
        });
    }
    callers
}

/// Creates somebody of the first tenant who has only that role.
async fn with_role(launch: &Launch, api: &Api, role: &str) -> String {
    let Person {
        tenant, password, ..
    } = ADA;
    let email = format!("{}@acme.example", role.replace('_', "-"));
    create(launch, tenant, &email, password);
    let tokens = api.login(&email, password).await;
    let me = api.get("/api/v1/me", Some(&tokens.access)).await.json();
    let id = |name: &str| me[name].as_str().unwrap();
    set_role(launch, id("tenant_id"), id("user_id"), role).await;
    let tokens = api.login(&email, password).await;
    let me = api.get("/api/v1/me", Some(&tokens.access)).await.json();
    assert_eq!(me["roles"], json!([role]));
    email
}

/// The id of somebody of the first tenant.
async fn target(api: &Api) -> String {
    let tokens = api.login(ADA.email, ADA.password).await;
    let me = api.get("/api/v1/me", Some(&tokens.access)).await.json();
    me["user_id"].as_str().unwrap().to_owned()
}

/// Calls the operation as it is meant to be called.
async fn call(api: &Api, (method, path): (&str, &str), token: Option<&str>, target: &str) -> Is {
    let method: Method = method.parse().unwrap();
    let mut request = api.request(method, &path.replace("{user_id}", target));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body(path) {
        request = request.json(&body);
    }
    let answer = send(request).await;
    match answer.status {
        200 | 204 => Done,
        401 => Unknown,
        403 => Denied,
        404 => Hidden,
        status => panic!("{path} answered {status}: {}", answer.body),
    }
}

fn body(path: &str) -> Option<Value> {
    match path {
        "/api/v1/auth/login" => {
            // Whoever asks: it is the body that says who signs in.
            Some(json!({ "identifier": OTTO.email, "password": OTTO.password }))
        }
        "/api/v1/auth/token/refresh" => Some(json!({ "refresh_token": "none" })),
        "/api/v1/passwords/check" => Some(json!({ "password": "orchid-lantern" })),
        _ => None,
    }
}
