//! The local spool: while the database does not answer, events are kept in
//! files of this machine and drained exactly once later.
//!
//! An append is answered after fsync; everybody who waits at the same time
//! shares one. The reader hands out frames in the order they were answered and
//! keeps its [`SpoolPosition`] in SQL, in the transaction that takes the frames
//! over: that makes it exactly once. Payloads are opaque and arrive encrypted.
//!
//! # Files
//!
//! A folder (mode 0700) holds `lock` and segments `<20 digits>.seg` (0600). A
//! number is never used twice. All integers are big-endian.
//!
//! ```text
//! header  "VVSPOOL1" ‖ u64 number ‖ i64 created µs ‖ 16B random id
//!         ‖ u64 number, u64 end, 32B last link of the segment before (0 if none)
//!         ‖ u32 CRC-32C of all that
//! frame   u32 length ‖ u32 CRC-32C ‖ i64 at µs ‖ u32 durable ‖ 32B link ‖ payload
//! ```
//!
//! The CRC of a frame covers everything but itself. The link is SHA-256(link
//! before ‖ at ‖ payload), the link before the first frame SHA-256(header).
//! `durable` is the offset up to which the segment was on disk when the frame
//! was written: a bad frame before it is damage, one after it a torn write.
#![cfg_attr(
    not(test),
    expect(dead_code, reason = "the write path of the trail is its caller")
)]

mod drain;
mod folder;
mod frame;
mod fuzzing;
mod recover;
mod repair;
mod shared;
mod store;
mod terms;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, oneshot};
use vv_base::Timestamp;

use self::folder::{Disk, RealDisk};
use self::shared::Shared;
use self::store::{Entry, Store};

#[doc(hidden)]
pub use self::fuzzing::{fuzz_spool_build, fuzz_spool_scan};
pub(crate) use self::recover::SpoolSetup;
pub(crate) use self::terms::{SpoolDepth, SpoolFrame, SpoolIncident, SpoolPosition};
pub use self::terms::{SpoolError, SpoolLimits};

/// Requests that may wait for the thread; more callers wait to be let in. With
/// the largest payload in each that is 32 MiB.
const QUEUE: usize = 256;
/// Payload bytes that one write may gather.
const GROUP_BYTES: usize = 8 * 1024 * 1024;

type Answer<T> = oneshot::Sender<Result<T, SpoolError>>;

enum Request {
    Append(Entry),
    Read {
        after: SpoolPosition,
        max_frames: usize,
        max_bytes: usize,
        reply: Answer<Vec<SpoolFrame>>,
    },
    Release {
        up_to: SpoolPosition,
        reply: Answer<()>,
    },
    Close(oneshot::Sender<()>),
}

/// A handle to the spool of this process. One thread does all the file work;
/// it ends with the last handle.
#[derive(Clone)]
pub(crate) struct Spool {
    requests: mpsc::Sender<Request>,
    shared: Arc<Shared>,
}

impl Spool {
    /// Opens the folder and reads all of it. Torn tails are cut and damaged
    /// files set aside; see [`Spool::take_incidents`].
    pub(crate) async fn open(setup: SpoolSetup) -> Result<Self, SpoolError> {
        Self::open_on(setup, Arc::new(RealDisk)).await
    }

    async fn open_on(setup: SpoolSetup, disk: Arc<dyn Disk>) -> Result<Self, SpoolError> {
        let (requests, queue) = mpsc::channel(QUEUE);
        let (opened, wait) = oneshot::channel();
        let shared = Arc::new(Shared::default());
        let figures = Arc::clone(&shared);
        thread::Builder::new()
            .name("vv-audit-spool".to_owned())
            .spawn(move || match Store::open(setup, disk, figures) {
                Ok(store) => {
                    opened.send(Ok(())).ok();
                    serve(store, queue);
                }
                Err(error) => {
                    opened.send(Err(error)).ok();
                }
            })
            .map_err(SpoolError::io("start its thread"))?;
        wait.await.unwrap_or(Err(SpoolError::Closed))?;
        Ok(Self { requests, shared })
    }

