use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::{Server, dies_with_us, free_port, last_lines, password};
use crate::child;
use crate::failure::{Context, Failure, Result};
use crate::interrupt::Interrupt;

/// Connections for the whole test run: several tests at once, each with its own pools.
const MAX_CONNECTIONS: u32 = 300;

/// Makes a cluster in `folder` and starts it. Returns the URL of its superuser.
pub(super) fn start(
    program: &Path,
    folder: &Path,
    interrupt: &Interrupt,
) -> Result<(Server, String)> {
    let owner = Owner::choose()?;
    fs::create_dir(folder).context("cannot make the PostgreSQL folder")?;
    owner.give(folder)?;
    let secret = password()?;
    make_cluster(program, folder, &secret, owner, interrupt)?;
    let mut outcome = launch(program, folder, owner, interrupt);
    // Somebody else may take the port between our look and the start.
    for _ in 0..2 {
        if matches!(outcome, Err(Failure::Message(_))) {
            outcome = launch(program, folder, owner, interrupt);
        }
    }
    let (server, port) = outcome?;
    let url = format!("postgres://postgres:{secret}@127.0.0.1:{port}/postgres");
    Ok((server, url))
}

fn make_cluster(
    program: &Path,
    folder: &Path,
    secret: &str,
    owner: Owner,
    interrupt: &Interrupt,
) -> Result<()> {
    let secret_file = folder.join("password");
    fs::write(&secret_file, secret).context("cannot write the PostgreSQL password")?;
    owner.give(&secret_file)?;
    let log = folder.join("initdb.log");
    let output = fs::File::create(&log).context("cannot write initdb.log")?;
    let mut initdb = Command::new(program.with_file_name("initdb"));
    initdb
        .arg("--pgdata")
        .arg(folder.join("data"))
        .arg("--pwfile")
        .arg(&secret_file)
        .args(["--username=postgres", "--auth=scram-sha-256"])
        .args(["--encoding=UTF8", "--locale=C", "--no-sync"])
        .current_dir(folder)
        .stdout(output.try_clone().context("initdb.log")?)
        .stderr(output);
    owner.apply(&mut initdb);
    let status = child::run(&mut initdb, interrupt)?;
    fs::remove_file(&secret_file).context("cannot remove the PostgreSQL password")?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "initdb failed ({status}):\n{}",
        last_lines(&log)
    )))
}

fn launch(
    program: &Path,
    folder: &Path,
    owner: Owner,
    interrupt: &Interrupt,
) -> Result<(Server, u16)> {
    let port = free_port()?;
    let log = folder.join("postgres.log");
    let output = fs::File::create(&log).context("cannot write postgres.log")?;
    // SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
    let mut command = dies_with_us(program, "INT");
    command.arg("-D").arg(folder.join("data"));
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", folder.display()),
        format!("max_connections={MAX_CONNECTIONS}"),
        "shared_buffers=128MB".to_owned(),
        "fsync=on".to_owned(),
        "synchronous_commit=on".to_owned(),
    ];
    for setting in &settings {
        command.arg("-c").arg(setting);
    }
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(output.try_clone().context("postgres.log")?)
        .stderr(output);
    owner.apply(&mut command);
    let mut server = Server::start("PostgreSQL", &mut command, Signal::INT, log)?;
    let state = folder.join("data/postmaster.pid");
    server.wait_until(interrupt, || is_ready(&state))?;
    Ok((server, port))
}

/// The eighth line of `postmaster.pid` is the server's own word on its state.
fn is_ready(state: &Path) -> bool {
    fs::read_to_string(state).is_ok_and(|text| {
        text.lines()
            .nth(7)
            .is_some_and(|line| line.starts_with("ready"))
    })
}

/// Who runs the server: `PostgreSQL` refuses root.
#[derive(Clone, Copy)]
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn choose() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let accounts = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| account(&accounts, name))
            .map(|ids| Self(Some(ids)))
            .ok_or_else(|| {
                Failure::new("PostgreSQL refuses to run as root and there is no account postgres or nobody; run this as another user")
            })
    }

    fn give(self, path: &Path) -> Result<()> {
        match self.0 {
            Some((uid, gid)) => chown(path, Some(uid), Some(gid))
                .context(format_args!("cannot give {} to PostgreSQL", path.display())),
            None => Ok(()),
        }
    }

    fn apply(self, command: &mut Command) {
        if let Some((uid, gid)) = self.0 {
            command.uid(uid).gid(gid);
        }
    }
}

fn account(accounts: &str, name: &str) -> Option<(u32, u32)> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some((uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read() {
        let accounts =
            "nobody:x:65534:65533:nobody:/:/bin/false\npostgres:x:104:110:,,,:/var:/bin/sh\n";
        assert_eq!(account(accounts, "postgres"), Some((104, 110)));
        assert_eq!(account(accounts, "nobody"), Some((65534, 65533)));
        assert_eq!(account(accounts, "post"), None);
    }
}
