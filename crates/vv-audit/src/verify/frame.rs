//! Many events in one value. A driver hands over each column of each row by
//! itself, which costs more than checking it; so the database strings a step's
//! events together and they are taken apart here, without copies.

use vv_store::Sql;

/// The events of a chain from above one height to another, each as
/// [`Stored::read`] wants it, in one value. Nothing when there are none.
///
/// The limit counts rows and heights are a range, so that events which share a
/// height cannot hide behind the end of a step.
pub(super) static FRAMES: Sql = Sql::split(
    "audit.event_frames",
    "select string_agg(convert_to(concat(gseq, ',', height, ',', seq_ts, ',', \
     octet_length(kind), ',', octet_length(severity), ',', octet_length(outcome), ',', \
     octet_length(actor_kind), ',', octet_length(target_kind), ',', octet_length(target_ref), \
     ',16,', case when actor_ref is null then '' else '16' end, ',16,', \
     octet_length(leaf_hash), ',', octet_length(leaf), ',', kind, severity, outcome, actor_kind, \
     target_kind, target_ref), 'UTF8') || uuid_send(event_id) \
     || coalesce(uuid_send(actor_ref), ''::bytea) || uuid_send(request_id) || leaf_hash || leaf, \
     ''::bytea) from (select gseq, height, seq_ts, kind, severity, outcome, actor_kind, \
     target_kind, target_ref, event_id, actor_ref, request_id, leaf_hash, leaf \
     from audit_events where tenant_id = $1 and height > $2 and height <= $3 \
     order by height limit $4) e",
    "select cast(group_concat(concat(gseq, ',', height, ',', seq_ts, ',', \
     octet_length(kind), ',', octet_length(severity), ',', octet_length(outcome), ',', \
     octet_length(actor_kind), ',', octet_length(target_kind), ',', octet_length(target_ref), \
     ',', octet_length(event_id), ',', octet_length(actor_ref), ',', octet_length(request_id), \
     ',', octet_length(leaf_hash), ',', octet_length(leaf), ',', kind, severity, outcome, \
     actor_kind, target_kind, target_ref, event_id, actor_ref, request_id, leaf_hash, leaf), '') \
     as blob) from (select gseq, height, seq_ts, kind, severity, outcome, actor_kind, \
     target_kind, target_ref, event_id, actor_ref, request_id, leaf_hash, leaf \
     from audit_events where tenant_id = $1 and height > $2 and height <= $3 \
     order by height limit $4) e",
);

/// A row of `audit_events`, borrowed from its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stored<'a> {
    pub(super) gseq: i64,
    pub(super) height: i64,
    pub(super) seq_ts: i64,
    pub(super) kind: &'a [u8],
    pub(super) severity: &'a [u8],
    pub(super) outcome: &'a [u8],
    pub(super) actor_kind: &'a [u8],
    pub(super) target_kind: Option<&'a [u8]>,
    pub(super) target_ref: Option<&'a [u8]>,
    pub(super) event_id: &'a [u8],
    pub(super) actor_ref: Option<&'a [u8]>,
    pub(super) request_id: &'a [u8],
    pub(super) leaf_hash: &'a [u8],
    pub(super) leaf: &'a [u8],
}

