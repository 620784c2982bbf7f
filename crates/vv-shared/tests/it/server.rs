use std::net::TcpListener;
use std::num::NonZeroU32;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use vv_base::{Rng, Secret, Span, SystemRng};
use vv_shared::{RedisConfig, Shared};

use crate::clock::MockClock;

/// Generous, so that a busy machine fails no test; outages are shown by
/// refused connections and stopped processes.
const PATIENCE: Span = Span::seconds(2);

/// The value of a variable, if it is set and not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "the test runner hands over its servers in the environment"
)]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Notes that a test cannot run here; fails where services are required.
fn skip(why: &str) {
    assert_ne!(
        setting("VALUEVERSE_TEST_REQUIRE_SERVICES").as_deref(),
        Some("1"),
        "{why}"
    );
    println!("skipped: {why}");
}

/// The shared test server.
pub(crate) fn common_url() -> Option<String> {
    let url = setting("VALUEVERSE_TEST_REDIS_URL");
    if url.is_none() {
        skip("VALUEVERSE_TEST_REDIS_URL is not set");
    }
    url
}

pub(crate) fn config(url: &str) -> RedisConfig {
    let mut random = [0; 8];
    SystemRng.fill(&mut random);
    RedisConfig {
        prefix: format!("vvtest:{:016x}:", u64::from_le_bytes(random)),
        nodes: NonZeroU32::new(4).unwrap(),
        command_timeout: PATIENCE,
        connect_timeout: PATIENCE,
        ..RedisConfig::new(Secret::new(url.to_owned()))
    }
}

pub(crate) async fn connect(config: &RedisConfig, clock: &Arc<MockClock>) -> Shared {
    Shared::redis(config, clock.clone()).await.unwrap()
}

/// A `redis-server` of one test, on a free port of the loopback interface.
pub(crate) struct Server {
    process: Child,
    port: u16,
    extra: Vec<String>,
    folder: TempDir,
}

impl Server {
    /// Starts one that keeps nothing on disk; `None` where there is none to start.
    pub(crate) async fn start(extra: &[&str]) -> Option<Self> {
        let port = free_port();
        let folder = TempDir::new().unwrap();
        let extra: Vec<String> = extra.iter().map(ToString::to_string).collect();
        let Some(process) = launch(port, &extra, &folder) else {
            skip("there is no redis-server to start");
            return None;
        };
        let server = Self {
            process,
            port,
            extra,
            folder,
        };
        server.wait_until_listening().await;
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// SIGKILL, then waits for the end.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// SIGSTOP: connections stay up and nothing answers.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Starts again on the same port, empty.
    pub(crate) async fn restart(&mut self) {
        self.process = launch(self.port, &self.extra, &self.folder).unwrap();
        self.wait_until_listening().await;
    }

    /// Sends one command over a connection of its own.
    pub(crate) async fn raw(&self, words: &[&str]) -> redis::Value {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let (name, arguments) = words.split_first().unwrap();
        redis::cmd(name)
            .arg(arguments)
            .query_async(&mut connection)
            .await
            .unwrap()
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(sent.success());
    }

    async fn wait_until_listening(&self) {
        for _ in 0..3_000 {
            if tokio::net::TcpStream::connect(self.address()).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server does not listen on port {}", self.port);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn launch(port: u16, extra: &[String], folder: &TempDir) -> Option<Child> {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(["--port", &port.to_string()])
        .arg("--dir")
        .arg(folder.path())
        .args(extra)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()
}

/// Below the ephemeral range's upper part and low enough that port + 10000,
/// which a cluster node also takes, exists.
fn free_port() -> u16 {
    let mut random = [0; 2];
    for _ in 0..200 {
        SystemRng.fill(&mut random);
        let port = 20_000 + u16::from_le_bytes(random) % 12_000;
        let free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if free(port) && free(port + 10_000) {
            return port;
        }
    }
    panic!("no free port");
}
