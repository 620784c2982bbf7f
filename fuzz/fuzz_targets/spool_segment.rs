//! Segment files of the audit spool: whatever happens to the bytes, the reader
//! hands out the first payloads as they were written, or fewer.
#![no_main]
use libfuzzer_sys::fuzz_target;
use vv_audit::{fuzz_spool_build, fuzz_spool_scan};

const HEADER_LEN: usize = 92;

fuzz_target!(|input: (Vec<Vec<u8>>, Vec<(u16, u8)>, u16, Vec<u8>)| {
    let (mut payloads, flips, cut, raw) = input;
    let _ = fuzz_spool_scan(&raw);

    payloads.retain(|payload| !payload.is_empty());
    let whole = fuzz_spool_build(&payloads);
    assert_eq!(
        fuzz_spool_scan(&whole),
        Some((payloads.clone(), whole.len()))
    );
    let mut bytes = whole.clone();
    for (offset, bits) in flips {
        if let Some(byte) = bytes.get_mut(usize::from(offset)) {
            *byte ^= bits;
        }
    }
    bytes.truncate(bytes.len().saturating_sub(usize::from(cut)));
    bytes.extend(raw);
    let read = fuzz_spool_scan(&bytes);
    // Another header is another segment; its CRC alone does not tie it to these payloads.
    if bytes.starts_with(whole.get(..HEADER_LEN).unwrap_or_default())
        && let Some((read, _)) = read
    {
        assert!(payloads.starts_with(&read));
    }
});
