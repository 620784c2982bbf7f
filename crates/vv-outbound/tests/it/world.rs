//! A client that trusts one authority and one resolver of the test.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use vv_base::{Span, Timestamp};
use vv_outbound::{
    Outbound, OutboundError, OutboundSettings, OutboundUrl, Resolve, Resolving, Response,
};

use crate::server::{Answer, Authority, Server};

/// The name that all tests call.
pub(crate) const NAME: &str = "hook.example";

/// Answers with one list after the other; the last one stays.
pub(crate) struct Script {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Script {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(parse).collect()),
            asked: Mutex::default(),
        })
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn next(&self) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        };
        answer.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Resolve for Script {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        self.asked.lock().unwrap().push(name.to_owned());
        let answer = self.next();
        Box::pin(async move { answer })
    }
}

/// Settings under which 127.0.0.1 may be called, and no other address of this machine.
pub(crate) fn settings(authority: &Authority) -> OutboundSettings {
    OutboundSettings {
        timeout: Span::minutes(1),
        connect_timeout: Span::minutes(1),
        allow_private: vec!["127.0.0.1/32".parse().unwrap()],
        extra_ca_pem: Some(authority.pem()),
        ..OutboundSettings::default()
    }
}

/// So many milliseconds.
pub(crate) fn milliseconds(n: i64) -> Span {
    let zero = Timestamp::from_unix_millis(0);
    Timestamp::from_unix_millis(n).since(zero)
}

/// A server for [`NAME`] and a client that reaches it at 127.0.0.1.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) client: Outbound,
}

impl World {
    pub(crate) async fn new(answer: Answer) -> Self {
        Self::with(answer, |_| {}).await
    }

    pub(crate) async fn with(answer: Answer, change: impl FnOnce(&mut OutboundSettings)) -> Self {
        let authority = Authority::new();
        let tls = authority.acceptor(&[NAME]);
        let server = Server::start("127.0.0.1:0", Some(tls), answer).await;
        let mut settings = settings(&authority);
        change(&mut settings);
        let resolver = Script::new(&[&["127.0.0.1"]]);
        let client = Outbound::with_resolver(&settings, resolver).unwrap();
        Self { server, client }
    }

    /// A URL of the server.
    pub(crate) fn url(&self, target: &str) -> OutboundUrl {
        let port = self.server.address.port();
        let text = format!("https://{NAME}:{port}{target}");
        self.client.url(&text).unwrap()
    }

    pub(crate) async fn get(&self, target: &str) -> Result<Response, OutboundError> {
        self.client.get(&self.url(target), &[]).await
    }
}
