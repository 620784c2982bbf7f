use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::HashError;

/// Longest a caller waits for its turn.
const DEADLINE: Duration = Duration::from_secs(8);

/// Lets a few pieces of heavy work run at a time, off the threads that answer
/// requests, and turns callers away when too many wait.
pub(super) struct Gate {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Gate {
    /// `parallel` run, `queue` more may wait.
    pub(super) fn new(parallel: usize, queue: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(parallel)),
            places: Arc::new(Semaphore::new(parallel + queue)),
        }
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| HashError::Overloaded)?;
        let turn = tokio::time::timeout(DEADLINE, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| HashError::Overloaded)?
            .map_err(|_| HashError::Failed)?;
        // The permits move along: a caller who gives up does not free a core that is still busy.
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop((turn, place));
            result
        })
        .await
        .map_err(|_| HashError::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_turns_callers_away() {
        let gate = Gate::new(1, 0);
        let held = Arc::clone(&gate.places).try_acquire_owned().unwrap();
        assert!(matches!(gate.run(|| 7).await, Err(HashError::Overloaded)));
        drop(held);
        assert!(matches!(gate.run(|| 7).await, Ok(7)));
    }
}
