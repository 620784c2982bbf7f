//! Running programs so that nothing outlives us.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::failure::{Context, Failure, Result};
use crate::interrupt::Interrupt;

const POLL: Duration = Duration::from_millis(20);
/// How long a program may take to follow a polite signal.
const GRACE: Duration = Duration::from_secs(15);

/// The cargo that runs us, or the one on the path.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

/// A running program that is stopped, with its whole process group, when
/// this guard goes out of scope.
pub(crate) struct Running {
    child: Child,
    polite: Signal,
}

impl Running {
    /// Starts a program in a process group of its own, so that Ctrl-C in the
    /// terminal reaches us alone and we decide the order of stopping.
    pub(crate) fn start(command: &mut Command, polite: Signal) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .process_group(0)
            .spawn()
            .context(format_args!("cannot start {program}"))?;
        Ok(Self { child, polite })
    }

    /// The exit status, if the program has ended.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("cannot wait for a program")
    }

    /// Waits for the end, or fails when somebody asks to stop.
    pub(crate) fn wait(&mut self, interrupt: &Interrupt) -> Result<ExitStatus> {
        self.wait_at_most(Duration::MAX, interrupt)
    }

    fn wait_at_most(&mut self, limit: Duration, interrupt: &Interrupt) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            interrupt.check()?;
            if start.elapsed() > limit {
                return Err(Failure::new(format!(
                    "a program did not end within {} s and was stopped",
                    limit.as_secs()
                )));
            }
            std::thread::sleep(POLL);
        }
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    fn ends_within(&mut self, limit: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < limit {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            std::thread::sleep(POLL);
        }
        false
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(pid) = self.pid() else { return };
        if matches!(self.child.try_wait(), Ok(None)) {
            // Both may fail only because the program ended meanwhile.
            let _ = kill_process(pid, self.polite);
            if !self.ends_within(GRACE) {
                let _ = kill_process_group(pid, Signal::KILL);
            }
        }
        let _ = self.child.wait();
        // Whatever the program itself left behind in its group.
        let _ = kill_process_group(pid, Signal::TERM);
    }
}

/// Runs a program to its end with our own output.
pub(crate) fn run(command: &mut Command, interrupt: &Interrupt) -> Result<ExitStatus> {
    interrupt.check()?;
    Running::start(command.stdin(Stdio::null()), Signal::TERM)?.wait(interrupt)
}

/// Like [`run`], and anything but success is a failure with the program's code.
pub(crate) fn run_ok(command: &mut Command, interrupt: &Interrupt) -> Result<()> {
    succeeded(run(command, interrupt)?)
}

/// Runs a program to its end and returns what it wrote to standard output.
pub(crate) fn capture(command: &mut Command, interrupt: &Interrupt) -> Result<String> {
    capture_within(Duration::MAX, command, interrupt)
}

/// Like [`capture`], and stops a program that takes longer than `limit`.
pub(crate) fn capture_within(
    limit: Duration,
    command: &mut Command,
    interrupt: &Interrupt,
) -> Result<String> {
    interrupt.check()?;
    let (mut reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    let mut running = Running::start(command.stdin(Stdio::null()).stdout(writer), Signal::TERM)?;
    // The command keeps its copy of the writing end; without this the pipe never ends.
    command.stdout(Stdio::null());
    let collector = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text)
    });
    let status = running.wait_at_most(limit, interrupt)?;
    drop(running);
    let text = collector
        .join()
        .map_err(|_| Failure::new("the reader of a program's output failed"))?
        .context("a program's output is not text")?;
    succeeded(status)?;
    Ok(text)
}

/// Turns an exit status into success or into a failure with the same code.
pub(crate) fn succeeded(status: ExitStatus) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Err(Failure::Exit(code.unwrap_or(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_captured_and_the_code_is_kept() {
        let never = Interrupt::never();
        let text = capture(Command::new("sh").args(["-c", "echo hi"]), &never);
        assert_eq!(text.unwrap(), "hi\n");
        let failed = run_ok(Command::new("sh").args(["-c", "exit 7"]), &never);
        assert_eq!(failed.unwrap_err().exit_code(), 7);
    }

    #[test]
    fn a_program_that_does_not_end_is_stopped() {
        let mut sleep = Command::new("sleep");
        let ended = capture_within(Duration::ZERO, sleep.arg("600"), &Interrupt::never());
        assert_eq!(ended.unwrap_err().exit_code(), 1);
    }

    #[test]
    fn a_guard_stops_its_program() {
        let running = Running::start(Command::new("sleep").arg("600"), Signal::TERM).unwrap();
        let pid = running.pid().unwrap();
        drop(running);
        assert!(rustix::process::test_kill_process(pid).is_err());
    }

    #[test]
    fn an_interrupt_ends_the_wait() {
        let mut running = Running::start(Command::new("sleep").arg("600"), Signal::TERM).unwrap();
        let ended = running.wait(&Interrupt::raised());
        assert_eq!(ended.unwrap_err().exit_code(), 143);
    }
}
