//! Calendar months in UTC, written as numbers such as 202611.

use vv_base::Timestamp;

use crate::write::month_start;

/// The month after.
pub(super) const fn next(month: u32) -> u32 {
    if month % 100 >= 12 {
        (month / 100 + 1) * 100 + 1
    } else {
        month + 1
    }
}

/// When a month is over: the first moment of the next one.
pub(super) fn end(month: u32) -> Timestamp {
    Timestamp::from_unix_micros(month_start(next(month)))
}

/// How many months lie between two, from the first to the second.
pub(super) const fn between(first: u32, second: u32) -> u32 {
    count(second).saturating_sub(count(first))
}

const fn count(month: u32) -> u32 {
    month / 100 * 12 + month % 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other() {
        assert_eq!((next(202_611), next(202_612)), (202_612, 202_701));
        assert_eq!(end(202_612).to_string(), "2027-01-01T00:00:00Z");
        assert_eq!(between(202_612, 202_701), 1);
        assert_eq!(between(202_601, 203_302), 85);
        assert_eq!(between(202_701, 202_612), 0);
    }
}
