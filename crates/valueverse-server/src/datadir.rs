//! The data folder: its rights, its lock, and the generated root key.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use vv_base::{Rng, Secret};
use vv_crypto::RootKey;

use crate::config::KeysConfig;
use crate::output::{ExitStatus, Failure};

/// Rights of folders: the owner only.
const FOLDER_MODE: u32 = 0o700;
/// Rights of files: the owner only.
const FILE_MODE: u32 = 0o600;
/// Rights that anybody but the owner has.
const OTHERS: u32 = 0o077;
/// The part of them that lets others add and replace files.
const OTHERS_WRITE: u32 = 0o022;
/// Largest key file in bytes.
const MAX_KEY_FILE: u64 = 4096;
/// First characters of a key file, so that other text is never taken for a key.
const KEY_FILE_START: &str = "vvroot1:";
/// Names that tell that a folder is ours.
const OWN_NAMES: [&str; 3] = ["keys", "valueverse.lock", "valueverse.toml"];

/// A data folder that exists, is ours, and can be written.
#[derive(Debug, Clone)]
pub(crate) struct DataDir {
    path: PathBuf,
    tightened: Option<u32>,
}

/// Held by the one server that uses the embedded databases of a folder. Released when dropped
/// and by the kernel when the process dies.
#[derive(Debug)]
pub(crate) struct DataDirLock {
    _file: File,
}

/// Where the root key came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RootKeyOrigin {
    /// The settings.
    Settings,
    /// The key file in the data folder.
    File,
    /// Just generated into the data folder.
    Generated,
}

