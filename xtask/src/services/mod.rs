//! Private instances of what the tests need, on free ports of 127.0.0.1, in a
//! temporary folder. Nothing that the machine already runs is touched.

mod find;
mod postgres;
mod redis;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) use find::Need;

use crate::child::Running;
use crate::failure::{Context, Failure, Result};
use crate::interrupt::Interrupt;
use find::Found;

/// How long a service may take until it answers.
const START_LIMIT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(50);

/// Everything that was started. Fields drop in this order: the servers stop
/// before their folder goes.
pub(crate) struct Services {
    servers: Vec<Server>,
    env: Vec<(&'static str, OsString)>,
    folder: TempDir,
}

struct Server {
    name: &'static str,
    running: Running,
    log: PathBuf,
}

impl Services {
    /// Finds the programs (or installs them, as root) and starts the instances.
    pub(crate) fn start(needs: &[Need], interrupt: &Interrupt) -> Result<Self> {
        let found = find::locate_or_install(needs, interrupt)?;
        let folder = tempfile::Builder::new()
            .prefix("valueverse-services-")
            // PostgreSQL runs as another user when we are root and has to get through.
            .permissions(fs::Permissions::from_mode(0o711))
            .tempdir_in(base_folder())
            .context("cannot make a temporary folder")?;
        let mut services = Self {
            servers: Vec::new(),
            env: vec![("VALUEVERSE_TEST_REQUIRE_SERVICES", OsString::from("1"))],
            folder,
        };
        services.start_found(&found, interrupt)?;
        Ok(services)
    }

    fn start_found(&mut self, found: &Found, interrupt: &Interrupt) -> Result<()> {
        let folder = self.folder.path().to_owned();
        if let Some(program) = found.path(Need::Postgres) {
            let (server, url) = postgres::start(program, &folder.join("postgres"), interrupt)?;
            self.servers.push(server);
            self.env.push(("VALUEVERSE_TEST_PG_URL", url.into()));
        }
        if let Some(program) = found.path(Need::Redis) {
            let (server, url) = redis::start(program, &folder.join("redis"), interrupt)?;
            self.servers.push(server);
            self.env.push(("VALUEVERSE_TEST_REDIS_URL", url.into()));
        }
        if let Some(module) = found.path(Need::SoftHsm) {
            let config = softhsm_config(&folder.join("softhsm"))?;
            self.env.push(("SOFTHSM2_CONF", config.into()));
            self.env.push(("VALUEVERSE_TEST_SOFTHSM", module.into()));
        }
        if let Some(program) = found.path(Need::Chromium) {
            self.env.push(("VALUEVERSE_TEST_CHROMIUM", program.into()));
        }
        if let Some(program) = found.path(Need::Chromedriver) {
            self.env
                .push(("VALUEVERSE_TEST_CHROMEDRIVER", program.into()));
        }
        Ok(())
    }

    /// What the tests read.
    pub(crate) fn env(&self) -> impl Iterator<Item = (&'static str, &OsStr)> {
        self.env
            .iter()
            .map(|(name, value)| (*name, value.as_os_str()))
    }

    fn still_up(&mut self) -> Result<()> {
        for server in &mut self.servers {
            server.still_up()?;
        }
        Ok(())
    }
}

impl Server {
    fn start(
        name: &'static str,
        command: &mut Command,
        polite: Polite,
        log: PathBuf,
    ) -> Result<Self> {
        let running = Running::start(command, polite)?;
        Ok(Self { name, running, log })
    }

    fn still_up(&mut self) -> Result<()> {
        match self.running.ended()? {
            None => Ok(()),
            Some(status) => Err(Failure::new(format!(
                "{} ended by itself ({status}); its log ends with:\n{}",
                self.name,
                last_lines(&self.log)
            ))),
        }
    }

    /// Waits until `ready` says so.
    fn wait_until(&mut self, interrupt: &Interrupt, ready: impl Fn() -> bool) -> Result<()> {
        let start = Instant::now();
        while !ready() {
            interrupt.check()?;
            self.still_up()?;
            if start.elapsed() > START_LIMIT {
                return Err(Failure::new(format!(
                    "{} did not answer within {} s; its log ends with:\n{}",
                    self.name,
                    START_LIMIT.as_secs(),
                    last_lines(&self.log)
                )));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

type Polite = rustix::process::Signal;

/// `cargo xtask services`.
pub(crate) fn run(interrupt: &Interrupt) -> Result<()> {
    let parent = std::os::unix::process::parent_id();
    let mut services = Services::start(Need::ALL, interrupt)?;
    for (name, value) in services.env() {
        println!("export {name}={}", quoted(value));
    }
    eprintln!("services are up; Ctrl-C stops them");
    loop {
        if interrupt.check().is_err() {
            return Ok(());
        }
        if std::os::unix::process::parent_id() != parent {
            return Ok(());
        }
        services.still_up()?;
        std::thread::sleep(POLL);
    }
}

/// A folder on a real disk, so that fsync costs what it costs: `/tmp` is often memory.
fn base_folder() -> PathBuf {
    let on_disk = Path::new("/var/tmp");
    if std::env::var_os("TMPDIR").is_none() && on_disk.is_dir() {
        return on_disk.to_owned();
    }
    std::env::temp_dir()
}

fn softhsm_config(folder: &Path) -> Result<PathBuf> {
    let tokens = folder.join("tokens");
    fs::create_dir_all(&tokens).context("cannot make the SoftHSM folder")?;
    let config = folder.join("softhsm2.conf");
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
        tokens.display()
    );
    fs::write(&config, text).context("cannot write the SoftHSM configuration")?;
    Ok(config)
}

/// A port that was free a moment ago; whoever uses it retries on a collision.
fn free_port() -> Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .context("no free port on 127.0.0.1")
}

/// A password for one run; only local users could reach the instances, and they should not either.
fn password() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("cannot read /dev/urandom")?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// Starts a server through `setpriv --pdeathsig`, where there is one, so that
/// the kernel stops it even when we are killed without a chance to clean up.
fn dies_with_us(program: &Path, signal: &str) -> Command {
    match find::on_path("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command
                .arg("--pdeathsig")
                .arg(signal)
                .arg("--")
                .arg(program);
            command
        }
        None => Command::new(program),
    }
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines.len().saturating_sub(20);
    lines.get(tail..).unwrap_or_default().join("\n")
}

fn quoted(value: &OsStr) -> String {
    format!("'{}'", value.to_string_lossy().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn export_lines_survive_a_shell() {
        assert_eq!(quoted(OsStr::new("a b'c")), r"'a b'\''c'");
    }

    #[test]
    fn passwords_differ() {
        assert_ne!(password().unwrap(), password().unwrap());
        assert_eq!(password().unwrap().len(), 32);
    }
}
