//! The spool as its one thread sees it: appending, group fsync, rotation.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;

use tokio::sync::oneshot;
use vv_base::{Rng, Timestamp};

use super::folder::{Folder, Identity, identity};
use super::frame::{HEADER_LEN, Header, Link, MAX_PAYLOAD, Seal, encode_frame, framed_len, to_u64};
use super::shared::Shared;
use super::terms::{SpoolDepth, SpoolError, SpoolLimits, SpoolPosition};

/// The offset of the first frame in every segment.
pub(super) const START: u64 = 92;
const _: () = assert!(HEADER_LEN == 92, "START is the length of the header");

/// What is known of one segment file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) number: u64,
    /// Everything before is acknowledged and on disk.
    pub(super) end: u64,
    pub(super) frames: u64,
    pub(super) first_link: Link,
}

/// The segment being written.
pub(super) struct Active {
    pub(super) held: Held,
    pub(super) file: File,
    pub(super) identity: Identity,
    /// The link of the last frame.
    pub(super) link: Link,
    /// No frame may be added: bytes behind the end are in doubt, or positions
    /// behind it were given out before.
    pub(super) closed: bool,
}

/// A verified place in the spool: what a reader needs to go on from there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) position: SpoolPosition,
    pub(super) link: Link,
    /// Frames of the segment before the position.
    pub(super) before: u64,
}

/// One payload and who waits for it.
pub(super) struct Entry {
    pub(super) payload: Vec<u8>,
    pub(super) at: Timestamp,
    pub(super) reply: Reply,
}

type Reply = oneshot::Sender<Result<SpoolPosition, SpoolError>>;

struct Member {
    reply: Reply,
    position: SpoolPosition,
    at: Timestamp,
}

/// Frames that go to the disk with one write and one fsync.
struct Group {
    bytes: Vec<u8>,
    link: Link,
    members: Vec<Member>,
}

pub(super) struct Store {
    pub(super) folder: Folder,
    pub(super) limits: SpoolLimits,
    pub(super) rng: Arc<dyn Rng>,
    pub(super) shared: Arc<Shared>,
    /// Finished segments, oldest first.
    pub(super) sealed: VecDeque<Held>,
    pub(super) active: Active,
    pub(super) released: SpoolPosition,
    /// Frames of the segment of `released` that are behind it.
    pub(super) drained: u64,
    pub(super) oldest: Option<Timestamp>,
    /// The newest time seen, for headers written without an append.
    pub(super) last_at: Timestamp,
    /// Where the last read ended.
    pub(super) read_mark: Option<Mark>,
}

impl Store {
    /// Appends in order and answers everybody once the bytes are on disk.
    pub(super) fn append(&mut self, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let checked = self.check_place();
        let mut group = self.group();
        for entry in entries {
            let size = framed_len(&entry.payload);
            let admitted = checked.and_then(|()| self.admit(&entry, &group));
            if let Err(error) = admitted {
                entry.reply.send(Err(error)).ok();
                continue;
            }
            self.last_at = self.last_at.max(entry.at);
            if self.must_rotate(to_u64(group.bytes.len()), size) {
                self.commit(group);
                let rotated = self.rotate();
                group = self.group();
                if let Err(error) = rotated {
                    entry.reply.send(Err(error)).ok();
                    continue;
                }
            }
            self.push(&mut group, entry);
        }
        self.commit(group);
    }

    fn group(&self) -> Group {
        Group {
            bytes: Vec::new(),
            link: self.active.link,
            members: Vec::new(),
        }
    }

    fn admit(&self, entry: &Entry, group: &Group) -> Result<(), SpoolError> {
        if entry.payload.is_empty() || entry.payload.len() > MAX_PAYLOAD {
            return Err(SpoolError::Size);
        }
        if let Some(oldest) = self.oldest
            && entry.at.since(oldest) > self.limits.age
        {
            return Err(SpoolError::Overdue);
        }
        let wanted = [
            to_u64(group.bytes.len()),
            framed_len(&entry.payload),
            // Room for the header of a next segment.
            START,
        ];
        let total = wanted
            .into_iter()
            .fold(self.bytes_on_disk(), u64::saturating_add);
        if total > self.limits.bytes {
            return Err(SpoolError::Full);
        }
        Ok(())
    }

    fn bytes_on_disk(&self) -> u64 {
        self.sealed.iter().fold(self.active.held.end, |sum, held| {
            sum.saturating_add(held.end)
        })
    }

    fn must_rotate(&self, group: u64, frame: u64) -> bool {
        let end = self.active.held.end.saturating_add(group);
        self.active.closed || (end > START && end.saturating_add(frame) > self.limits.segment_bytes)
    }

