//! What the fuzz target `spool_segment` calls; no part of the crate's interface.

use vv_base::Timestamp;

use super::frame::{HEADER_LEN, Header, encode_frame, scan};

/// A segment file with these payloads, each written after the one before it
/// was on disk.
#[doc(hidden)]
pub fn fuzz_spool_build(payloads: &[Vec<u8>]) -> Vec<u8> {
    let header = Header {
        segment: 1,
        created: Timestamp::from_unix_micros(1),
        id: [7; 16],
        before: None,
    };
    let mut bytes = header.encode();
    let Some((_, mut link)) = Header::decode(&bytes) else {
        return bytes;
    };
    for (second, payload) in (1_i64..).zip(payloads) {
        let durable = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let at = Timestamp::from_unix_seconds(second);
        link = encode_frame(&mut bytes, &link, durable, at, payload);
    }
    bytes
}

/// The payloads that the segment reader lets pass, and how many bytes of the
/// file it accepted; `None` when the header is not one.
#[doc(hidden)]
pub fn fuzz_spool_scan(bytes: &[u8]) -> Option<(Vec<Vec<u8>>, usize)> {
    let mut payloads = Vec::new();
    let found = scan(bytes, |_, frame| payloads.push(frame.payload.to_vec()))?;
    debug_assert!(found.end >= HEADER_LEN && found.end <= bytes.len());
    Some((payloads, found.end))
}
