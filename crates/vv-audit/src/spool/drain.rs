//! Reading forward, releasing what was drained, and going round damage that
//! shows while the spool is open.

use std::fs::File;
use std::io;

use super::folder::{read_range, read_upto};
use super::frame::{FRAME_HEAD, MAX_PAYLOAD, decode_frame, next_link, scan, to_u64};
use super::store::{Held, Mark, START, Store};
use super::terms::{SpoolError, SpoolFrame, SpoolPosition};

/// Most payload bytes one read hands out.
const MAX_READ: usize = 16 * 1024 * 1024;

/// Why a segment gives no more frames.
enum Stop {
    /// The caller has enough.
    Enough,
    /// The segment is read to its end.
    End,
    /// What stands at the mark is not what was written there.
    Damaged,
}

/// Why a position is no mark.
#[derive(Debug)]
enum Astray {
    Unknown,
    Damaged,
    Failed(SpoolError),
}

impl From<Astray> for SpoolError {
    fn from(astray: Astray) -> Self {
        match astray {
            Astray::Failed(error) => error,
            Astray::Unknown | Astray::Damaged => Self::UnknownPosition,
        }
    }
}

struct Batch {
    frames: Vec<SpoolFrame>,
    bytes: usize,
    max_frames: usize,
    max_bytes: usize,
}

impl Mark {
    fn start(held: &Held) -> Self {
        Self {
            position: SpoolPosition {
                segment: held.number,
                offset: START,
            },
            link: held.first_link,
            before: 0,
        }
    }
}

impl Store {
    /// The frames behind `after`, in order, at least one if there is any.
    pub(super) fn read(
        &mut self,
        after: SpoolPosition,
        max_frames: usize,
        max_bytes: usize,
    ) -> Result<Vec<SpoolFrame>, SpoolError> {
        let mut batch = Batch {
            frames: Vec::new(),
            bytes: 0,
            max_frames: max_frames.max(1),
            max_bytes: max_bytes.min(MAX_READ),
        };
        let mut mark = self.find(after)?;
        while let Some(held) = self.held(mark.position.segment) {
            match self.read_segment(&held, &mut mark, &mut batch)? {
                Stop::Enough => break,
                Stop::End => match self.start_after(held.number) {
                    Some(next) => mark = next,
                    None => break,
                },
                // The next read meets it again, with nothing in its hands.
                Stop::Damaged if !batch.frames.is_empty() => break,
                Stop::Damaged => {
                    self.quarantine(held.number)?;
                    let now = self.held(held.number);
                    if now.is_some_and(|now| now.end == held.end) {
                        // Good when read again: the memory or the cable, not the file.
                        return Err(SpoolError::Io {
                            doing: "read a segment",
                            kind: io::ErrorKind::InvalidData,
                        });
                    }
                    mark = self.find(mark.position)?;
                }
            }
        }
        self.read_mark = Some(mark);
        Ok(batch.frames)
    }