    fn push(&self, group: &mut Group, entry: Entry) {
        let durable = u32::try_from(self.active.held.end).unwrap_or(u32::MAX);
        group.link = encode_frame(
            &mut group.bytes,
            &group.link,
            durable,
            entry.at,
            &entry.payload,
        );
        let position = SpoolPosition {
            segment: self.active.held.number,
            offset: self
                .active
                .held
                .end
                .saturating_add(to_u64(group.bytes.len())),
        };
        group.members.push(Member {
            reply: entry.reply,
            position,
            at: entry.at,
        });
    }

    fn commit(&mut self, group: Group) {
        if group.members.is_empty() {
            return;
        }
        let written = self.write(&group.bytes);
        if written.is_ok() {
            let held = &mut self.active.held;
            held.end = held.end.saturating_add(to_u64(group.bytes.len()));
            held.frames = held.frames.saturating_add(to_u64(group.members.len()));
            self.active.link = group.link;
            let first = group.members.first().map(|member| member.at);
            self.oldest = self.oldest.or(first);
        }
        self.publish();
        for member in group.members {
            // A caller that went away does not undo what is on disk.
            member.reply.send(written.map(|()| member.position)).ok();
        }
    }

    /// One write and one fsync. After a failure the file is as it was, or no
    /// longer used: the pages a failed fsync leaves behind cannot be trusted.
    fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        let (disk, file, end) = (self.folder.disk(), &self.active.file, self.active.held.end);
        let failed_write = disk.write_all_at(file, bytes, end).err();
        let failed_sync = match failed_write {
            None => disk.sync(file).err(),
            Some(_) => None,
        };
        if failed_write.is_none() && failed_sync.is_none() {
            return Ok(());
        }
        let undone = disk.truncate(file, end).and_then(|()| disk.sync(file));
        self.active.closed = failed_sync.is_some() || undone.is_err();
        let (doing, error) = match (failed_write, failed_sync) {
            (Some(error), _) => ("write", error),
            (None, Some(error)) => ("fsync", error),
            (None, None) => return Ok(()),
        };
        tracing::error!(%error, doing, "audit spool append failed");
        Err(SpoolError::io(doing)(error))
    }

    /// Starts the next segment.
    pub(super) fn rotate(&mut self) -> Result<(), SpoolError> {
        self.rotate_to(self.active.held.number.saturating_add(1))
    }

    pub(super) fn rotate_to(&mut self, number: u64) -> Result<(), SpoolError> {
        let before = Seal {
            segment: self.active.held.number,
            end: self.active.held.end,
            link: self.active.link,
        };
        let rng = Arc::clone(&self.rng);
        let next = Active::create(
            &self.folder,
            rng.as_ref(),
            number,
            self.last_at,
            Some(before),
        )?;
        let finished = std::mem::replace(&mut self.active, next);
        self.sealed.push_back(finished.held);
        Ok(())
    }

    /// Brings the counters in line after segments changed under them.
    pub(super) fn recount(&mut self) {
        self.read_mark = None;
        self.resume_after(self.released);
        self.publish();
    }

    /// Publishes the figures for [`super::Spool::depth`].
    pub(super) fn publish(&self) {
        let all = self.sealed.iter().chain([&self.active.held]);
        let mut depth = SpoolDepth {
            oldest: self.oldest,
            ..SpoolDepth::default()
        };
        for held in all {
            let partly = held.number == self.released.segment;
            let drained = if partly { self.drained } else { 0 };
            let from = if partly {
                self.released.offset.max(START)
            } else {
                START
            };
            depth.frames = depth
                .frames
                .saturating_add(held.frames.saturating_sub(drained));
            depth.bytes = depth.bytes.saturating_add(held.end.saturating_sub(from));
        }
        let first = self.sealed.front().unwrap_or(&self.active.held).number;
        let beginning = SpoolPosition {
            segment: first,
            offset: START,
        };
        self.shared.publish(depth, self.released.max(beginning));
    }
}

impl Active {
    /// A new, empty segment.
    pub(super) fn create(
        folder: &Folder,
        rng: &dyn Rng,
        number: u64,
        created: Timestamp,
        before: Option<Seal>,
    ) -> Result<Self, SpoolError> {
        let mut id = [0; 16];
        rng.fill(&mut id);
        let header = Header {
            segment: number,
            created,
            id,
            before,
        };
        let bytes = header.encode();
        let first_link = vv_crypto::sha256(&[&bytes]);
        let file = folder.create(number, &bytes)?;
        Ok(Self {
            held: Held {
                number,
                end: START,
                frames: 0,
                first_link,
            },
            identity: Self::identity(&file)?,
            file,
            link: first_link,
            closed: false,
        })
    }

    pub(super) fn identity(file: &File) -> Result<Identity, SpoolError> {
        let metadata = file
            .metadata()
            .map_err(SpoolError::io("look at a segment"))?;
        Ok(identity(&metadata))
    }
}
