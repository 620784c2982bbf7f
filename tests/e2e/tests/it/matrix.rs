//! Who may call what: every operation of the running server's OpenAPI document
//! has a row here, and every cell is called.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::api::Api;
use crate::harness::launch::Launch;
use crate::harness::people::{ADA, OTTO, Person, create, set_role};
use crate::harness::place::Place;
use crate::harness::{SOON, eventually};

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
const FOR_OWN_ADMIN: [Is; 6] = [Unknown, Denied, Denied, Denied, Done, Hidden];
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
    row("POST /api/v1/audit/events", "audit:write", [Unknown, Done, Denied, Denied, Done, Done]),
    row("GET /api/v1/audit/events", "audit:read", FOR_ADMIN),
    // The event, the log and the holds are the first tenant's.
    row("GET /api/v1/audit/events/{event_id}", "audit:read", FOR_OWN_ADMIN),
    row("GET /api/v1/audit/stats", "audit:read", FOR_ADMIN),
    row("GET /api/v1/audit/verify", "audit:verify", FOR_ADMIN),
    row("GET /api/v1/audit/export", "audit:export", FOR_ADMIN),
    row("GET /api/v1/audit/tail", "audit:read", FOR_ADMIN),
    row("GET /api/v1/audit/checkpoint", "audit:read", FOR_ADMIN),
    row("GET /api/v1/audit/proof/inclusion", "audit:read", FOR_ADMIN),
    row("GET /api/v1/audit/proof/consistency", "audit:read", FOR_ADMIN),
    row("GET /api/v1/audit/keys", "audit:read", FOR_ADMIN),
    row("GET /api/v1/audit/receipt", "audit:read", FOR_ADMIN),
    row("GET /api/v1/audit/log/{chain}/checkpoint", "audit:read", FOR_OWN_ADMIN),
    row("GET /api/v1/audit/log/{chain}/tile/{path}", "audit:read", FOR_OWN_ADMIN),
    row("GET /api/v1/audit/holds", "audit:manage", FOR_ADMIN),
    row("POST /api/v1/audit/holds", "audit:manage", FOR_ADMIN),
    row("DELETE /api/v1/audit/holds/{hold_id}", "audit:manage", FOR_OWN_ADMIN),
    row("GET /api/v1/audit/segments", "audit:manage", FOR_ADMIN),
    // This server is no witness.
    row("POST /witness/add-checkpoint", "public", [Hidden; 6]),
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
    let things = Things::of_the_first_tenant(&api).await;
    for row in MATRIX {
        for ((caller, name), expected) in callers.iter().zip(COLUMNS).zip(row.cells) {
            // Signing out is part of the matrix, so every cell has a fresh session.
            let token = caller.token(&api).await;
            let path = row.operation.split_once(' ').unwrap();
            let found = call(&api, path, token.as_deref(), &things).await;
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

/// What there is in the first tenant.
struct Things {
    user: String,
    tenant: String,
    event: String,
    /// In force, one for each cell.
    holds: std::cell::RefCell<Vec<String>>,
}

impl Things {
    async fn of_the_first_tenant(api: &Api) -> Self {
        let token = api.login(ADA.email, ADA.password).await.access;
        let me = api.get("/api/v1/me", Some(&token)).await.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let events = api.get("/api/v1/audit/events", Some(&token)).await.json();
        let mut holds = Vec::new();
        for _ in COLUMNS {
            let body = json!({ "reason": "matter 4711" });
            let placed = api.post("/api/v1/audit/holds", Some(&token), &body).await;
            holds.push(text(&placed.json()["hold_id"]));
        }
        for person in [ADA, OTTO] {
            let token = api.login(person.email, person.password).await.access;
            eventually("the first event is anchored", SOON, async || {
                let path = "/api/v1/audit/receipt?height=1";
                api.get(path, Some(&token)).await.status == 200
            })
            .await;
        }
        Self {
            user: text(&me["user_id"]),
            tenant: text(&me["tenant_id"]),
            event: text(&events["items"][0]["event_id"]),
            holds: std::cell::RefCell::new(holds),
        }
    }

    /// The path with everything that stands for something filled in.
    fn fill(&self, path: &str) -> String {
        let mut path = path
            .replace("{user_id}", &self.user)
            .replace("{chain}", &self.tenant)
            .replace("{event_id}", &self.event)
            .replace("{path}", "0/000.p/1");
        if path.contains("{hold_id}") {
            let hold = self.holds.borrow_mut().pop().unwrap();
            path = path.replace("{hold_id}", &hold);
        }
        let query = match path.rsplit('/').next() {
            Some("inclusion" | "receipt") => "?height=1",
            Some("consistency") => "?from=1&to=1",
            _ => "",
        };
        path + query
    }
}

/// Calls the operation as it is meant to be called.
async fn call(api: &Api, (method, path): (&str, &str), token: Option<&str>, things: &Things) -> Is {
    let method: Method = method.parse().unwrap();
    let mut request = api.request(method.clone(), &things.fill(path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body(path).filter(|_| method == Method::POST) {
        request = request.json(&body);
    }
    // The body of an answer that never ends is not waited for.
    let answer = request.send().await.unwrap();
    match answer.status().as_u16() {
        200..=204 => Done,
        401 => Unknown,
        403 => Denied,
        404 => Hidden,
        status => panic!("{path} answered {status}: {}", answer.text().await.unwrap()),
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
        "/api/v1/audit/events" => Some(json!({
            "type": "app.matrix_walked", "severity": "info", "description": "Walked",
        })),
        "/api/v1/audit/holds" => Some(json!({ "reason": "matter 4712" })),
        _ => None,
    }
}
