//! Archive files:
//!
//! ```text
//! "VVA-ARCHIVE 1\n" ‖ u32be length of the note ‖ the signed manifest ‖
//! gzip( (u16be length ‖ leaf)* )
//! ```
//!
//! Everything here blocks.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use vv_crypto::{MAX_NOTE_BYTES, VerifierKey};

use super::error::ArchiveError;
use super::manifest::Manifest;
use super::walk::Walk;

const MAGIC: &[u8] = b"VVA-ARCHIVE 1\n";
/// Behind the month and before the random part of an unfinished file's name.
const UNFINISHED: &str = ".part.";
/// Everybody who may read the folder may read archives, and nobody writes them.
const MODE: u32 = 0o440;

/// What a good archive holds.
#[derive(Debug, Clone)]
pub struct ArchiveSummary {
    /// Its manifest, as it was before there was a file.
    pub manifest: Manifest,
    /// The signed note in the file.
    pub note: String,
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
    /// Length of the whole file.
    pub bytes: u64,
}

/// Reads an archive file from beginning to end and gives each leaf with its
/// height to `visit`. It is good only if this returns `Ok`: then the manifest
/// is signed by one of the keys, every leaf links to the one before, and
/// together they make the tree that the manifest names.
///
/// Blocks; memory does not grow with the file.
pub fn read_archive(
    path: &Path,
    keys: &[VerifierKey],
    visit: impl FnMut(u64, &[u8]),
) -> Result<ArchiveSummary, ArchiveError> {
    read_with(path, |note| Ok(Manifest::verify(note, keys)?), visit)
}

pub(super) fn read_with(
    path: &Path,
    open_manifest: impl FnOnce(&str) -> Result<Manifest, ArchiveError>,
    mut visit: impl FnMut(u64, &[u8]),
) -> Result<ArchiveSummary, ArchiveError> {
    let mut file = Hashed::new(BufReader::new(File::open(path)?));
    let mut magic = [0; MAGIC.len()];
    exactly(&mut file, &mut magic, ArchiveError::Format)?;
    let mut length = [0; 4];
    exactly(&mut file, &mut length, ArchiveError::Format)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if magic != MAGIC || length > MAX_NOTE_BYTES {
        return Err(ArchiveError::Format);
    }
    let mut note = vec![0; length];
    exactly(&mut file, &mut note, ArchiveError::Format)?;
    let note = String::from_utf8(note).map_err(|_| ArchiveError::Format)?;
    let manifest = open_manifest(&note)?;
    let mut walk = Walk::into_segment(&manifest);
    let mut leaves = GzDecoder::new(&mut file);
    let mut leaf = Vec::new();
    while walk.height() < manifest.to_height() {
        let height = walk.height() + 1;
        let mut length = [0; 2];
        exactly(&mut leaves, &mut length, ArchiveError::Leaf(height))?;
        leaf.resize(usize::from(u16::from_be_bytes(length)), 0);
        exactly(&mut leaves, &mut leaf, ArchiveError::Leaf(height))?;
        walk.push(&leaf).map_err(|_| ArchiveError::Leaf(height))?;
        visit(height, &leaf);
    }
    // Reading on also checks the length and the sum at the end.
    let rest = leaves
        .read(&mut [0; 1])
        .map_err(damage(ArchiveError::Excess))?;
    if rest != 0 || !file.fill_buf()?.is_empty() {
        return Err(ArchiveError::Excess);
    }
    let found = walk.finish(manifest.month);
    if found.as_ref() != Some(&manifest) {
        return Err(ArchiveError::Tree);
    }
    let (sha256, bytes) = file.finish();
    Ok(ArchiveSummary {
        manifest,
        note,
        sha256,
        bytes,
    })
}

fn exactly(from: &mut impl Read, into: &mut [u8], end: ArchiveError) -> Result<(), ArchiveError> {
    from.read_exact(into).map_err(damage(end))
}

/// What the decoder finds wrong is damage; what the disk does is not.
fn damage(instead: ArchiveError) -> impl FnOnce(io::Error) -> ArchiveError {
    move |error| match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            instead
        }
        _ => ArchiveError::Io(error),
    }
}

/// An archive file that is being written. Until [`Writer::finish`] it has
/// another name; dropping it removes it.
pub(super) struct Writer {
    out: GzEncoder<Hashed<BufWriter<File>>>,
    file: File,
    walk: Walk,
    manifest: Manifest,
    unfinished: Unfinished,
    target: PathBuf,
}

struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the file got its name there is nothing under this one.
        let _ = fs::remove_file(&self.0);
    }
}

impl Writer {
    /// Starts a file that will be `target`. `unique` tells attempts apart.
    pub(super) fn create(
        target: PathBuf,
        note: &str,
        manifest: Manifest,
        unique: &str,
    ) -> Result<Self, ArchiveError> {
        let folder = target.parent().ok_or(ArchiveError::Format)?;
        make_folder(folder)?;
        let name = target.file_name().and_then(|name| name.to_str());
        let prefix = format!("{}{UNFINISHED}", name.ok_or(ArchiveError::Format)?);
        remove_abandoned(folder, &prefix)?;
        let unfinished = Unfinished(folder.join(format!("{prefix}{unique}")));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(MODE)
            .open(&unfinished.0)?;
        // Whoever finds the file and cannot take the lock knows that it is in use.
        file.try_lock().map_err(io::Error::from)?;
        // What the umask took away is given back.
        file.set_permissions(Permissions::from_mode(MODE))?;
        let mut out = Hashed::new(BufWriter::new(file.try_clone()?));
        out.write_all(MAGIC)?;
        let length = u32::try_from(note.len()).map_err(|_| ArchiveError::Format)?;
        out.write_all(&length.to_be_bytes())?;
        out.write_all(note.as_bytes())?;
        Ok(Self {
            out: GzEncoder::new(out, Compression::default()),
            file,
            walk: Walk::into_segment(&manifest),
            manifest,
            unfinished,
            target,
        })
    }

    /// The height of the last leaf so far.
    pub(super) fn height(&self) -> u64 {
        self.walk.height()
    }

    /// Adds the next leaves; one that does not fit is refused.
    pub(super) fn push(mut self, leaves: &[Vec<u8>]) -> Result<Self, ArchiveError> {
        for leaf in leaves {
            let misfit = ArchiveError::Leaf(self.walk.height() + 1);
            let Ok(length) = u16::try_from(leaf.len()) else {
                return Err(misfit);
            };
            if self.walk.push(leaf).is_err() {
                return Err(misfit);
            }
            self.out.write_all(&length.to_be_bytes())?;
            self.out.write_all(leaf)?;
        }
        Ok(self)
    }

    /// Puts the whole file on disk and then gives it its name. Returns the
    /// SHA-256 and the length of the file.
    pub(super) fn finish(mut self) -> Result<([u8; 32], u64), ArchiveError> {
        if self.walk.finish(self.manifest.month).as_ref() != Some(&self.manifest) {
            return Err(ArchiveError::Tree);
        }
        let mut out = self.out.finish()?;
        out.flush()?;
        self.file.sync_all()?;
        // Another process may have been faster; then its file is the same.
        fs::rename(&self.unfinished.0, &self.target)?;
        let folder = self.target.parent().ok_or(ArchiveError::Format)?;
        File::open(folder)?.sync_all()?;
        Ok(out.finish())
    }
}

/// Makes the folder of a chain and sees that its name is on disk.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o750)
        .create(folder)?;
    if let Some(parent) = folder.parent() {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// Removes what an attempt that died left behind.
fn remove_abandoned(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(prefix));
        if ours
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Counts and hashes what goes through.
struct Hashed<T> {
    inner: T,
    hash: Sha256,
    bytes: u64,
}

impl<T> Hashed<T> {
    fn new(inner: T) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
            bytes: 0,
        }
    }

    fn note(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += u64::try_from(bytes.len()).unwrap_or(0);
    }

    fn finish(self) -> ([u8; 32], u64) {
        (self.hash.finalize().into(), self.bytes)
    }
}

impl<T: BufRead> Read for Hashed<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.note(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// Only what is taken counts, so that nothing behind the last leaf does.
impl<T: BufRead> BufRead for Hashed<T> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // What was filled is still there, so nothing is read here.
        if let Ok(buffer) = self.inner.fill_buf() {
            let taken = buffer.get(..count).unwrap_or_default();
            self.hash.update(taken);
            self.bytes += u64::try_from(taken.len()).unwrap_or(0);
        }
        self.inner.consume(count);
    }
}

impl<T: Write> Write for Hashed<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.note(bytes.get(..count).unwrap_or_default());
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