impl DataDir {
    /// Opens the folder, creating it (0700) if it does not exist.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let created = DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(path);
        let metadata = fs::metadata(path);
        if metadata.as_ref().is_ok_and(|data| !data.is_dir()) {
            let cause = format!("{} is not a folder", path.display());
            return Err(Failure::usage(
                "datadir.not_a_folder",
                cause,
                "name a folder with --data-dir",
            ));
        }
        created.map_err(|error| unusable(path, &error))?;
        let metadata = metadata.map_err(|error| unusable(path, &error))?;
        let own = probe(path).map_err(|error| unusable(path, &error))?;
        if own != metadata.uid() {
            let cause = format!(
                "{} belongs to another user (id {}, this is {own})",
                path.display(),
                metadata.uid()
            );
            let remedy = "start as that user, or name a folder inside it, which will be created";
            return Err(Failure::usage("datadir.owner", cause, remedy));
        }
        let mode = metadata.mode() & 0o7777;
        let tightened = (mode & OTHERS != 0).then_some(mode);
        if tightened.is_some() {
            tighten(path, mode)?;
        }
        Ok(Self {
            path: path.to_owned(),
            tightened,
        })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A folder within, for the owner only. What lies in this folder was never open to others, so
    /// rights that a copy brought along are taken without a word.
    pub(crate) fn private_folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.path.join(name);
        make_private_folder(&folder).map_err(|error| unusable(&folder, &error))?;
        Ok(folder)
    }

    /// A sentence about rights that had to be taken from others, if so.
    pub(crate) fn warning(&self) -> Option<String> {
        self.tightened.map(|mode| {
            let path = self.path.display();
            format!("{path} was open to other users (mode {mode:03o}) and is now 700; whoever had access may have read it")
        })
    }

    /// Claims the folder for one server with embedded databases.
    pub(crate) fn lock(&self) -> Result<DataDirLock, Failure> {
        let path = self.path.join("valueverse.lock");
        let mut file = private_file()
            .create(true)
            .truncate(false)
            .read(true)
            .open(&path)
            .map_err(|error| unusable(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only for the message: the lock itself has already said no.
                let _ = file.take(16).read_to_string(&mut holder);
                let holder = holder.trim();
                let holder = if holder.is_empty() {
                    "another process".to_owned()
                } else {
                    format!("process {holder}")
                };
                let cause = format!("{} is in use by {holder}", self.path.display());
                let remedy = "stop that server, or give this one another --data-dir";
                return Err(Failure::usage("datadir.locked", cause, remedy));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(&path, &error)),
        }
        let pid = std::process::id();
        file.set_len(0)
            .and_then(|()| writeln!(file, "{pid}"))
            .map_err(|error| unusable(&path, &error))?;
        Ok(DataDirLock { _file: file })
    }

    /// The root key: from the settings, else from `keys/root.key`, else generated there.
    ///
    /// A key is never generated beside existing databases, because what they hold is sealed
    /// under the key that was lost.
    pub(crate) fn root_key(
        &self,
        keys: &KeysConfig,
        rng: &dyn Rng,
    ) -> Result<(RootKey, RootKeyOrigin), Failure> {
        if let Some(configured) = &keys.root_key {
            let key = RootKey::parse(configured.expose()).map_err(|error| {
                let remedy = "set keys.root_key to the output of `openssl rand -hex 32`";
                Failure::usage("keys.invalid", error, remedy)
            })?;
            return Ok((key, RootKeyOrigin::Settings));
        }
        let folder = self.path.join("keys");
        make_private_folder(&folder).map_err(|error| unusable(&folder, &error))?;
        // Two processes that start on an empty folder at the same time must agree on one key.
        let guard_path = folder.join("root.key.lock");
        let guard = private_file()
            .create(true)
            .truncate(false)
            .open(&guard_path)
            .map_err(|error| unusable(&guard_path, &error))?;
        guard
            .lock()
            .map_err(|error| unusable(&guard_path, &error))?;
        let file = folder.join("root.key");
        let draft = folder.join("root.key.tmp");
        remove_if_present(&draft).map_err(|error| unusable(&draft, &error))?;
        if file.exists() {
            return Ok((self.read_key(&file)?, RootKeyOrigin::File));
        }
        if self
            .has_databases()
            .map_err(|error| unusable(&self.path, &error))?
        {
            let cause = format!(
                "{} is missing, but databases sealed under it exist",
                file.display()
            );
            let remedy = "restore the key file from a backup, or set PCI_MASTER_KEY if the key is kept elsewhere";
            return Err(Failure::usage("keys.missing", cause, remedy));
        }
        let key = RootKey::generate(rng);
        write_key(&draft, &file, &key).map_err(|error| unusable(&file, &error))?;
        sync_folder(&folder)
            .and_then(|()| sync_folder(&self.path))
            .map_err(|error| unusable(&folder, &error))?;
        Ok((key, RootKeyOrigin::Generated))
    }

    fn read_key(&self, path: &Path) -> Result<RootKey, Failure> {
        let mut file = File::open(path).map_err(|error| unusable(path, &error))?;
        let metadata = file.metadata().map_err(|error| unusable(path, &error))?;
        if !metadata.is_file() {
            let cause = format!("{} is not a file", path.display());
            return Err(Failure::usage("keys.damaged", cause, self.key_remedy()));
        }
        if metadata.mode() & OTHERS != 0 {
            let cause = format!(
                "{} can be used by others (mode {:03o})",
                path.display(),
                metadata.mode() & 0o777
            );
            let remedy = format!(
                "find out who had access, then run: chmod 600 {}",
                path.display()
            );
            return Err(Failure::usage("keys.exposed", cause, remedy));
        }
        let owner = fs::metadata(&self.path).map_err(|error| unusable(path, &error))?;
        if metadata.uid() != owner.uid() {
            let path = path.display();
            let cause = format!("{path} belongs to another user (id {})", metadata.uid());
            let remedy = format!(
                "find out who put it there, then give it the owner of {}",
                self.path.display()
            );
            return Err(Failure::usage("keys.exposed", cause, remedy));
        }
        let damaged = |what: &dyn std::fmt::Display| {
            let cause = format!("{} does not hold a root key: {what}", path.display());
            Failure::usage("keys.damaged", cause, self.key_remedy())
        };
        let text = read_capped(&mut file).map_err(|error| unusable(path, &error))?;
        let text = std::str::from_utf8(text.expose()).map_err(|_| damaged(&"it is not text"))?;
        if !text.starts_with(KEY_FILE_START) {
            return Err(damaged(&"it was cut or overwritten"));
        }
        // The remedy depends on what else is in the folder, so the error's own advice is left out.
        RootKey::parse(text).map_err(|error| {
            let cause = error.to_string();
            damaged(&cause.split(';').next().unwrap_or_default())
        })
    }

    fn key_remedy(&self) -> &'static str {
        // An unreadable folder counts as one with databases: better no advice to delete.
        if self.has_databases().unwrap_or(true) {
            "restore it from a backup; without it the databases cannot be read"
        } else {
            "no database exists yet, so delete the file and start again"
        }
    }

    fn has_databases(&self) -> io::Result<bool> {
        for entry in fs::read_dir(&self.path)? {
            if Path::new(&entry?.file_name())
                .extension()
                .is_some_and(|ext| ext == "db")
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Writes a file into the folder and returns the user it belongs to: ourselves.
fn probe(folder: &Path) -> io::Result<u32> {
    let path = folder.join(format!(".probe-{}", std::process::id()));
    remove_if_present(&path)?;
    let file = private_file().create_new(true).open(&path)?;
    let owner = file.metadata().map(|data| data.uid());
    fs::remove_file(&path)?;
    owner
}

/// Takes rights from others, but only in a folder that is ours alone: `/tmp` or a home
/// folder must stay as it is.
fn tighten(path: &Path, mode: u32) -> Result<(), Failure> {
    let mut empty = true;
    let mut ours = false;
    for entry in fs::read_dir(path).map_err(|error| unusable(path, &error))? {
        let name = entry.map_err(|error| unusable(path, &error))?.file_name();
        empty = false;
        ours |= OWN_NAMES.iter().any(|own| name == *own);
    }
    if !(empty || ours) {
        let cause = format!(
            "{} is open to other users (mode {mode:03o}) and holds other files",
            path.display()
        );
        let remedy = format!(
            "name a folder of its own, such as --data-dir {}",
            path.join("valueverse").display()
        );
        return Err(Failure::usage("datadir.open", cause, remedy));
    }
    // Where others may write, names of ours may be links that lead elsewhere.
    if !empty && mode & OTHERS_WRITE != 0 {
        let path = path.display();
        let cause =
            format!("{path} can be written by other users (mode {mode:03o}) and is not empty");
        let remedy =
            format!("look for files and links that are not yours, then run: chmod 700 {path}");
        return Err(Failure::usage("datadir.open", cause, remedy));
    }
    fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE))
        .map_err(|error| unusable(path, &error))
}

