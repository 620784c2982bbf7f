use std::future::Future;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// Lookups that may run at a time. The system's resolver occupies a thread
/// until it gives up, also after the caller went away.
const MAX_LOOKUPS: usize = 16;
/// Addresses of one name that are looked at.
const MAX_ADDRESSES: usize = 64;

/// The answer of a resolver, in order of preference.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Turns names into addresses. Asked once per call; the connection goes to one
/// of the addresses of that answer.
pub trait Resolve: Send + Sync {
    /// All addresses of a name, which is never an address itself.
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a>;
}

/// `getaddrinfo` of the system: hosts file, DNS and what else is configured there.
pub(crate) struct SystemResolver {
    lookups: Arc<Semaphore>,
}

impl SystemResolver {
    pub(crate) fn new() -> Self {
        Self {
            lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)),
        }
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        let lookups = Arc::clone(&self.lookups);
        let name = name.to_owned();
        Box::pin(async move {
            let permit = lookups.acquire_owned().await.map_err(io::Error::other)?;
            let lookup = tokio::task::spawn_blocking(move || {
                let found = (name.as_str(), 0).to_socket_addrs().map(|found| {
                    let addresses = found.map(|endpoint| endpoint.ip());
                    addresses.take(MAX_ADDRESSES).collect()
                });
                drop(permit);
                found
            });
            lookup.await.map_err(io::Error::other)?
        })
    }
}
