//! Opening a folder: what an earlier process left behind is read to the last
//! byte before anything is added.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use vv_base::{Rng, Timestamp};

use super::folder::{Disk, Folder, Listing, read_whole};
use super::frame::{Link, Scan, Seal, Tail, scan, to_u64, to_usize};
use super::repair::salvage;
use super::shared::Shared;
use super::store::{Active, Held, START, Store};
use super::terms::{SpoolError, SpoolIncident, SpoolLimits, SpoolPosition};

/// What is needed to open a spool.
pub(crate) struct SpoolSetup {
    /// The folder, one per process. Made when it is not there; else it must be
    /// open to its owner only.
    pub(crate) dir: PathBuf,
    /// How much it may hold.
    pub(crate) limits: SpoolLimits,
    /// The cursor as SQL has it, `None` while the database does not answer.
    /// New positions are always behind it.
    pub(crate) floor: Option<SpoolPosition>,
    /// The current time.
    pub(crate) now: Timestamp,
    /// For the ids of segments.
    pub(crate) rng: Arc<dyn Rng>,
}

/// What to do with the file of a segment.
enum Fate {
    Keep,
    /// Cut behind the last good frame; `told` when that may have been a frame
    /// somebody counted on.
    Cut {
        told: bool,
    },
    Damaged,
}

/// A segment that has been read.
struct Survivor {
    held: Held,
    link: Link,
    before: Option<Seal>,
    /// Frames may still be added.
    open: bool,
}

impl Store {
    pub(super) fn open(
        setup: SpoolSetup,
        disk: Arc<dyn Disk>,
        shared: Arc<Shared>,
    ) -> Result<Self, SpoolError> {
        setup.limits.check()?;
        let folder = Folder::open(setup.dir, disk)?;
        let listing = folder.list()?;
        let mut survivors = survey(&folder, &listing, &shared, setup.floor)?;
        let newest = survivors.pop_back();
        let floor = setup.floor.unwrap_or_default();
        let active = match newest {
            Some(newest) if Some(newest.held.number) == listing.newest() => {
                reopen(&folder, &newest)?
            }
            newest => {
                let after = listing.newest().unwrap_or_else(|| {
                    // Nothing tells which numbers were used before, and the
                    // database may be down: the clock is ahead of all of them.
                    setup.now.unix_millis()
                });
                let number = after.max(floor.segment).saturating_add(1);
                let before = newest.as_ref().map(|newest| Seal {
                    segment: newest.held.number,
                    end: newest.held.end,
                    link: newest.link,
                });
                survivors.extend(newest);
                Active::create(&folder, setup.rng.as_ref(), number, setup.now, before)?
            }
        };
        let mut store = Self {
            folder,
            limits: setup.limits,
            rng: setup.rng,
            shared,
            sealed: survivors.into_iter().map(|it| it.held).collect(),
            active,
            released: SpoolPosition::default(),
            drained: 0,
            oldest: None,
            last_at: setup.now,
            read_mark: None,
        };
        if floor > store.top() {
            let number = store.active.held.number.max(floor.segment);
            store.rotate_to(number.saturating_add(1))?;
        }
        store.release(floor)?;
        Ok(store)
    }
}

fn reopen(folder: &Folder, newest: &Survivor) -> Result<Active, SpoolError> {
    let failed = SpoolError::io("open a segment");
    let file = folder.open_segment(newest.held.number).map_err(&failed)?;
    // Frames that were written but not yet synced when the process died are
    // handed out from now on, so they must survive the next power cut.
    folder.disk().sync(&file).map_err(&failed)?;
    Ok(Active {
        held: newest.held,
        identity: Active::identity(&file)?,
        file,
        link: newest.link,
        closed: !newest.open,
    })
}

