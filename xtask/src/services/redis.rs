use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use super::{Server, dies_with_us, free_port, password};
use crate::failure::{Context, Failure, Result};
use crate::interrupt::Interrupt;

/// Starts a Redis that keeps nothing. Returns its URL.
pub(super) fn start(
    program: &Path,
    folder: &Path,
    interrupt: &Interrupt,
) -> Result<(Server, String)> {
    fs::create_dir(folder).context("cannot make the Redis folder")?;
    let secret = password()?;
    let mut outcome = launch(program, folder, &secret, interrupt);
    // Somebody else may take the port between our look and the start.
    for _ in 0..2 {
        if matches!(outcome, Err(Failure::Message(_))) {
            outcome = launch(program, folder, &secret, interrupt);
        }
    }
    let (server, port) = outcome?;
    Ok((
        server,
        format!("redis://default:{secret}@127.0.0.1:{port}/"),
    ))
}

fn launch(
    program: &Path,
    folder: &Path,
    secret: &str,
    interrupt: &Interrupt,
) -> Result<(Server, u16)> {
    let port = free_port()?;
    let log = folder.join("redis.log");
    // From a file and not from arguments, which every local user can read.
    let config = folder.join("redis.conf");
    let text = format!(
        "bind 127.0.0.1\nport {port}\ndir {}\nrequirepass {secret}\nsave \"\"\nappendonly no\ndaemonize no\nsupervised no\n",
        folder.display()
    );
    private_file(&config, &text)?;
    let output = fs::File::create(&log).context("cannot write redis.log")?;
    let mut command = dies_with_us(program, "TERM");
    command
        .arg(&config)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(output.try_clone().context("redis.log")?)
        .stderr(output);
    let mut server = Server::start("Redis", &mut command, Signal::TERM, log)?;
    server.wait_until(interrupt, || answers(port, secret))?;
    Ok((server, port))
}

fn private_file(path: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .context(format_args!("cannot write {}", path.display()))
}

/// Asks with the password, so that a stranger on the port is not taken for ours.
fn answers(port: u16, secret: &str) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(format!("AUTH {secret}\r\nQUIT\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.take(256).read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("+OK"))
}
