//! The program as a child process: servers and single commands.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use vv_testkit::stores::setting;

/// How long a start, a command or a stop may take before something is wrong.
/// Generous, because the tests share few cores.
const PATIENCE: Duration = Duration::from_mins(1);
/// A stop is promised within ten seconds.
const STOP_WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// How the program is called: its folder, its environment and its options.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    data: PathBuf,
    env: Vec<(String, String)>,
    args: Vec<String>,
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A server that answers.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    logs: TempDir,
    ended: bool,
    /// `http://127.0.0.1:40123`
    pub(crate) url: String,
    /// Printed while nobody can sign in yet.
    pub(crate) setup_link: Option<String>,
}

impl Launch {
    pub(crate) fn new(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            env: Vec::new(),
            args: Vec::new(),
        }
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    #[must_use]
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds an option that every call gets.
    #[must_use]
    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command.env_clear();
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.arg("--data-dir").arg(&self.data).args(&self.args);
        command
    }

    /// Runs a verb to its end.
    pub(crate) fn run(&self, verb: &[&str]) -> Finished {
        self.run_with_input(verb, "")
    }

    /// Runs a verb that reads standard input.
    pub(crate) fn run_with_input(&self, verb: &[&str], input: &str) -> Finished {
        let logs = tempfile::tempdir().unwrap();
        let mut command = self.command();
        command.args(verb).stdin(Stdio::piped());
        let mut child = spawn(&mut command, logs.path());
        // A command that refuses its options does not wait for input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let Some(status) = wait(&mut child, PATIENCE) else {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{verb:?} did not end: {}", read(logs.path(), "stderr"));
        };
        Finished {
            code: status.code(),
            stdout: read(logs.path(), "stdout"),
            stderr: read(logs.path(), "stderr"),
        }
    }

    /// Starts a verb and does not wait for it. What it says goes nowhere.
    pub(crate) fn spawn(&self, verb: &[&str]) -> Child {
        let mut command = self.command();
        command.args(verb).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// Starts a server on a free port and waits until it answers.
    pub(crate) fn start(&self) -> Server {
        self.start_verb(&["serve"], "127.0.0.1:0")
    }

    /// The same for any verb that serves, on an address.
    pub(crate) fn start_verb(&self, verb: &[&str], listen: &str) -> Server {
        let logs = tempfile::tempdir().unwrap();
        let mut command = self.command();
        command.args(verb).args(["--listen", listen]);
        let child = spawn(command.stdin(Stdio::null()), logs.path());
        let mut server = Server {
            child,
            logs,
            ended: false,
            url: String::new(),
            setup_link: None,
        };
        server.url = server.wait_for_line("listening on ");
        server.wait_for_answer();
        // Everything that is printed at start is printed before the first answer.
        let link = "set up here (works once, within an hour): ";
        server.setup_link = line_after(&server.stdout(), link);
        server
    }
}

impl Server {
    pub(crate) fn stdout(&self) -> String {
        read(self.logs.path(), "stdout")
    }

    pub(crate) fn stderr(&self) -> String {
        read(self.logs.path(), "stderr")
    }

    /// `127.0.0.1:40123`
    pub(crate) fn address(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    /// The link without the host, for clients that know it already.
    pub(crate) fn setup_path(&self) -> &str {
        let link = self.setup_link.as_deref().unwrap();
        link.strip_prefix(&self.url).unwrap()
    }

    fn wait_for_line(&mut self, start: &str) -> String {
        let began = Instant::now();
        loop {
            if let Some(rest) = line_after(&self.stdout(), start) {
                return rest;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", self.stderr());
            }
            assert!(began.elapsed() < PATIENCE, "the server says nothing");
            std::thread::sleep(POLL);
        }
    }

    /// Under TLS the answer to this is an alert, which is an answer too.
    fn wait_for_answer(&self) {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
            .write_all(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            .unwrap();
        let mut first = [0];
        let _ = std::io::Read::read(&mut stream, &mut first).unwrap();
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.ended = true;
    }

    /// SIGTERM, without waiting for the end.
    pub(crate) fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// Waits for the end after a signal; must be in good order and in time.
    pub(crate) fn wait_for_end(&mut self) {
        let status = wait(&mut self.child, STOP_WITHIN);
        let status = status.expect("the server should stop within ten seconds");
        self.ended = true;
        assert_eq!(status.code(), Some(0), "{}", self.stderr());
    }

    /// Stops in good order.
    pub(crate) fn stop(&mut self) {
        self.terminate();
        self.wait_for_end();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("standard error of {}:\n{}", self.url, self.stderr());
        }
    }
}

fn binary() -> PathBuf {
    let fallback = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/debug/valueverse").into();
    let path = PathBuf::from(setting("VALUEVERSE_TEST_BIN").unwrap_or_else(fallback));
    assert!(
        path.is_file(),
        "{} is not built: cargo build -p valueverse-server",
        path.display()
    );
    path
}

/// Files rather than pipes: nobody has to read for the program to go on, and
/// what it has written is there as soon as it goes on.
fn spawn(command: &mut Command, logs: &Path) -> Child {
    let file = |name| File::create(logs.join(name)).unwrap();
    command.stdout(file("stdout")).stderr(file("stderr"));
    command.spawn().unwrap()
}

fn read(logs: &Path, name: &str) -> String {
    String::from_utf8_lossy(&fs::read(logs.join(name)).unwrap()).into_owned()
}

/// The rest of the first complete line that starts so.
fn line_after(text: &str, start: &str) -> Option<String> {
    text.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .find_map(|line| line.strip_prefix(start))
        .map(|rest| rest.trim_end().to_owned())
}

fn wait(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if began.elapsed() > patience {
            return None;
        }
        std::thread::sleep(POLL);
    }
}
