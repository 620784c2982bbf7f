//! The folder of segment files: names, modes, the lock, durable create,
//! set-aside and delete.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::frame::{MAX_PAYLOAD, to_u64};
use super::terms::{SpoolError, SpoolLimits};

/// The three calls whose failure the tests inject.
pub(super) trait Disk: Send + Sync {
    fn write_all_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()>;
    fn sync(&self, file: &File) -> io::Result<()>;
    fn truncate(&self, file: &File, length: u64) -> io::Result<()>;
}

/// The real one.
pub(super) struct RealDisk;

impl Disk for RealDisk {
    fn write_all_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }
}

/// Device and inode: which file a name leads to.
pub(super) type Identity = (u64, u64);

const LOCK: &str = "lock";
const SEGMENT: &str = "seg";
const DAMAGED: &str = "damaged";
const UNFINISHED: &str = "new";

pub(super) struct Folder {
    path: PathBuf,
    lock: File,
    disk: Arc<dyn Disk>,
}

/// What lies in the folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) segments: BTreeSet<u64>,
    /// Segments of which a damaged original is kept.
    pub(super) damaged: BTreeSet<u64>,
    /// Numbers that something else bears: a folder, a link, a file of no known kind.
    taken: BTreeSet<u64>,
}

impl Listing {
    /// The highest number any file of the folder bears.
    pub(super) fn newest(&self) -> Option<u64> {
        let sets = [&self.segments, &self.damaged, &self.taken];
        sets.into_iter().filter_map(BTreeSet::last).max().copied()
    }
}