/// Reads every segment, newest first because each one seals its predecessor.
fn survey(
    folder: &Folder,
    listing: &Listing,
    shared: &Shared,
    floor: Option<SpoolPosition>,
) -> Result<VecDeque<Survivor>, SpoolError> {
    let mut survivors: VecDeque<Survivor> = VecDeque::new();
    let missing = |number: u64| {
        if !listing.damaged.contains(&number) {
            shared.report(SpoolIncident::Missing { segment: number });
        }
    };
    for &number in listing.segments.iter().rev() {
        let seal = survivors.front().and_then(|next| next.before);
        if let Some(seal) = seal
            && seal.segment > number
        {
            missing(seal.segment);
        }
        let seal = seal.filter(|seal| seal.segment == number);
        let repaired = listing.damaged.contains(&number);
        if let Some(survivor) = examine(folder, shared, number, seal, repaired)? {
            survivors.push_front(survivor);
        }
    }
    // Segments go when SQL has passed them, not before.
    if let Some(floor) = floor
        && let Some(before) = survivors.front().and_then(|oldest| oldest.before)
        && before.end > START
        && floor
            < (SpoolPosition {
                segment: before.segment,
                offset: before.end,
            })
    {
        missing(before.segment);
    }
    Ok(survivors)
}

fn examine(
    folder: &Folder,
    shared: &Shared,
    number: u64,
    seal: Option<Seal>,
    repaired: bool,
) -> Result<Option<Survivor>, SpoolError> {
    let failed = SpoolError::io("open a segment");
    let file = folder.open_segment(number).map_err(&failed)?;
    let length = file.metadata().map_err(&failed)?.len();
    let bytes = read_whole(&file)?;
    let known = seal.map_or(bytes.len(), |seal| to_usize(seal.end));
    let bytes = bytes.get(..known).unwrap_or(&bytes);
    let mut found = scan(bytes, |_, _| {}).filter(|found| found.header.segment == number);
    let fate = judge(found.as_ref(), seal, repaired, length);
    let good = found.map_or(0, |found| to_u64(found.end));
    match fate {
        Fate::Keep => {}
        Fate::Cut { told } => {
            let disk = folder.disk();
            disk.truncate(&file, good)
                .and_then(|()| disk.sync(&file))
                .map_err(SpoolError::io("cut a torn tail"))?;
            if told {
                shared.report(SpoolIncident::TornTail {
                    segment: number,
                    end: good,
                    cut: length.saturating_sub(good),
                });
            }
        }
        Fate::Damaged => {
            // A chain that is whole but not the one that was sealed was written
            // by somebody else; nothing of it counts.
            if seal.is_some_and(|seal| seal.end == good) {
                found = None;
            }
            let good = found.map_or(0, |found| to_u64(found.end));
            salvage(folder, number, bytes, found.as_ref())?;
            shared.report(SpoolIncident::Damaged {
                segment: number,
                good,
                lost: seal.map_or(length, |seal| seal.end).saturating_sub(good),
            });
        }
    }
    Ok(found.map(|found| Survivor {
        held: Held {
            number,
            end: to_u64(found.end),
            frames: found.frames,
            first_link: found.first_link,
        },
        link: found.link,
        before: found.header.before,
        open: matches!(fate, Fate::Keep) && !repaired,
    }))
}

fn judge(found: Option<&Scan>, seal: Option<Seal>, repaired: bool, length: u64) -> Fate {
    let Some(found) = found else {
        return Fate::Damaged;
    };
    let end = to_u64(found.end);
    match seal {
        Some(seal) if seal.end == end && seal.link == found.link => {
            if length > end {
                // Never acknowledged: the next segment was started instead.
                Fate::Cut { told: false }
            } else {
                Fate::Keep
            }
        }
        Some(seal) if repaired && end < seal.end && found.tail == Tail::Clean => Fate::Keep,
        Some(_) => Fate::Damaged,
        None => match found.tail {
            Tail::Clean if length > end => Fate::Cut { told: true },
            Tail::Clean => Fate::Keep,
            Tail::Torn => Fate::Cut { told: true },
            Tail::Damaged => Fate::Damaged,
        },
    }
}