fn make_private_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(FOLDER_MODE).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {
            fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE))
        }
        created => created,
    }
}

/// Options for a file that only the owner may use.
fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(FILE_MODE);
    options
}

/// Complete and on disk under its draft name before it gets its real one.
fn write_key(draft: &Path, file: &Path, key: &RootKey) -> io::Result<()> {
    let mut output = private_file().create_new(true).open(draft)?;
    output.write_all(key.to_text().expose().as_bytes())?;
    output.write_all(b"\n")?;
    output.sync_all()?;
    fs::rename(draft, file)
}

fn read_capped(file: &mut File) -> io::Result<Secret<Vec<u8>>> {
    let mut bytes = Vec::with_capacity(256);
    file.take(MAX_KEY_FILE).read_to_end(&mut bytes)?;
    Ok(Secret::new(bytes))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn remove_if_present(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    let (code, cause, remedy) = match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => (
            "datadir.not_writable",
            format!("{path} cannot be written ({})", error.kind()),
            "give this user the right to write there, or choose a folder with --data-dir",
        ),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => (
            "datadir.full",
            format!("no space left for {path}"),
            "free some space, then start again",
        ),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => (
            "datadir.not_a_folder",
            format!("{path} or a part of the path is not a folder"),
            "name a folder with --data-dir",
        ),
        _ => (
            "datadir.io",
            format!("{path} cannot be used: {error}"),
            "check the path and the disk, or choose a folder with --data-dir",
        ),
    };
    Failure::new(ExitStatus::Usage, code, cause, remedy)
}

#[cfg(test)]
#[path = "datadir_tests.rs"]
mod tests;
