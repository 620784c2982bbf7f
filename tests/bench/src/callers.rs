//! Many callers at once.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::measure::{Outcome, Sample, process_cpu};

/// The most callers any bench uses.
pub(crate) const MANY: usize = 64;

/// A runtime like the server's.
pub(crate) fn runtime() -> Outcome<Arc<Runtime>> {
    let runtime = Builder::new_multi_thread().enable_all().build();
    runtime.map(Arc::new).map_err(|error| error.to_string())
}

/// Lets `count` callers repeat `work` until the time is over. Each gets its number.
pub(crate) async fn repeat<W, F>(count: usize, limit: Duration, work: W) -> Outcome<Sample>
where
    W: Fn(usize) -> F + Clone + Send + 'static,
    F: Future<Output = Outcome<()>> + Send,
{
    let cpu = process_cpu();
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..count {
        let work = work.clone();
        callers.spawn(async move {
            let mut operations: u32 = 0;
            while start.elapsed() < limit {
                work(caller).await?;
                operations += 1;
            }
            Outcome::Ok(operations)
        });
    }
    let mut operations = 0;
    while let Some(joined) = callers.join_next().await {
        operations += joined.map_err(|error| error.to_string())??;
    }
    Ok(Sample {
        operations,
        wall: start.elapsed(),
        cpu: process_cpu().saturating_sub(cpu),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_caller_works_and_a_failure_is_told() {
        let runtime = runtime().unwrap();
        let (sender, receiver) = std::sync::mpsc::channel();
        let work = move |caller| {
            let sender = sender.clone();
            async move {
                tokio::task::yield_now().await;
                sender.send(caller).map_err(|error| error.to_string())
            }
        };
        let sample = runtime.block_on(repeat(3, Duration::from_millis(5), work));
        let seen: Vec<usize> = receiver.iter().collect();
        assert_eq!(
            sample.unwrap().operations,
            u32::try_from(seen.len()).unwrap()
        );
        assert!((0..3).all(|caller| seen.contains(&caller)));
        let failing = |_| async { Err("refused".to_owned()) };
        let failed = runtime.block_on(repeat(2, Duration::from_millis(5), failing));
        assert_eq!(failed.unwrap_err(), "refused");
    }
}
