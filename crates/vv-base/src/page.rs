use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

/// Longest cursor text accepted, in bytes.
const MAX_CURSOR: usize = 128;

/// An opaque position in a list. Clients hand it back unchanged; it holds the
/// last key of the page before, so rows that come or go do not shift pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(Vec<u8>);

/// The cursor is not one that this service handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not valid; start again without one")]
pub struct CursorError;

impl Cursor {
    /// Wraps the key of the last row of a page.
    pub fn after(key: &[u8]) -> Self {
        Self(key.to_vec())
    }

    /// The key of the last row of the page before.
    pub fn key(&self) -> &[u8] {
        &self.0
    }

    /// The key as a fixed number of bytes, such as a UUID's sixteen.
    pub fn key_array<const N: usize>(&self) -> Result<[u8; N], CursorError> {
        self.0.as_slice().try_into().map_err(|_| CursorError)
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, CursorError> {
        if text.is_empty() || text.len() > MAX_CURSOR {
            return Err(CursorError);
        }
        URL_SAFE_NO_PAD
            .decode(text)
            .map(Self)
            .map_err(|_| CursorError)
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl Serialize for Cursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Which part of a list is asked for.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// Rows wanted, already within [`PageRequest::MAX_LIMIT`].
    pub limit: u16,
    /// Where the page before ended.
    pub after: Option<Cursor>,
}

impl PageRequest {
    /// Rows per page when the caller does not say.
    pub const DEFAULT_LIMIT: u16 = 50;
    /// Most rows one page holds.
    pub const MAX_LIMIT: u16 = 200;

    /// A request with the limit brought into range.
    pub fn new(limit: Option<u16>, after: Option<Cursor>) -> Self {
        let limit = limit
            .unwrap_or(Self::DEFAULT_LIMIT)
            .clamp(1, Self::MAX_LIMIT);
        Self { limit, after }
    }

    /// One row more than asked for: its presence tells that another page follows.
    pub fn probe_limit(&self) -> i64 {
        i64::from(self.limit) + 1
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize)]
pub struct Page<T> {
    /// The rows, in list order.
    pub items: Vec<T>,
    /// Present when more rows follow.
    pub next_cursor: Option<Cursor>,
}

impl<T> Page<T> {
    /// Builds a page from rows fetched with [`PageRequest::probe_limit`].
    pub fn from_probe(
        mut rows: Vec<T>,
        request: &PageRequest,
        key: impl Fn(&T) -> Vec<u8>,
    ) -> Self {
        let limit = usize::from(request.limit);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = match rows.last() {
            Some(last) if more => Some(Cursor::after(&key(last))),
            _ => None,
        };
        Self {
            items: rows,
            next_cursor,
        }
    }

    /// The same page with every row turned into something else.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probe_row_becomes_the_next_cursor_and_is_not_shown() {
        let request = PageRequest::new(Some(2), None);
        let page = Page::from_probe(vec![1_u8, 2, 3], &request, |n| vec![*n]);
        assert_eq!(page.items, [1, 2]);
        assert_eq!(page.next_cursor, Some(Cursor::after(&[2])));
        let last = Page::from_probe(vec![3_u8], &request, |n| vec![*n]);
        assert_eq!(last.next_cursor, None);
    }

    #[test]
    fn a_foreign_cursor_is_refused() {
        assert_eq!(Cursor::parse("***"), Err(CursorError));
        assert_eq!(Cursor::parse(""), Err(CursorError));
        assert_eq!(Cursor::parse(&"A".repeat(129)), Err(CursorError));
        assert_eq!(
            Cursor::parse("AAAA").map(|c| c.key_array::<16>()),
            Ok(Err(CursorError))
        );
    }
}