impl Folder {
    /// Makes the folder if needed, only for its owner, and takes the lock.
    pub(super) fn open(path: PathBuf, disk: Arc<dyn Disk>) -> Result<Self, SpoolError> {
        let lock = take_lock(&path)?;
        Ok(Self { path, lock, disk })
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    /// Takes the lock anew when the folder was deleted or replaced meanwhile.
    pub(super) fn keep_lock(&mut self) -> Result<(), SpoolError> {
        let held = self
            .lock
            .metadata()
            .map_err(SpoolError::io("check the lock"))?;
        let named = fs::metadata(self.path.join(LOCK));
        if !named.is_ok_and(|named| identity(&named) == identity(&held)) {
            self.lock = take_lock(&self.path)?;
        }
        Ok(())
    }

    pub(super) fn list(&self) -> Result<Listing, SpoolError> {
        let failed = SpoolError::io("list the folder");
        let mut listing = Listing::default();
        for entry in fs::read_dir(&self.path).map_err(&failed)? {
            let entry = entry.map_err(&failed)?;
            let name = entry.file_name();
            let Some((number, kind)) = name.to_str().and_then(parse_name) else {
                continue;
            };
            match kind {
                SEGMENT if entry.file_type().map_err(&failed)?.is_file() => {
                    listing.segments.insert(number);
                }
                UNFINISHED => fs::remove_file(entry.path()).map_err(&failed)?,
                DAMAGED => {
                    listing.damaged.insert(number);
                }
                _ => {
                    listing.taken.insert(number);
                }
            }
        }
        Ok(listing)
    }

    /// Writes a whole segment file durably: it is there entirely or not at all.
    pub(super) fn create(&self, number: u64, bytes: &[u8]) -> Result<File, SpoolError> {
        let unfinished = self.name(number, UNFINISHED);
        let written = self.write_new(&unfinished, bytes).and_then(|file| {
            fs::rename(&unfinished, self.name(number, SEGMENT))?;
            self.sync()?;
            Ok(file)
        });
        if written.is_err() {
            // Nothing depends on it: the next start deletes it as well.
            fs::remove_file(&unfinished).ok();
        }
        written.map_err(SpoolError::io("start a segment"))
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        self.disk.write_all_at(&file, bytes, 0)?;
        self.disk.sync(&file)?;
        Ok(file)
    }

    pub(super) fn open_segment(&self, number: u64) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.name(number, SEGMENT))
    }

    /// Which file bears the name of the segment now.
    pub(super) fn named(&self, number: u64) -> Option<Identity> {
        let found = fs::symlink_metadata(self.name(number, SEGMENT)).ok()?;
        Some(identity(&found))
    }

    /// Keeps the present file of a segment under a second name, for people to
    /// look at. The segment itself stays until it is replaced or removed.
    pub(super) fn set_aside(&self, number: u64) -> Result<(), SpoolError> {
        let segment = self.name(number, SEGMENT);
        let this = self.named(number);
        for attempt in 0_u32..1000 {
            let kept = if attempt == 0 {
                self.name(number, DAMAGED)
            } else {
                self.name(number, &format!("{attempt}.{DAMAGED}"))
            };
            match fs::hard_link(&segment, &kept) {
                Ok(()) => return self.sync().map_err(SpoolError::io("keep a damaged file")),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    let there = fs::symlink_metadata(&kept).ok();
                    if this.is_some() && there.as_ref().map(identity) == this {
                        return Ok(());
                    }
                }
                Err(error) => return Err(SpoolError::io("keep a damaged file")(error)),
            }
        }
        Err(SpoolError::Io {
            doing: "keep a damaged file",
            kind: io::ErrorKind::AlreadyExists,
        })
    }

    /// Deletes a segment file; one that is gone already is no error.
    pub(super) fn remove(&self, number: u64) -> Result<(), SpoolError> {
        match fs::remove_file(self.name(number, SEGMENT)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(SpoolError::io("delete a segment")(error))
            }
            _ => self.sync().map_err(SpoolError::io("delete a segment")),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.sync(&File::open(&self.path)?)
    }

    fn name(&self, number: u64, kind: &str) -> PathBuf {
        self.path.join(format!("{number:020}.{kind}"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing alone would leave the lock to a child process being started just now.
        self.lock.unlock().ok();
    }
}

/// Which file an open handle or a name stands for.
pub(super) fn identity(metadata: &fs::Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// The bytes of a segment, as far as one can be long.
pub(super) fn read_whole(file: &File) -> Result<Vec<u8>, SpoolError> {
    read_upto(
        file,
        SpoolLimits::SEGMENT_MAX.saturating_add(2 * to_u64(MAX_PAYLOAD)),
    )
}

/// The first `limit` bytes of a file, or all there are.
pub(super) fn read_upto(file: &File, limit: u64) -> Result<Vec<u8>, SpoolError> {
    read_range(file, 0, limit)
}

/// The bytes from `start` up to `end`, or up to the end of the file.
pub(super) fn read_range(file: &File, start: u64, end: u64) -> Result<Vec<u8>, SpoolError> {
    let mut bytes = Vec::new();
    At {
        file,
        offset: start,
    }
    .take(end.saturating_sub(start))
    .read_to_end(&mut bytes)
    .map_err(SpoolError::io("read a segment"))?;
    Ok(bytes)
}

/// Reads a file without moving the position its other users share.
struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(buffer, self.offset)?;
        self.offset = self.offset.saturating_add(to_u64(got));
        Ok(got)
    }
}

fn take_lock(path: &Path) -> Result<File, SpoolError> {
    let failed = SpoolError::io("open the folder");
    if !path.is_dir() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(&failed)?;
        if let Some(parent) = path.parent().filter(|parent| parent.is_dir()) {
            File::open(parent)
                .and_then(|parent| parent.sync_all())
                .map_err(&failed)?;
        }
    }
    // Not repaired: the path may be a mistake, and then it is somebody else's folder.
    if fs::metadata(path).map_err(&failed)?.mode() & 0o077 != 0 {
        return Err(SpoolError::Exposed);
    }
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path.join(LOCK))
        .map_err(&failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(SpoolError::Locked),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// `00000000000000000007.seg` is (7, "seg"); `….2.damaged` counts as damaged.
fn parse_name(name: &str) -> Option<(u64, &str)> {
    let (digits, rest) = name.split_once('.')?;
    if digits.len() != 20 {
        return None;
    }
    let kind = rest.rsplit('.').next()?;
    Some((digits.parse().ok()?, kind))
}
