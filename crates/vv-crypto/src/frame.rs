//! Joins fields so that no two different lists of fields give the same bytes.

/// Each part behind its length as eight big-endian bytes. The label comes first
/// and separates one use from another.
pub(crate) fn frame(label: &str, parts: &[&[u8]]) -> Vec<u8> {
    let body: usize = parts.iter().map(|part| part.len() + 8).sum();
    let mut out = Vec::with_capacity(8 + label.len() + body);
    push(&mut out, label.as_bytes());
    for part in parts {
        push(&mut out, part);
    }
    out
}

fn push(out: &mut Vec<u8>, part: &[u8]) {
    out.extend_from_slice(&length(part));
    out.extend_from_slice(part);
}

/// The length of a part as it is written in front of it.
pub(crate) fn length(part: &[u8]) -> [u8; 8] {
    // A slice never has more than isize::MAX bytes, so this always fits.
    u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes()
}

/// An optional sixteen-byte id: absent and all-zero must not look the same.
pub(crate) fn optional_id(id: Option<&[u8; 16]>) -> Vec<u8> {
    match id {
        None => vec![0],
        Some(bytes) => {
            let mut out = Vec::with_capacity(17);
            out.push(1);
            out.extend_from_slice(bytes);
            out
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_byte_between_fields_changes_the_frame() {
        assert_ne!(frame("x", &[b"ab", b"c"]), frame("x", &[b"a", b"bc"]));
        assert_ne!(frame("x", &[b"ab"]), frame("x", &[b"ab", b""]));
        assert_ne!(frame("xa", &[b"b"]), frame("x", &[b"ab"]));
    }

    #[test]
    fn no_id_differs_from_the_zero_id() {
        assert_ne!(optional_id(None), optional_id(Some(&[0; 16])));
    }
}