impl<'a> Stored<'a> {
    /// Takes the first row off the frames: numbers and lengths in decimal, each
    /// with a comma behind it, then the bytes. An absent length is a NULL.
    pub(super) fn read(frames: &mut &'a [u8]) -> Option<Self> {
        let gseq = number(frames)??;
        let height = number(frames)??;
        let seq_ts = number(frames)??;
        let mut lengths = [None; 11];
        for length in &mut lengths {
            *length = match number(frames)? {
                Some(value) => Some(usize::try_from(value).ok()?),
                None => None,
            };
        }
        let mut columns = [None; 11];
        for (column, length) in columns.iter_mut().zip(lengths) {
            if let Some(length) = length {
                let (bytes, rest) = frames.split_at_checked(length)?;
                *column = Some(bytes);
                *frames = rest;
            }
        }
        let [
            kind,
            severity,
            outcome,
            actor_kind,
            target_kind,
            target_ref,
            event_id,
            actor_ref,
            request_id,
            leaf_hash,
            leaf,
        ] = columns;
        Some(Self {
            gseq,
            height,
            seq_ts,
            kind: kind?,
            severity: severity?,
            outcome: outcome?,
            actor_kind: actor_kind?,
            target_kind,
            target_ref,
            event_id: event_id?,
            actor_ref,
            request_id: request_id?,
            leaf_hash: leaf_hash?,
            leaf: leaf?,
        })
    }
}

/// A decimal number up to a comma; nothing where there are no digits.
#[expect(
    clippy::option_option,
    reason = "nothing where it cannot be read, nothing within for NULL"
)]
fn number(frames: &mut &[u8]) -> Option<Option<i64>> {
    let (mut value, mut negative, mut digits) = (0_i64, false, 0_u8);
    loop {
        let (byte, rest) = frames.split_first()?;
        *frames = rest;
        match byte {
            // Counted downwards, because there is one negative number more.
            b'0'..=b'9' => {
                let digit = i64::from(byte - b'0');
                value = value.checked_mul(10)?.checked_sub(digit)?;
                digits = digits.saturating_add(1);
            }
            b'-' if digits == 0 && !negative => negative = true,
            b',' if digits == 0 => return Some(None),
            b',' if negative => return Some(Some(value)),
            b',' => return Some(Some(value.checked_neg()?)),
            _ => return None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn of_column(length: usize) -> String {
        format!("{length},")
    }

    /// What the database makes of a row.
    pub(crate) fn encode(row: &Stored<'_>) -> Vec<u8> {
        let columns = [
            Some(row.kind),
            Some(row.severity),
            Some(row.outcome),
            Some(row.actor_kind),
            row.target_kind,
            row.target_ref,
            Some(row.event_id),
            row.actor_ref,
            Some(row.request_id),
            Some(row.leaf_hash),
            Some(row.leaf),
        ];
        let mut out = format!("{},{},{},", row.gseq, row.height, row.seq_ts).into_bytes();
        for column in columns {
            let length = column.map_or_else(|| ",".to_owned(), |bytes| of_column(bytes.len()));
            out.extend_from_slice(length.as_bytes());
        }
        for column in columns.into_iter().flatten() {
            out.extend_from_slice(column);
        }
        out
    }

    fn sample() -> Stored<'static> {
        Stored {
            gseq: i64::MIN,
            height: i64::MAX,
            seq_ts: -7,
            kind: b"user.viewed",
            severity: b"info",
            outcome: b"",
            actor_kind: b"user",
            target_kind: None,
            target_ref: Some(b""),
            event_id: &[b','; 16],
            actor_ref: None,
            request_id: &[0; 16],
            leaf_hash: &[9; 32],
            leaf: b"1,2,3,",
        }
    }

    #[test]
    fn rows_come_back_as_they_were() {
        let mut bytes = encode(&sample());
        bytes.extend_from_slice(&encode(&sample()));
        let mut rest = bytes.as_slice();
        assert_eq!(Stored::read(&mut rest), Some(sample()));
        assert_eq!(Stored::read(&mut rest), Some(sample()));
        assert_eq!(rest, b"");
    }

    #[test]
    fn cut_frames_are_refused() {
        let bytes = encode(&sample());
        for cut in 0..bytes.len() {
            let mut rest = &bytes[..cut];
            assert_eq!(Stored::read(&mut rest), None, "{cut}");
        }
        for text in ["x", "1x,", "--1,", "1-,", "9223372036854775808,"] {
            assert_eq!(number(&mut text.as_bytes()), None, "{text}");
        }
    }
}
