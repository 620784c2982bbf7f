//! The bytes of a segment file. Pure functions; nothing here touches a disk.

use crc::{CRC_32_ISCSI, Crc, Table};
use vv_base::Timestamp;

/// CRC-32C, as in iSCSI and ext4.
static CHECK: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

const MAGIC: [u8; 8] = *b"VVSPOOL1";
/// Largest payload of one frame, in bytes.
pub(crate) const MAX_PAYLOAD: usize = 128 * 1024;
/// magic 8, segment 8, created 8, id 16, seal of the segment before 8+8+32, CRC 4.
pub(super) const HEADER_LEN: usize = 92;
/// length 4, CRC 4, time 8, durable 4, link 32; the payload follows.
pub(super) const FRAME_HEAD: usize = 52;
/// How many bytes [`attested_behind`] may hash before it gives up.
const SEARCH_BUDGET: usize = 64 * 1024 * 1024;

/// SHA-256 over everything in the segment up to and including one frame.
pub(super) type Link = [u8; 32];

/// Where a finished segment ends; its successor carries this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) segment: u64,
    pub(super) end: u64,
    pub(super) link: Link,
}

/// What a segment file starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) segment: u64,
    pub(super) created: Timestamp,
    pub(super) id: [u8; 16],
    /// `None` for the first segment of a folder.
    pub(super) before: Option<Seal>,
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let before = self.before.unwrap_or(Seal {
            segment: 0,
            end: 0,
            link: [0; 32],
        });
        let mut bytes = Vec::with_capacity(HEADER_LEN);
        bytes.extend(MAGIC);
        bytes.extend(self.segment.to_be_bytes());
        bytes.extend(self.created.unix_micros().to_be_bytes());
        bytes.extend(self.id);
        bytes.extend(before.segment.to_be_bytes());
        bytes.extend(before.end.to_be_bytes());
        bytes.extend(before.link);
        bytes.extend(CHECK.checksum(&bytes).to_be_bytes());
        bytes
    }

    /// Reads the header and the link the first frame builds on.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, Link)> {
        let bytes = bytes.get(..HEADER_LEN)?;
        let (body, check) = bytes.split_last_chunk::<4>()?;
        if CHECK.checksum(body) != u32::from_be_bytes(*check) {
            return None;
        }
        let mut rest = body;
        if take::<8>(&mut rest)? != MAGIC {
            return None;
        }
        let segment = u64::from_be_bytes(take(&mut rest)?);
        let created = Timestamp::from_unix_micros(i64::from_be_bytes(take(&mut rest)?));
        let id = take(&mut rest)?;
        let seal = Seal {
            segment: u64::from_be_bytes(take(&mut rest)?),
            end: u64::from_be_bytes(take(&mut rest)?),
            link: take(&mut rest)?,
        };
        let before = (seal.segment != 0).then_some(seal);
        let header = Self {
            segment,
            created,
            id,
            before,
        };
        Some((header, vv_crypto::sha256(&[bytes])))
    }
}

/// One frame inside the bytes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) at: Timestamp,
    /// Up to which offset the segment was known to be on disk when this frame
    /// was written. It tells damage from a torn tail: bytes before this offset
    /// had been acknowledged.
    pub(super) durable: u32,
    pub(super) link: Link,
    pub(super) payload: &'a [u8],
}

/// The link of a frame that follows `previous`.
pub(super) fn next_link(previous: &Link, at: Timestamp, payload: &[u8]) -> Link {
    vv_crypto::sha256(&[previous, &at.unix_micros().to_be_bytes(), payload])
}

/// Bytes a payload takes in a segment.
pub(super) fn framed_len(payload: &[u8]) -> u64 {
    to_u64(FRAME_HEAD.saturating_add(payload.len()))
}