    fn read_segment(
        &self,
        held: &Held,
        mark: &mut Mark,
        batch: &mut Batch,
    ) -> Result<Stop, SpoolError> {
        let opened;
        let file: &File = if held.number == self.active.held.number {
            &self.active.file
        } else {
            match self.folder.open_segment(held.number) {
                Ok(file) => opened = file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stop::Damaged),
                Err(error) => return Err(SpoolError::io("open a segment")(error)),
            }
            &opened
        };
        while mark.position.offset < held.end {
            let start = mark.position.offset;
            let wanted = batch
                .max_bytes
                .saturating_sub(batch.bytes)
                .max(FRAME_HEAD + MAX_PAYLOAD);
            let end = held.end.min(start.saturating_add(to_u64(wanted)));
            let chunk = read_range(file, start, end)?;
            if let Some(stop) = batch.take_from(&chunk, mark) {
                return Ok(stop);
            }
            if mark.position.offset == start {
                return Ok(Stop::Damaged);
            }
        }
        Ok(Stop::End)
    }

    /// Forgets everything up to a position; deletes the files that lie wholly
    /// behind it. Doing it twice changes nothing.
    pub(super) fn release(&mut self, up_to: SpoolPosition) -> Result<(), SpoolError> {
        if up_to > self.top().max(self.released) {
            return Err(SpoolError::UnknownPosition);
        }
        if up_to > self.released {
            self.find(up_to)?;
            self.released = up_to;
        }
        let settled = self.settle();
        self.resume_after(self.released);
        self.publish();
        settled
    }

    /// The end of the newest frame.
    pub(super) fn top(&self) -> SpoolPosition {
        SpoolPosition {
            segment: self.active.held.number,
            offset: self.active.held.end,
        }
    }

    fn settle(&mut self) -> Result<(), SpoolError> {
        self.delete_drained()?;
        if self.active.held.frames > 0 && self.released >= self.top() {
            // An empty segment stays behind, so that its number is not lost.
            match self.rotate() {
                Err(SpoolError::NoSpace) => {
                    self.empty_drained()?;
                    // If there still is no room, the next append tries again.
                    self.rotate().ok();
                }
                rotated => rotated?,
            }
            self.delete_drained()?;
        }
        Ok(())
    }

    /// Gives the room of the drained active segment back before its successor
    /// exists. One byte stays: a restart cuts it as a torn tail and then does
    /// not use the positions behind it again.
    fn empty_drained(&mut self) -> Result<(), SpoolError> {
        let disk = self.folder.disk();
        disk.truncate(&self.active.file, START.saturating_add(1))
            .and_then(|()| disk.sync(&self.active.file))
            .map_err(SpoolError::io("empty a segment"))?;
        self.active.closed = true;
        self.active.held.end = START;
        self.active.held.frames = 0;
        self.active.link = self.active.held.first_link;
        self.read_mark = None;
        Ok(())
    }

    fn delete_drained(&mut self) -> Result<(), SpoolError> {
        while let Some(held) = self.sealed.front() {
            let end = SpoolPosition {
                segment: held.number,
                offset: held.end,
            };
            // A repaired segment may be shorter than the cursor that passed it.
            if end > self.released {
                break;
            }
            self.folder.remove(held.number)?;
            self.sealed.pop_front();
        }
        Ok(())
    }

    /// Takes up the figures of what waits behind `position`.
    pub(super) fn resume_after(&mut self, position: SpoolPosition) {
        let mark = self.mark_at(position).ok();
        self.drained = mark
            .filter(|mark| mark.position.segment == position.segment)
            .map_or(0, |mark| mark.before);
        self.oldest = mark.and_then(|mark| {
            let behind = self.sealed.iter().chain([&self.active.held]).find(|held| {
                held.number >= mark.position.segment && held.frames > 0 && {
                    held.number > mark.position.segment || held.end > mark.position.offset
                }
            })?;
            let same = behind.number == mark.position.segment;
            let start = if same { mark.position.offset } else { START };
            self.time_at(behind.number, start)
        });
    }

    fn time_at(&self, number: u64, start: u64) -> Option<vv_base::Timestamp> {
        let file = self.folder.open_segment(number).ok()?;
        let end = start.saturating_add(to_u64(FRAME_HEAD + MAX_PAYLOAD));
        let bytes = read_range(&file, start, end).ok()?;
        decode_frame(&bytes).map(|(frame, _)| frame.at)
    }

    pub(super) fn held(&self, number: u64) -> Option<Held> {
        let mut all = self.sealed.iter().chain([&self.active.held]);
        all.find(|held| held.number == number).copied()
    }

    fn start_after(&self, number: u64) -> Option<Mark> {
        let mut all = self.sealed.iter().chain([&self.active.held]);
        all.find(|held| held.number > number).map(Mark::start)
    }

    fn find(&mut self, position: SpoolPosition) -> Result<Mark, SpoolError> {
        match self.mark_at(position) {
            Ok(mark) => Ok(mark),
            Err(Astray::Damaged) => {
                self.quarantine(position.segment)?;
                self.mark_at(position).map_err(SpoolError::from)
            }
            Err(astray) => Err(astray.into()),
        }
    }

    fn mark_at(&self, position: SpoolPosition) -> Result<Mark, Astray> {
        let Some(held) = self.held(position.segment) else {
            return self.start_after(position.segment).ok_or(Astray::Unknown);
        };
        if let Some(mark) = self.read_mark
            && mark.position == position
        {
            return Ok(mark);
        }
        if position.offset <= START {
            return Ok(Mark::start(&held));
        }
        if position.offset == held.end {
            // Nothing of a finished segment follows, so its link is not needed.
            let active = held.number == self.active.held.number;
            return Ok(Mark {
                position,
                link: if active {
                    self.active.link
                } else {
                    held.first_link
                },
                before: held.frames,
            });
        }
        if position.offset > held.end {
            // Behind the part of a damaged segment that could be kept, or in
            // an emptied one.
            let emptied = (position <= self.released).then(|| Mark::start(&held));
            return self
                .start_after(held.number)
                .or(emptied)
                .ok_or(Astray::Unknown);
        }
        let file = match self.folder.open_segment(held.number) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Astray::Damaged),
            Err(error) => return Err(Astray::Failed(SpoolError::io("open a segment")(error))),
        };
        let bytes = read_upto(&file, held.end).map_err(Astray::Failed)?;
        let mut mark = None;
        let mut before = 0_u64;
        let found = scan(&bytes, |end, frame| {
            before = before.saturating_add(1);
            if to_u64(end) == position.offset {
                mark = Some(Mark {
                    position,
                    link: frame.link,
                    before,
                });
            }
        });
        let reached = found.map_or(0, |found| to_u64(found.end));
        mark.ok_or(if reached < position.offset {
            Astray::Damaged
        } else {
            Astray::Unknown
        })
    }
}

impl Batch {
    /// Takes whole frames from a chunk; `None` when more bytes are needed.
    fn take_from(&mut self, chunk: &[u8], mark: &mut Mark) -> Option<Stop> {
        let mut rest = chunk;
        while !rest.is_empty() {
            let full = self.frames.len() >= self.max_frames || self.bytes >= self.max_bytes;
            if full && !self.frames.is_empty() {
                return Some(Stop::Enough);
            }
            // Cut short by the chunk or damaged: the caller sees whether the mark moved.
            let (frame, length) = decode_frame(rest)?;
            if next_link(&mark.link, frame.at, frame.payload) != frame.link {
                return Some(Stop::Damaged);
            }
            let bytes = self.bytes.saturating_add(frame.payload.len());
            if bytes > self.max_bytes && !self.frames.is_empty() {
                return Some(Stop::Enough);
            }
            self.bytes = bytes;
            mark.position.offset = mark.position.offset.saturating_add(to_u64(length));
            mark.link = frame.link;
            mark.before = mark.before.saturating_add(1);
            self.frames.push(SpoolFrame {
                position: mark.position,
                at: frame.at,
                payload: frame.payload.to_vec(),
            });
            rest = chunk_behind(rest, length);
        }
        None
    }
}

fn chunk_behind(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(length..).unwrap_or_default()
}
