//! How many calls run at a time.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Calls of one client at a time, whatever their hosts.
const MAX_CALLS: usize = 64;

/// Places for calls: a few per host, and a number for all.
pub(crate) struct Places {
    per_host: NonZeroUsize,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
    all: Arc<Semaphore>,
}

/// One place; free again when dropped.
pub(crate) struct Place {
    _host: HostPermit,
    _all: OwnedSemaphorePermit,
}

/// A stake in the entry of one host. The entry goes with the last stake, so
/// the map holds hosts in use only.
struct HostPermit {
    places: Arc<Places>,
    host: String,
    semaphore: Option<Arc<Semaphore>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Places {
    pub(crate) fn new(per_host: NonZeroUsize) -> Arc<Self> {
        Arc::new(Self {
            per_host,
            hosts: Mutex::default(),
            all: Arc::new(Semaphore::new(MAX_CALLS)),
        })
    }

    /// Waits for a place. `None` only if the semaphores were closed, which
    /// nobody does.
    pub(crate) async fn take(self: &Arc<Self>, host: &str) -> Option<Place> {
        let semaphore = {
            let mut hosts = self.lock();
            let fresh = || Arc::new(Semaphore::new(self.per_host.get()));
            Arc::clone(hosts.entry(host.to_owned()).or_insert_with(fresh))
        };
        let mut stake = HostPermit {
            places: Arc::clone(self),
            host: host.to_owned(),
            semaphore: Some(Arc::clone(&semaphore)),
            permit: None,
        };
        stake.permit = Some(semaphore.acquire_owned().await.ok()?);
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Place {
            _host: stake,
            _all: all,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Semaphore>>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for HostPermit {
    fn drop(&mut self) {
        let mut hosts = self.places.lock();
        drop(self.permit.take());
        drop(self.semaphore.take());
        let unused = |entry: &Arc<Semaphore>| Arc::strong_count(entry) == 1;
        if hosts.get(&self.host).is_some_and(unused) {
            hosts.remove(&self.host);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn a_host_has_its_own_places_and_leaves_no_trace() {
        let places = Places::new(NonZeroUsize::MIN);
        let first = places.take("a.example").await.unwrap();
        let other = places.take("b.example").await.unwrap();
        let mut second = pin!(places.take("a.example"));
        let state = std::future::poll_fn(|cx| Poll::Ready(second.as_mut().poll(cx))).await;
        assert!(state.is_pending());
        drop(first);
        let second = second.await.unwrap();
        assert_eq!(places.lock().len(), 2);
        drop((second, other));
        assert!(places.lock().is_empty());
    }

    #[tokio::test]
    async fn a_caller_that_stops_waiting_leaves_no_trace() {
        let places = Places::new(NonZeroUsize::MIN);
        let first = places.take("a.example").await.unwrap();
        {
            let mut second = Box::pin(places.take("a.example"));
            let state = std::future::poll_fn(|cx| Poll::Ready(second.as_mut().poll(cx))).await;
            assert!(state.is_pending());
            drop(first);
        }
        assert!(places.lock().is_empty());
    }

    #[tokio::test]
    async fn all_hosts_together_have_a_limit() {
        let places = Places::new(NonZeroUsize::MIN);
        let mut held = Vec::new();
        for n in 0..MAX_CALLS {
            held.push(places.take(&format!("{n}.example")).await.unwrap());
        }
        let mut next = Box::pin(places.take("more.example"));
        let state = std::future::poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await;
        assert!(state.is_pending());
        held.pop();
        assert!(next.await.is_some());
    }
}
