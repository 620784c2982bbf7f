//! How many connections a listener holds, in all and from one network, so that
//! nobody can take all of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Crowd, Patience};

/// One network may hold the whole divided by this.
const SHARE: usize = 8;
/// A share is never smaller than this: offices stand behind one address.
const LEAST_SHARE: usize = 64;

/// Open connections by network.
type Peers = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The open connections of one listener.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    free: Arc<Semaphore>,
    peers: Peers,
    share: usize,
    exempt: Arc<[IpNet]>,
    pub(super) patience: Patience,
}

/// A place among the open connections; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
    counted: Option<(Peers, IpAddr)>,
}

impl Connections {
    pub(super) fn new(crowd: Crowd<'_>, patience: Patience) -> Self {
        let max = usize::try_from(crowd.connections)
            .unwrap_or(Semaphore::MAX_PERMITS)
            .min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(max)),
            peers: Arc::default(),
            share: (max / SHARE).max(LEAST_SHARE),
            exempt: crowd.proxies.into(),
            patience,
        }
    }

    /// A place for a connection from `peer`, unless all or its share are taken.
    pub(super) fn take(&self, peer: Option<IpAddr>) -> Option<Slot> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        let peer = peer.map(|ip| ip.to_canonical());
        let counted = match peer.filter(|ip| !self.exempt.iter().any(|net| net.contains(ip))) {
            Some(ip) => Some((Arc::clone(&self.peers), self.count(network_of(ip))?)),
            None => None,
        };
        Some(Slot {
            _permit: permit,
            counted,
        })
    }

    fn count(&self, network: IpAddr) -> Option<IpAddr> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let held = peers.entry(network).or_insert(0);
        if *held >= self.share {
            return None;
        }
        *held += 1;
        Some(network)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Some((peers, network)) = &self.counted else {
            return;
        };
        let mut peers = peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = peers.get_mut(network) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                peers.remove(network);
            }
        }
    }
}

/// The part of an address that one customer of a network provider holds.
fn network_of(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn connections(proxies: &[IpNet]) -> Connections {
        let patience = Patience {
            head: Duration::from_secs(10),
            stall: Duration::from_secs(30),
        };
        let crowd = Crowd {
            connections: 1000,
            proxies,
        };
        Connections::new(crowd, patience)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_cannot_take_all_places() {
        let connections = connections(&[]);
        let slots: Vec<_> = (0..2000)
            .filter_map(|_| connections.take(Some(ip("192.0.2.1"))))
            .collect();
        assert_eq!(slots.len(), 125);
        assert!(connections.take(Some(ip("192.0.2.2"))).is_some());
        drop(slots);
        assert!(connections.take(Some(ip("192.0.2.1"))).is_some());
        assert!(connections.peers.lock().unwrap().is_empty());
    }

    #[test]
    fn a_slash_64_counts_as_one_and_mapped_addresses_as_ipv4() {
        let connections = connections(&[]);
        let slots: Vec<_> = (0..200)
            .filter_map(|n| connections.take(Some(ip(&format!("2001:db8::{n:x}")))))
            .collect();
        assert_eq!(slots.len(), 125);
        let mapped: Vec<_> = (0..200)
            .filter_map(|n| {
                let peer = if n % 2 == 0 {
                    "192.0.2.7"
                } else {
                    "::ffff:192.0.2.7"
                };
                connections.take(Some(ip(peer)))
            })
            .collect();
        assert_eq!(mapped.len(), 125);
    }

    #[test]
    fn trusted_proxies_are_limited_by_the_whole_only() {
        let connections = connections(&["192.0.2.0/24".parse().unwrap()]);
        let slots: Vec<_> = (0..2000)
            .filter_map(|_| connections.take(Some(ip("192.0.2.1"))))
            .collect();
        assert_eq!(slots.len(), 1000);
    }
}
