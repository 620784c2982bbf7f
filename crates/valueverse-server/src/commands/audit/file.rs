//! Files that are there entirely or not at all.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::output::{ExitStatus, Failure};

/// A file on its way: written as `<name>.part`, and given its name when it is whole. What a
/// process that died left behind is written over by the next one.
pub(super) struct Draft {
    file: File,
    part: PathBuf,
    target: PathBuf,
}

impl Draft {
    /// Refuses a name that is taken, and a draft that somebody is writing.
    pub(super) fn create(target: &Path) -> Result<Self, Failure> {
        let mut name = target
            .file_name()
            .ok_or_else(|| {
                let cause = format!("{} names no file", target.display());
                Failure::usage("audit.out", cause, "name a file with --out")
            })?
            .to_owned();
        let taken = target
            .try_exists()
            .map_err(|error| unwritable(target, &error))?;
        if taken {
            let cause = format!("{} exists", target.display());
            let remedy = "name another file; nothing is written over";
            return Err(Failure::usage("audit.out", cause, remedy));
        }
        name.push(".part");
        let part = target.with_file_name(name);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&part)
            .map_err(|error| unwritable(&part, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let cause = format!("another process is writing {}", part.display());
                let remedy = "wait for it, or name another file";
                return Err(Failure::usage("audit.out", cause, remedy));
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(&part, &error)),
        }
        file.set_len(0).map_err(|error| unwritable(&part, &error))?;
        Ok(Self {
            file,
            part,
            target: target.to_owned(),
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file
            .write_all(bytes)
            .map_err(|error| unwritable(&self.part, &error))
    }

    /// On disk first, then under its name.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let folder = match self.target.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        self.file
            .sync_all()
            .and_then(|()| fs::rename(&self.part, &self.target))
            .and_then(|()| File::open(folder)?.sync_all())
            .map_err(|error| unwritable(&self.target, &error))
    }

    /// Removes what was written so far.
    pub(super) fn discard(self) {
        // Nothing is lost when it stays: the next draft of that name replaces it.
        let _ = fs::remove_file(&self.part);
    }
}

/// Writes a small file in one go.
pub(super) fn write(target: &Path, text: &str) -> Result<(), Failure> {
    let mut draft = Draft::create(target)?;
    match draft.write(text.as_bytes()) {
        Ok(()) => draft.finish(),
        Err(failure) => {
            draft.discard();
            Err(failure)
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let cause = format!("{} cannot be written: {error}", path.display());
    let remedy = "check folder, rights and free space";
    Failure::new(ExitStatus::No, "audit.out", cause, remedy)
}

pub(super) fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    let cause = format!("{} cannot be read: {error}", path.display());
    Failure::usage(
        "audit.file",
        cause,
        "check the path and the rights of the file",
    )
}

/// A text file of limited size.
pub(super) fn read_text(path: &Path, most: u64) -> Result<String, Failure> {
    let size = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if size.len() > most {
        return Err(unreadable(path, &"it is too large"));
    }
    fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_entirely_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("events.jsonl");
        let part = folder.path().join("events.jsonl.part");
        // Left behind by a process that died.
        fs::write(&part, "half of a much longer line").unwrap();
        let mut draft = Draft::create(&target).unwrap();
        draft.write(b"whole").unwrap();
        assert!(!target.exists());
        let failure = Draft::create(&target).err().unwrap();
        assert!(failure.cause.starts_with("another process is writing "));
        draft.finish().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "whole");
        assert!(!part.exists());
        let failure = Draft::create(&target).err().unwrap();
        assert!(failure.cause.ends_with("events.jsonl exists"));
    }

    #[test]
    fn what_is_discarded_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut draft = Draft::create(&folder.path().join("x")).unwrap();
        draft.write(b"half").unwrap();
        draft.discard();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let missing = folder.path().join("no").join("x");
        assert!(Draft::create(&missing).is_err());
        assert!(Draft::create(Path::new("/")).is_err());
    }
}
