//! A server of one route on 127.0.0.1, for what the trail calls.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the server got: target, head and body.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) target: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// Status, content type and body.
pub(crate) type Reply = (u16, &'static str, String);

/// How it answers.
pub(crate) trait Answer: Send + Sync + 'static {
    fn answer(&self, got: &Got) -> impl Future<Output = Reply> + Send;
}

/// Always the status that was set last.
#[derive(Clone)]
pub(crate) struct Always(Arc<AtomicU16>);

impl Always {
    pub(crate) fn new(status: u16) -> Self {
        Self(Arc::new(AtomicU16::new(status)))
    }

    pub(crate) fn set(&self, status: u16) {
        self.0.store(status, Ordering::SeqCst);
    }
}

impl Answer for Always {
    async fn answer(&self, _: &Got) -> Reply {
        (self.0.load(Ordering::SeqCst), "text/plain", String::new())
    }
}

pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) got: Arc<Mutex<Vec<Got>>>,
    task: JoinHandle<()>,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "the server ends with its test")]
    pub(crate) async fn start(answer: impl Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let log = Arc::clone(&got);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = read(&mut stream).await else {
                    continue;
                };
                log.lock().unwrap().push(request.clone());
                let (status, kind, body) = answer.answer(&request).await;
                let text = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(text.as_bytes()).await;
            }
        });
        Self { url, got, task }
    }

    pub(crate) fn requests(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read(stream: &mut tokio::net::TcpStream) -> Option<Got> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse()
                        .ok()
                })
                .unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                let target = head.split(' ').nth(1)?.to_owned();
                let body = bytes[end + 4..end + 4 + length].to_vec();
                return Some(Got { target, head, body });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
