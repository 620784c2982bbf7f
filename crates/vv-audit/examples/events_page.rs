//! Prints the page about event types; `cargo xtask openapi` writes it to `docs/audit-events.md`.

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    io::stdout().write_all(vv_audit::catalogue_page().as_bytes())
}
