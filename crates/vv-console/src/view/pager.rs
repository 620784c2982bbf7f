/// Moves through a list by cursor: to the first page and to the next.
#[derive(Debug, Clone)]
pub struct Pager {
    /// Address of the list.
    pub path: &'static str,
    /// Search parameters that stay, such as `("email", "a@b.example")`.
    pub filters: Vec<(&'static str, String)>,
    /// Rows per page now.
    pub limit: u16,
    /// Whether this is the first page.
    pub first: bool,
    /// Where the next page starts, if there is one.
    pub next_cursor: Option<String>,
}

impl Pager {
    /// The page sizes on offer.
    pub const LIMITS: [u16; 3] = [25, 50, 100];

    /// The first page, same size, same search.
    pub(crate) fn first_href(&self) -> String {
        self.sized(self.limit)
    }

    /// The first page in another size.
    pub(crate) fn sized(&self, limit: u16) -> String {
        self.href(limit, None)
    }

    /// Each size on offer: rows, address, whether it is in use.
    pub(crate) fn sizes(&self) -> [(u16, String, bool); 3] {
        Self::LIMITS.map(|limit| (limit, self.sized(limit), limit == self.limit))
    }

    /// The page that follows.
    pub(crate) fn next_href(&self) -> Option<String> {
        let cursor = self.next_cursor.as_deref()?;
        Some(self.href(self.limit, Some(cursor)))
    }

    fn href(&self, limit: u16, cursor: Option<&str>) -> String {
        let mut href = format!("{}?limit={limit}", self.path);
        let filters = self
            .filters
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        for (name, value) in filters.chain(cursor.map(|cursor| ("cursor", cursor))) {
            href.push('&');
            href.push_str(name);
            href.push('=');
            encode(&mut href, value);
        }
        href
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986 §2.3.
pub(crate) fn encode(out: &mut String, text: &str) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(HEX.get(usize::from(byte >> 4)));
            out.extend(HEX.get(usize::from(byte & 15)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_the_search_and_encode_it() {
        let pager = Pager {
            path: "/users",
            filters: vec![("email", "ö+a&b=\"<@x.example".into())],
            limit: 50,
            first: true,
            next_cursor: Some("AZ-_9".into()),
        };
        let search = "email=%C3%B6%2Ba%26b%3D%22%3C%40x.example";
        assert_eq!(pager.sized(25), format!("/users?limit=25&{search}"));
        let next = format!("/users?limit=50&{search}&cursor=AZ-_9");
        assert_eq!(pager.next_href(), Some(next));
    }

    #[test]
    fn the_last_page_leads_nowhere() {
        let pager = Pager {
            path: "/audit",
            filters: Vec::new(),
            limit: 50,
            first: false,
            next_cursor: None,
        };
        assert_eq!(pager.next_href(), None);
        assert_eq!(pager.first_href(), "/audit?limit=50");
    }
}
