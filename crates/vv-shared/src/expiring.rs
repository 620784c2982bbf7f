use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// A map whose entries end at a moment and whose size is bounded. When full,
/// ended entries make room; live ones never do, because forgetting a live
/// entry would forgive an attacker.
pub(crate) struct Expiring<K, V> {
    entries: HashMap<K, (V, i64)>,
    by_end: BTreeSet<(i64, K)>,
    capacity: usize,
}

/// Every entry is live and there is no room for one more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl<K: Copy + Ord + Hash, V> Expiring<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: HashMap::new(),
            by_end: BTreeSet::new(),
            capacity,
        }
    }

    /// The value, if its end lies after `now`.
    pub(crate) fn get(&self, key: &K, now: i64) -> Option<&V> {
        self.entries
            .get(key)
            .filter(|(_, end)| *end > now)
            .map(|(value, _)| value)
    }

    /// Stores or replaces.
    pub(crate) fn put(&mut self, key: K, value: V, end: i64, now: i64) -> Result<(), Full> {
        self.purge(now);
        let known = self.entries.get(&key).map(|(_, old)| *old);
        match known {
            Some(old) => {
                self.by_end.remove(&(old, key));
            }
            None if self.entries.len() >= self.capacity => return Err(Full),
            None => {}
        }
        self.by_end.insert((end, key));
        self.entries.insert(key, (value, end));
        Ok(())
    }

    pub(crate) fn remove(&mut self, key: &K) {
        if let Some((_, end)) = self.entries.remove(key) {
            self.by_end.remove(&(end, *key));
        }
    }

    fn purge(&mut self, now: i64) {
        while let Some((end, key)) = self.by_end.first().copied() {
            if end > now {
                return;
            }
            self.by_end.pop_first();
            self.entries.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ended_entries_make_room_and_live_ones_do_not() {
        let mut map = Expiring::new(2);
        assert_eq!(map.put(1, 'a', 10, 0), Ok(()));
        assert_eq!(map.put(2, 'b', 20, 0), Ok(()));
        assert_eq!(map.put(3, 'c', 30, 9), Err(Full));
        assert_eq!(map.put(1, 'A', 15, 9), Ok(()));
        assert_eq!(map.get(&1, 14), Some(&'A'));
        assert_eq!(map.get(&1, 15), None);
        assert_eq!(map.put(3, 'c', 30, 15), Ok(()));
        map.remove(&2);
        assert_eq!(map.get(&2, 0), None);
        assert_eq!((map.entries.len(), map.by_end.len()), (1, 1));
    }
}
