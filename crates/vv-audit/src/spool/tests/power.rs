//! Power cuts: at every fsync the folder is copied as a cut might leave it,
//! with the bytes since the fsync before lost, in part or out of order.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinSet;

use super::*;

struct Snapshot {
    folder: TempDir,
    /// Acknowledged when the power went.
    acknowledged: u64,
    /// Synced and written length of each segment file.
    lengths: HashMap<PathBuf, (u64, u64)>,
}

#[derive(Default)]
struct CutDisk {
    folder: PathBuf,
    acknowledged: AtomicU64,
    synced: Mutex<HashMap<u64, u64>>,
    snapshots: Mutex<Vec<Snapshot>>,
}

impl CutDisk {
    fn snapshot(&self) {
        let folder = copy_folder(&self.folder);
        let synced = self.synced.lock().unwrap();
        let mut lengths = HashMap::new();
        for path in files(&self.folder, "seg") {
            let metadata = fs::metadata(&path).unwrap();
            let safe = synced.get(&metadata.ino()).copied().unwrap_or(0);
            let copy = folder.path().join(path.file_name().unwrap());
            lengths.insert(copy, (safe.min(metadata.len()), metadata.len()));
        }
        self.snapshots.lock().unwrap().push(Snapshot {
            folder,
            acknowledged: self.acknowledged.load(Ordering::SeqCst),
            lengths,
        });
    }
}

impl Disk for CutDisk {
    fn write_all_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        RealDisk.write_all_at(file, bytes, offset)
    }
    fn sync(&self, file: &File) -> io::Result<()> {
        self.snapshot();
        let metadata = file.metadata()?;
        let mut synced = self.synced.lock().unwrap();
        synced.insert(metadata.ino(), metadata.len());
        Ok(())
    }
    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        RealDisk.truncate(file, length)
    }
}

/// What a cut may make of the bytes that were not synced.
fn mangle(path: &Path, (safe, written): (u64, u64), way: u32) {
    let file = File::options().write(true).open(path).unwrap();
    let middle = u64::midpoint(safe, written);
    let zeros = |from: u64, to: u64| vec![0; usize::try_from(to - from).unwrap()];
    match way {
        0 => file.set_len(safe).unwrap(),
        1 => {}
        2 => file.set_len(middle).unwrap(),
        3 => file.write_all_at(&zeros(safe, middle), safe).unwrap(),
        _ => file.write_all_at(&zeros(middle, written), middle).unwrap(),
    }
}

#[tokio::test]
async fn acknowledged_frames_survive_a_power_cut_at_every_fsync() {
    let dir = private_folder();
    let disk = Arc::new(CutDisk {
        folder: dir.path().to_path_buf(),
        ..CutDisk::default()
    });
    let handle: Arc<dyn Disk> = Arc::<CutDisk>::clone(&disk);
    let spool = Spool::open_on(setup(dir.path(), None), handle)
        .await
        .unwrap();
    for first in (0..96).step_by(4) {
        let mut group = JoinSet::new();
        for n in first..first + 4 {
            let spool = spool.clone();
            group.spawn(async move { spool.append(payload(n), at(n)).await.map(|_| n) });
        }
        while let Some(done) = group.join_next().await {
            let n = done.unwrap().unwrap();
            disk.acknowledged.fetch_max(n + 1, Ordering::SeqCst);
        }
    }
    spool.close().await;
    let snapshots = std::mem::take(&mut *disk.snapshots.lock().unwrap());
    assert!(snapshots.len() > 20);
    let mut torn = 0;
    for snapshot in &snapshots {
        for way in 0..5 {
            let copy = copy_folder(snapshot.folder.path());
            for (path, lengths) in &snapshot.lengths {
                mangle(&copy.path().join(path.file_name().unwrap()), *lengths, way);
            }
            let spool = open(copy.path()).await;
            let found = numbers(&spool).await;
            let count = u64::try_from(found.len()).unwrap();
            assert_eq!(found, (0..count).collect::<Vec<_>>());
            assert!(count >= snapshot.acknowledged, "{way}: {count}");
            for incident in spool.take_incidents() {
                assert!(matches!(incident, SpoolIncident::TornTail { .. }));
                torn += 1;
            }
            spool.close().await;
        }
    }
    assert!(torn > 10);
}