/// Appends a frame to `out` and gives its link. The payload has been checked
/// against [`MAX_PAYLOAD`].
pub(super) fn encode_frame(
    out: &mut Vec<u8>,
    previous: &Link,
    durable: u32,
    at: Timestamp,
    payload: &[u8],
) -> Link {
    let link = next_link(previous, at, payload);
    let length = u32::try_from(payload.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    let check = frame_check(length, at, durable, &link, payload);
    out.extend(length);
    out.extend(check.to_be_bytes());
    out.extend(at.unix_micros().to_be_bytes());
    out.extend(durable.to_be_bytes());
    out.extend(link);
    out.extend_from_slice(payload);
    link
}

fn frame_check(length: [u8; 4], at: Timestamp, durable: u32, link: &Link, payload: &[u8]) -> u32 {
    let mut digest = CHECK.digest();
    digest.update(&length);
    digest.update(&at.unix_micros().to_be_bytes());
    digest.update(&durable.to_be_bytes());
    digest.update(link);
    digest.update(payload);
    digest.finalize()
}

struct Head {
    length: usize,
    check: u32,
    at: Timestamp,
    durable: u32,
    link: Link,
}

fn decode_head(bytes: &[u8]) -> Option<Head> {
    let mut rest = bytes;
    let length = usize::try_from(u32::from_be_bytes(take(&mut rest)?)).ok()?;
    if length == 0 || length > MAX_PAYLOAD {
        return None;
    }
    Some(Head {
        length,
        check: u32::from_be_bytes(take(&mut rest)?),
        at: Timestamp::from_unix_micros(i64::from_be_bytes(take(&mut rest)?)),
        durable: u32::from_be_bytes(take(&mut rest)?),
        link: take(&mut rest)?,
    })
}

/// Reads the frame at the start of `bytes`, with its length. Checks the CRC,
/// not the link.
pub(super) fn decode_frame(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
    let head = decode_head(bytes)?;
    let end = FRAME_HEAD.checked_add(head.length)?;
    let payload = bytes.get(FRAME_HEAD..end)?;
    let length = u32::try_from(head.length).ok()?.to_be_bytes();
    if frame_check(length, head.at, head.durable, &head.link, payload) != head.check {
        return None;
    }
    let frame = Frame {
        at: head.at,
        durable: head.durable,
        link: head.link,
        payload,
    };
    Some((frame, end))
}

/// What lies behind the last good frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing.
    Clean,
    /// A write that was never acknowledged, as far as the bytes tell.
    Torn,
    /// Frames that had been on disk before later ones were written.
    Damaged,
}

/// The result of reading a whole segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scan {
    pub(super) header: Header,
    pub(super) first_link: Link,
    /// End of the last good frame.
    pub(super) end: usize,
    pub(super) link: Link,
    pub(super) frames: u64,
    pub(super) tail: Tail,
}

/// Reads a segment from its first byte: CRC and link of every frame. `None`
/// when the header is not one.
pub(super) fn scan<'a>(bytes: &'a [u8], mut visit: impl FnMut(usize, &Frame<'a>)) -> Option<Scan> {
    let (header, first_link) = Header::decode(bytes)?;
    let mut scan = Scan {
        header,
        first_link,
        end: HEADER_LEN,
        link: first_link,
        frames: 0,
        tail: Tail::Clean,
    };
    while let Some((frame, length)) = bytes.get(scan.end..).and_then(decode_frame) {
        if next_link(&scan.link, frame.at, frame.payload) != frame.link {
            break;
        }
        scan.end = scan.end.saturating_add(length);
        scan.link = frame.link;
        scan.frames = scan.frames.saturating_add(1);
        visit(scan.end, &frame);
    }
    if scan.end < bytes.len() {
        scan.tail = if attested_behind(bytes, scan.end) {
            Tail::Damaged
        } else {
            Tail::Torn
        };
    }
    Some(scan)
}

/// Whether a later frame says that the bytes at `bad` had been on disk. When
/// the search takes too long the answer is yes: nothing is thrown away then.
fn attested_behind(bytes: &[u8], bad: usize) -> bool {
    let mut budget = SEARCH_BUDGET;
    for start in bad.saturating_add(1)..bytes.len() {
        let Some(candidate) = bytes.get(start..) else {
            return false;
        };
        let Some(head) = decode_head(candidate) else {
            continue;
        };
        let durable = usize::try_from(head.durable).unwrap_or(usize::MAX);
        if durable <= bad || durable > start {
            continue;
        }
        if decode_frame(candidate).is_some() {
            return true;
        }
        budget = budget.saturating_sub(head.length);
        if budget == 0 {
            return true;
        }
    }
    false
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (field, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*field)
}

pub(super) fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

pub(super) fn to_usize(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
