//! Going on after files were damaged, cut, replaced or deleted while the spool
//! is open.

use std::io;
use std::sync::Arc;

use super::folder::{Folder, read_upto};
use super::frame::{Scan, scan, to_u64};
use super::store::{Active, START, Store};
use super::terms::{SpoolError, SpoolIncident};

impl Store {
    /// Looks whether the file being written is still the one in the folder,
    /// and puts it back if not: otherwise everything written from now on would
    /// be gone with the last handle.
    pub(super) fn check_place(&mut self) -> Result<(), SpoolError> {
        let number = self.active.held.number;
        let open = self
            .active
            .file
            .metadata()
            .map_err(SpoolError::io("look at a segment"))?;
        let in_place = self.folder.named(number) == Some(self.active.identity);
        if in_place && open.len() >= self.active.held.end {
            return Ok(());
        }
        self.folder.keep_lock()?;
        if self.folder.named(number).is_some() {
            self.folder.set_aside(number)?;
        }
        let kept = read_upto(&self.active.file, self.active.held.end)?;
        self.replace_active(&kept)?;
        self.drop_missing()
    }

    /// Writes the active segment anew with what is good of `kept`.
    fn replace_active(&mut self, kept: &[u8]) -> Result<(), SpoolError> {
        let number = self.active.held.number;
        let found = scan(kept, |_, _| {}).filter(|found| found.header.segment == number);
        let good = found.map_or(0, |found| to_u64(found.end));
        let lost = self.active.held.end.saturating_sub(good);
        if let Some(found) = found {
            let file = self
                .folder
                .create(number, kept.get(..found.end).unwrap_or_default())?;
            self.active.identity = Active::identity(&file)?;
            self.active.file = file;
            self.active.held.end = good;
            self.active.held.frames = found.frames;
            self.active.link = found.link;
        }
        if lost == 0 {
            self.shared
                .report(SpoolIncident::Restored { segment: number });
            return Ok(());
        }
        self.active.closed = true;
        self.shared.report(SpoolIncident::Damaged {
            segment: number,
            good,
            lost,
        });
        if found.is_none() {
            // Not even a header is left to build on.
            self.active.held.end = START;
            self.active.held.frames = 0;
            self.rotate()?;
            self.sealed.pop_back();
            self.folder.remove(number)?;
        }
        self.recount();
        Ok(())
    }

    fn drop_missing(&mut self) -> Result<(), SpoolError> {
        let there = self.folder.list()?.segments;
        let shared = Arc::clone(&self.shared);
        self.sealed.retain(|held| {
            let kept = there.contains(&held.number);
            if !kept {
                shared.report(SpoolIncident::Missing {
                    segment: held.number,
                });
            }
            kept
        });
        self.recount();
        Ok(())
    }

    /// Keeps a damaged file for people to look at and goes on with what is
    /// good of it, at the same positions.
    pub(super) fn quarantine(&mut self, number: u64) -> Result<(), SpoolError> {
        if number == self.active.held.number {
            let kept = read_upto(&self.active.file, self.active.held.end)?;
            if self.folder.named(number).is_some() {
                self.folder.set_aside(number)?;
            }
            return self.replace_active(&kept);
        }
        let Some(held) = self.sealed.iter_mut().find(|held| held.number == number) else {
            return Ok(());
        };
        let incident = match self.folder.open_segment(number) {
            Ok(file) => {
                let bytes = read_upto(&file, held.end)?;
                let found = scan(&bytes, |_, _| {}).filter(|it| it.header.segment == number);
                let good = found.map_or(0, |found| to_u64(found.end));
                if good == held.end {
                    return Ok(());
                }
                salvage(&self.folder, number, &bytes, found.as_ref())?;
                let lost = held.end.saturating_sub(good);
                (held.end, held.frames) = (good, found.map_or(0, |found| found.frames));
                SpoolIncident::Damaged {
                    segment: number,
                    good,
                    lost,
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                held.end = 0;
                SpoolIncident::Missing { segment: number }
            }
            Err(error) => return Err(SpoolError::io("open a segment")(error)),
        };
        self.shared.report(incident);
        self.sealed.retain(|held| held.end > 0);
        self.recount();
        Ok(())
    }
}

/// Sets the file of a segment aside and puts the good part of it in its place.
pub(super) fn salvage(
    folder: &Folder,
    number: u64,
    bytes: &[u8],
    found: Option<&Scan>,
) -> Result<(), SpoolError> {
    folder.set_aside(number)?;
    let Some(good) = found.and_then(|found| bytes.get(..found.end)) else {
        return folder.remove(number);
    };
    folder.create(number, good).map(drop)
}
