//! A browser without a screen: it keeps cookies and sends forms, no more.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use reqwest::{Client, Method, RequestBuilder};

use super::api::{Answer, plain_client, send, try_send};

/// One person's browser.
#[derive(Debug)]
pub(crate) struct Site {
    http: Client,
    base: String,
    cookies: BTreeMap<String, String>,
    csrf: String,
}

impl Site {
    pub(crate) fn new(base: &str) -> Self {
        Self {
            http: plain_client(Ipv4Addr::LOCALHOST),
            base: base.to_owned(),
            cookies: BTreeMap::new(),
            csrf: String::new(),
        }
    }

    /// Fetches a page and remembers the form token on it.
    pub(crate) async fn open(&mut self, path: &str) -> Answer {
        let answer = send(self.request(Method::GET, path)).await;
        self.remember(&answer);
        if let Some(token) = csrf_token(&answer.body) {
            self.csrf = token;
        }
        answer
    }

    /// Sends a form of the page opened last.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = send(self.form(path, fields)).await;
        self.remember(&answer);
        answer
    }

    /// As [`Self::submit`], to a server that may die meanwhile.
    pub(crate) async fn try_submit(&self, path: &str, fields: &[(&str, &str)]) -> Option<u16> {
        let answer = try_send(self.form(path, fields)).await.ok()?;
        Some(answer.status)
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut form = vec![("csrf", self.csrf.as_str())];
        form.extend_from_slice(fields);
        self.request(Method::POST, path)
            .header("origin", &self.base)
            .form(&form)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header("accept", "text/html");
        if !pairs.is_empty() {
            request = request.header("cookie", pairs.join("; "));
        }
        request
    }

    fn remember(&mut self, answer: &Answer) {
        for header in answer.headers.get_all("set-cookie") {
            let text = header.to_str().unwrap();
            assert!(text.contains("Secure; HttpOnly"), "{text}");
            let (name, rest) = text.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

fn csrf_token(html: &str) -> Option<String> {
    let (_, rest) = html.split_once("name=\"csrf\" value=\"")?;
    let (token, _) = rest.split_once('"')?;
    Some(token.to_owned())
}
