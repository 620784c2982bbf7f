//! A client of the REST interface.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// Talks to one server.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    http: Client,
    base: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What a successful sign-in gives.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) session: String,
}

/// Nothing is followed, nothing goes through a proxy.
pub(crate) fn plain_client(from: Ipv4Addr) -> Client {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .local_address(IpAddr::V4(from))
        .build()
        .unwrap()
}

impl Api {
    pub(crate) fn new(base: &str) -> Self {
        Self::from_address(base, Ipv4Addr::LOCALHOST)
    }

    /// As another machine: all of 127.0.0.0/8 is this one.
    pub(crate) fn from_address(base: &str, from: Ipv4Addr) -> Self {
        Self {
            http: plain_client(from),
            base: base.to_owned(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let mut request = self.request(Method::GET, path);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        send(request).await
    }

    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let mut request = self.request(Method::POST, path).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        send(request).await
    }

    pub(crate) async fn try_login(&self, email: &str, password: &str) -> Answer {
        let body = json!({ "identifier": email, "password": password });
        self.post("/api/v1/auth/login", None, &body).await
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> Tokens {
        let answer = self.try_login(email, password).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.tokens()
    }

    pub(crate) async fn logout(&self, token: &str) -> Answer {
        let request = self.request(Method::POST, "/api/v1/auth/logout");
        send(request.bearer_auth(token)).await
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    try_send(request).await.unwrap()
}

/// For servers that may die meanwhile.
pub(crate) async fn try_send(request: RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    Ok(Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.text().await?,
    })
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.body);
        parsed.unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn tokens(&self) -> Tokens {
        let json = self.json();
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        Tokens {
            access: text("access_token"),
            refresh: text("refresh_token"),
            session: text("session_id"),
        }
    }

    /// Must be that problem, as a complete document (RFC 9457).
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        let json = self.json();
        assert_eq!(json["code"], code, "{json}");
        assert_eq!(json["status"], status, "{json}");
        assert_eq!(json["type"], format!("/problems/{code}"), "{json}");
        for member in ["title", "detail", "action"] {
            assert!(!json[member].as_str().unwrap().is_empty(), "{member}");
        }
        let instance = json["instance"].as_str().unwrap();
        assert!(instance.starts_with("urn:request:"), "{instance}");
    }
}
