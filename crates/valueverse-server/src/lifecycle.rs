//! From the signal to stop to the end of the process.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::output::{ExitStatus, Failure};

/// How the draining ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drained {
    /// Every task finished.
    Clean,
    /// The grace period was over before this many tasks finished.
    TimedOut(usize),
    /// A second signal cut it short while this many tasks ran.
    Forced(usize),
}

/// Tells every part when to stop and waits for what still runs.
#[derive(Debug, Clone)]
pub(crate) struct Lifecycle {
    stop: CancellationToken,
    halt: CancellationToken,
    tasks: TaskTracker,
    grace: Duration,
}

impl Lifecycle {
    /// `grace` is how long work may go on after the signal to stop.
    pub(crate) fn new(grace: Duration) -> Self {
        Self {
            stop: CancellationToken::new(),
            halt: CancellationToken::new(),
            tasks: TaskTracker::new(),
            grace,
        }
    }

    /// Cancelled when no new work should begin.
    pub(crate) const fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// Cancelled when running work should be dropped.
    pub(crate) const fn halting(&self) -> &CancellationToken {
        &self.halt
    }

    /// How long work may go on after the signal to stop.
    pub(crate) const fn grace(&self) -> Duration {
        self.grace
    }

    /// Where tasks are spawned that shutdown waits for.
    pub(crate) const fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Begins an orderly stop, as the first signal does.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Listens for SIGTERM and SIGINT: the first stops in good order, the second at once.
    /// Must be called within a Tokio runtime.
    pub(crate) fn watch_signals(&self) -> Result<(), Failure> {
        let terminate = register(SignalKind::terminate())?;
        let interrupt = register(SignalKind::interrupt())?;
        let lifecycle = self.clone();
        // Not among the tasks that are waited for: it would wait for a second signal for ever.
        let watch = TaskTracker::new();
        watch.spawn(lifecycle.watch(terminate, interrupt));
        Ok(())
    }

    async fn watch(self, mut terminate: Signal, mut interrupt: Signal) {
        next(&mut terminate, &mut interrupt).await;
        info!(grace_seconds = self.grace.as_secs(), "stopping");
        self.stop.cancel();
        next(&mut terminate, &mut interrupt).await;
        warn!("second signal, stopping at once");
        self.halt.cancel();
    }

    /// Waits until all tasks have finished, the grace period is over, or a second signal comes.
    /// Running work is told to drop everything in the latter two cases.
    pub(crate) async fn drain(&self) -> Drained {
        self.stop();
        self.tasks.close();
        let drained = tokio::select! {
            biased;
            () = self.tasks.wait() => Drained::Clean,
            () = self.halt.cancelled() => Drained::Forced(self.tasks.len()),
            () = tokio::time::sleep(self.grace) => Drained::TimedOut(self.tasks.len()),
        };
        self.halt.cancel();
        drained
    }

    /// Runs something until the signal to stop; `None` if the signal came first.
    pub(crate) async fn until_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.stop.run_until_cancelled(work).await
    }
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn register(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| {
        let cause = format!("signals cannot be received: {error}");
        Failure::new(
            ExitStatus::No,
            "lifecycle.signals",
            cause,
            "check the limits of the process",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn drain_waits_for_tasks_that_finish() {
        let lifecycle = Lifecycle::new(Duration::from_hours(1));
        let stopping = lifecycle.stopping().clone();
        lifecycle
            .tasks()
            .spawn(async move { stopping.cancelled().await });
        assert_eq!(lifecycle.drain().await, Drained::Clean);
    }

    #[tokio::test]
    async fn drain_gives_up_when_the_grace_is_over() {
        let lifecycle = Lifecycle::new(Duration::ZERO);
        lifecycle.tasks().spawn(std::future::pending::<()>());
        assert_eq!(lifecycle.drain().await, Drained::TimedOut(1));
        assert!(lifecycle.halting().is_cancelled());
    }

    #[tokio::test]
    async fn a_second_signal_cuts_draining_short() {
        let lifecycle = Lifecycle::new(Duration::from_hours(1));
        lifecycle.tasks().spawn(std::future::pending::<()>());
        lifecycle.halting().cancel();
        assert_eq!(lifecycle.drain().await, Drained::Forced(1));
    }

    #[tokio::test]
    async fn work_is_dropped_when_the_stop_comes() {
        let lifecycle = Lifecycle::new(Duration::ZERO);
        assert_eq!(lifecycle.until_stopped(async { 7 }).await, Some(7));
        lifecycle.stop();
        assert_eq!(
            lifecycle.until_stopped(std::future::pending::<()>()).await,
            None
        );
    }
}
