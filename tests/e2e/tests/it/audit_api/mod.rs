//! The audit trail over the interface, as an application, an auditor and an
//! outsider use it.

mod custody;
mod events;
mod proofs;
mod tail;

use reqwest::Method;
use serde_json::{Value, json};
use vv_crypto::VerifierKey;

use crate::harness::api::{Answer, Api};
use crate::harness::launch::{Launch, Server};
use crate::harness::people::{ADA, OTTO};
use crate::harness::place::Place;

const EVENTS: &str = "/api/v1/audit/events";

/// A server with two organisations, and somebody who is signed in.
struct Scene {
    _place: Place,
    launch: Launch,
    server: Server,
    api: Api,
    token: String,
}

impl Scene {
    async fn new() -> Self {
        let place = Place::lite();
        let launch = place.launch();
        ADA.create(&launch);
        OTTO.create(&launch);
        let server = launch.start();
        let api = Api::new(&server.url);
        let token = api.login(ADA.email, ADA.password).await.access;
        Self {
            _place: place,
            launch,
            server,
            api,
            token,
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.api.get(path, Some(&self.token)).await
    }

    async fn write(&self, body: &Value) -> Answer {
        self.api.post(EVENTS, Some(&self.token), body).await
    }

    /// An event of the application, and where it is.
    async fn note(&self, kind: &str) -> Value {
        let body = json!({ "type": kind, "severity": "info", "description": "It happened" });
        let answer = self.write(&body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()
    }

    async fn keys(&self) -> Vec<VerifierKey> {
        let answer = self.get("/api/v1/audit/keys").await;
        let lines = answer.body.lines();
        lines
            .map(|line| VerifierKey::parse(line).unwrap())
            .collect()
    }

    async fn tenant(&self) -> String {
        let me = self.get("/api/v1/me").await.json();
        me["tenant_id"].as_str().unwrap().to_owned()
    }

    /// The types of the events that a query finds.
    async fn found(&self, query: &str) -> Vec<String> {
        let answer = self.get(&format!("{EVENTS}?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let page = answer.json();
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| item["type"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// The bytes of an answer that is not text.
async fn bytes_of(scene: &Scene, path: &str) -> Vec<u8> {
    let request = scene.api.request(Method::GET, path);
    let answer = request.bearer_auth(&scene.token).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.bytes().await.unwrap().to_vec()
}
