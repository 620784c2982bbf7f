//! Files the pages load, compiled into the program.
//!
//! An address carries a hash of the content, so the answer may be cached for
//! good: another content has another address.

use std::sync::LazyLock;

/// `Cache-Control` for everything [`find`] returns.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// One file and how to serve it.
#[derive(Debug)]
pub struct Asset {
    /// Plain name, such as `console.css`.
    pub name: &'static str,
    /// Address with the content hash: `/assets/console.0123456789abcdef.css`.
    pub path: String,
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// The content.
    pub bytes: &'static [u8],
    /// Strong validator, quoted as RFC 9110 §8.8.3 wants it.
    pub etag: String,
}

/// One stylesheet, kept in parts: tokens first, because the rest names them.
pub(crate) const CONSOLE_CSS: &str = concat!(
    include_str!("../assets/css/tokens.css"),
    include_str!("../assets/css/base.css"),
    include_str!("../assets/css/controls.css"),
    include_str!("../assets/css/forms.css"),
    include_str!("../assets/css/shell.css"),
    include_str!("../assets/css/data.css"),
    include_str!("../assets/css/tables.css"),
    include_str!("../assets/css/filters.css"),
    include_str!("../assets/css/event.css"),
    include_str!("../assets/css/audit.css"),
    include_str!("../assets/css/gate.css"),
);

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

static ASSETS: LazyLock<[Asset; 8]> = LazyLock::new(|| {
    [
        Asset::new("console.css", CSS, CONSOLE_CSS),
        Asset::new("password.js", JS, include_str!("../assets/js/password.js")),
        Asset::new("theme.js", JS, include_str!("../assets/js/theme.js")),
        Asset::new("confirm.js", JS, include_str!("../assets/js/confirm.js")),
        Asset::new("menu.js", JS, include_str!("../assets/js/menu.js")),
        Asset::new("live.js", JS, include_str!("../assets/js/live.js")),
        Asset::new("export.js", JS, include_str!("../assets/js/export.js")),
        Asset::new("favicon.svg", SVG, include_str!("../assets/favicon.svg")),
    ]
});

impl Asset {
    fn new(name: &'static str, content_type: &'static str, text: &'static str) -> Self {
        let hash = fnv1a(text.as_bytes());
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        Self {
            name,
            path: format!("/assets/{stem}.{hash:016x}.{extension}"),
            content_type,
            bytes: text.as_bytes(),
            etag: format!("\"{hash:016x}\""),
        }
    }
}

/// The file at an address, such as `/assets/console.0123456789abcdef.css`;
/// `None` for every other address, an outdated hash included.
pub fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// Every file, for listings and tests.
pub fn all() -> &'static [Asset] {
    ASSETS.as_slice()
}

/// The address of a file by its plain name. Templates call this; an unknown
/// name gives an address that answers 404, and a test looks for it.
pub(crate) fn asset(name: &str) -> &'static str {
    ASSETS
        .iter()
        .find(|asset| asset.name == name)
        .map_or("/assets/missing", |asset| asset.path.as_str())
}

/// FNV-1a, 64 bits. It tells contents of our own apart; it protects nothing.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv1a_64() {
        // Vectors of draft-eastlake-fnv, appendix C.
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_file_is_found_at_its_address_and_nowhere_else() {
        for asset in all() {
            assert!(std::ptr::eq(find(&asset.path).expect("own address"), asset));
            assert!(!asset.bytes.is_empty(), "{} is empty", asset.name);
            assert!(find(&format!("/assets/{}", asset.name)).is_none());
        }
        assert!(find("/assets/console.0000000000000000.css").is_none());
        assert!(find("/assets/../Cargo.toml").is_none());
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        for asset in all() {
            let text = std::str::from_utf8(asset.bytes).expect("text");
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("http:"), "{} names a host", asset.name);
            assert!(!text.contains("https:"), "{} names a host", asset.name);
            assert!(!text.contains("@import"), "{} imports", asset.name);
            assert!(!text.contains("url("), "{} needs a hash inside", asset.name);
            assert!(!text.contains("import "), "{} imports", asset.name);
        }
    }
}
