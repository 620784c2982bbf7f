//! Disks that are full, fail or hang.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};

use tokio::task::JoinSet;

use super::*;

/// A real disk that does as it is told.
#[derive(Default)]
struct BadDisk {
    syncs: AtomicU64,
    /// Bytes that may still be written; a write beyond is cut short.
    space: Mutex<Option<usize>>,
    failing_syncs: AtomicU64,
    no_truncate: AtomicBool,
    hanging: Mutex<bool>,
    moved: Condvar,
    waiting: AtomicU64,
}

impl BadDisk {
    fn hang(&self, hanging: bool) {
        *self.hanging.lock().unwrap() = hanging;
        self.moved.notify_all();
    }
}

impl Disk for BadDisk {
    fn write_all_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut space = self.space.lock().unwrap();
        if let Some(left) = space.as_mut() {
            let fits = bytes.len().min(*left);
            RealDisk.write_all_at(file, &bytes[..fits], offset)?;
            *left -= fits;
            if fits < bytes.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            return Ok(());
        }
        RealDisk.write_all_at(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let hanging = self.hanging.lock().unwrap();
        self.waiting
            .fetch_add(u64::from(*hanging), Ordering::SeqCst);
        drop(self.moved.wait_while(hanging, |hanging| *hanging).unwrap());
        self.syncs.fetch_add(1, Ordering::SeqCst);
        let failing = self.failing_syncs.load(Ordering::SeqCst);
        if failing > 0 {
            self.failing_syncs.store(failing - 1, Ordering::SeqCst);
            return Err(io::Error::other("the disk went away"));
        }
        RealDisk.sync(file)
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        if self.no_truncate.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk went away"));
        }
        RealDisk.truncate(file, length)
    }
}

async fn open_bad(dir: &Path) -> (Spool, Arc<BadDisk>) {
    let disk = Arc::new(BadDisk::default());
    let handle: Arc<dyn Disk> = Arc::<BadDisk>::clone(&disk);
    let mut setup = setup(dir, None);
    setup.limits.segment_bytes = 64 * 1024;
    (Spool::open_on(setup, handle).await.unwrap(), disk)
}

/// What the spool holds, and what the next process will find.
async fn holds(spool: &Spool, dir: &Path, wanted: &[u64]) {
    assert_eq!(numbers(spool).await, wanted);
    let copy = copy_folder(dir);
    let next = open(copy.path()).await;
    assert_eq!(numbers(&next).await, wanted);
    assert_eq!(next.take_incidents(), []);
}

#[tokio::test]
async fn callers_that_wait_together_share_one_fsync() {
    let dir = private_folder();
    let (spool, disk) = open_bad(dir.path()).await;
    let mut tasks = JoinSet::new();
    let mut start = |n| {
        let spool = spool.clone();
        tasks.spawn(async move { spool.append(payload(n), at(n)).await.unwrap() });
    };
    let before = disk.syncs.load(Ordering::SeqCst);
    disk.hang(true);
    start(0);
    while disk.waiting.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    (1..65).for_each(&mut start);
    while spool.requests.capacity() > QUEUE - 64 {
        tokio::task::yield_now().await;
    }
    disk.hang(false);
    let mut positions = tasks.join_all().await;
    assert_eq!(disk.syncs.load(Ordering::SeqCst) - before, 2);
    positions.sort_unstable();
    positions.dedup();
    assert_eq!(positions.len(), 65);
    let mut kept = numbers(&spool).await;
    kept.sort_unstable();
    assert_eq!(kept, (0..65).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_full_disk_refuses_whole_entries_and_works_again() {
    for space in [0, 1, 51, 52, 53, 80] {
        let dir = private_folder();
        let (spool, disk) = open_bad(dir.path()).await;
        fill(&spool, 0..3).await;
        *disk.space.lock().unwrap() = Some(space);
        for _ in 0..2 {
            let refused = spool.append(payload(99), NOW).await;
            assert_eq!(refused, Err(SpoolError::NoSpace));
        }
        assert_eq!(spool.depth().frames, 3);
        holds(&spool, dir.path(), &[0, 1, 2]).await;
        *disk.space.lock().unwrap() = None;
        fill(&spool, 3..5).await;
        holds(&spool, dir.path(), &[0, 1, 2, 3, 4]).await;
        assert_eq!(files(dir.path(), "seg").len(), 1);
        assert_eq!(spool.take_incidents(), []);
    }
}

#[tokio::test]
async fn a_full_disk_stops_neither_the_next_segment_nor_the_drain_for_good() {
    let dir = private_folder();
    let (spool, disk) = open_bad(dir.path()).await;
    let large = vec![9; 60_000];
    spool.append(large.clone(), NOW).await.unwrap();
    *disk.space.lock().unwrap() = Some(50);
    let refused = spool.append(large.clone(), NOW).await;
    assert_eq!(refused, Err(SpoolError::NoSpace));
    assert!(files(dir.path(), "new").is_empty());
    let frames = read_all(&spool).await;
    assert_eq!(frames.len(), 1);
    spool.release(frames[0].position).await.unwrap();
    assert_eq!(spool.depth(), SpoolDepth::default());
    // The room is given back all the same, and the position is spent.
    let left = fs::metadata(&files(dir.path(), "seg")[0]).unwrap().len();
    assert_eq!(left, START + 1);
    let behind = spool.read_from(frames[0].position, 9, 9).await;
    assert_eq!(behind, Ok(Vec::new()));
    assert_eq!(spool.release(frames[0].position).await, Ok(()));
    let copy = copy_folder(dir.path());
    let restarted = open(copy.path()).await;
    for spool in [restarted, spool] {
        *disk.space.lock().unwrap() = None;
        spool.append(payload(5), NOW).await.unwrap();
        let again = spool.read_from(frames[0].position, 9, 9).await.unwrap();
        assert_eq!(again.len(), 1);
        assert!(again[0].position > frames[0].position);
        assert_eq!(numbers(&spool).await, [5]);
    }
}

#[tokio::test]
async fn a_failed_fsync_is_an_error_and_its_file_is_not_trusted_again() {
    for no_truncate in [false, true] {
        let dir = private_folder();
        let (spool, disk) = open_bad(dir.path()).await;
        fill(&spool, 0..3).await;
        disk.no_truncate.store(no_truncate, Ordering::SeqCst);
        disk.failing_syncs.store(1, Ordering::SeqCst);
        let refused = spool.append(payload(99), NOW).await.unwrap_err();
        assert!(matches!(refused, SpoolError::Io { doing: "fsync", .. }));
        assert_eq!(numbers(&spool).await, [0, 1, 2]);
        fill(&spool, 3..5).await;
        assert_eq!(files(dir.path(), "seg").len(), 2);
        holds(&spool, dir.path(), &[0, 1, 2, 3, 4]).await;
    }
}

#[tokio::test]
async fn a_caller_that_went_away_changes_nothing_for_the_others() {
    let dir = private_folder();
    let (spool, disk) = open_bad(dir.path()).await;
    disk.hang(true);
    let gone = {
        let spool = spool.clone();
        let mut task = JoinSet::new();
        task.spawn(async move { spool.append(payload(0), at(0)).await });
        while disk.waiting.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        task.shutdown().await;
        task.is_empty()
    };
    assert!(gone);
    disk.hang(false);
    fill(&spool, 1..3).await;
    holds(&spool, dir.path(), &[0, 1, 2]).await;
}