    /// Keeps a payload of 1 byte to 128 KiB; `at` is the time it belongs to.
    ///
    /// Returns after fsync. A caller that gives up waiting does not know
    /// whether the frame was kept. There is no time limit: a disk that hangs
    /// keeps the caller waiting.
    pub(crate) async fn append(
        &self,
        payload: Vec<u8>,
        at: Timestamp,
    ) -> Result<SpoolPosition, SpoolError> {
        self.ask(|reply| Request::Append(Entry { payload, at, reply }))
            .await
    }

    /// The next frames behind a position: up to `max_frames`, and up to
    /// `max_bytes` of payload (at most 16 MiB) unless the first alone is larger.
    pub(crate) async fn read_from(
        &self,
        after: SpoolPosition,
        max_frames: usize,
        max_bytes: usize,
    ) -> Result<Vec<SpoolFrame>, SpoolError> {
        self.ask(|reply| Request::Read {
            after,
            max_frames,
            max_bytes,
            reply,
        })
        .await
    }

    /// Forgets frames up to a position that SQL holds as the cursor. Whole
    /// segments behind it are deleted. Doing it twice changes nothing.
    pub(crate) async fn release(&self, up_to: SpoolPosition) -> Result<(), SpoolError> {
        self.ask(|reply| Request::Release { up_to, reply }).await
    }

    /// What waits to be drained.
    pub(crate) fn depth(&self) -> SpoolDepth {
        self.shared.depth()
    }

    /// The position to read from to get everything that waits.
    pub(crate) fn first(&self) -> SpoolPosition {
        self.shared.first()
    }

    /// What went wrong since the last call, opening included. At most 256 are
    /// kept; all are logged.
    pub(crate) fn take_incidents(&self) -> Vec<SpoolIncident> {
        self.shared.take_incidents()
    }

    /// Finishes what is queued and gives the folder free. Later calls on any
    /// handle get [`SpoolError::Closed`].
    pub(crate) async fn close(&self) {
        let (done, wait) = oneshot::channel();
        if self.requests.send(Request::Close(done)).await.is_ok() {
            wait.await.ok();
        }
    }

    async fn ask<T>(&self, request: impl FnOnce(Answer<T>) -> Request) -> Result<T, SpoolError> {
        let (reply, wait) = oneshot::channel();
        self.requests
            .send(request(reply))
            .await
            .map_err(|_| SpoolError::Closed)?;
        wait.await.unwrap_or(Err(SpoolError::Closed))
    }
}

/// The thread: everything that queued up while the disk was busy goes with the
/// next write.
fn serve(mut store: Store, mut queue: mpsc::Receiver<Request>) {
    let mut entries = Vec::new();
    while let Some(request) = queue.blocking_recv() {
        let mut next = Some(request);
        let mut gathered = 0_usize;
        while let Some(request) = next.take() {
            match request {
                Request::Append(entry) => {
                    gathered = gathered.saturating_add(entry.payload.len());
                    entries.push(entry);
                }
                other => {
                    store.append(std::mem::take(&mut entries));
                    let Some(kept) = answer(store, other) else {
                        return;
                    };
                    store = kept;
                }
            }
            if gathered < GROUP_BYTES {
                next = queue.try_recv().ok();
            }
        }
        store.append(std::mem::take(&mut entries));
    }
}

/// `None` after the last request.
fn answer(mut store: Store, request: Request) -> Option<Store> {
    match request {
        Request::Append(entry) => store.append(vec![entry]),
        Request::Read {
            after,
            max_frames,
            max_bytes,
            reply,
        } => {
            reply.send(store.read(after, max_frames, max_bytes)).ok();
        }
        Request::Release { up_to, reply } => {
            reply.send(store.release(up_to)).ok();
        }
        Request::Close(done) => {
            drop(store);
            done.send(()).ok();
            return None;
        }
    }
    Some(store)
}
