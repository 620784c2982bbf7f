//! `cargo xtask openapi`: the committed documents are what the code says.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::child;
use crate::failure::{Context, Failure, Result};
use crate::interrupt::Interrupt;
use crate::test::build_binary;

/// Printing a document takes well under a second.
const LIMIT: Duration = Duration::from_secs(30);

/// A document that a program of the workspace prints.
struct Document {
    path: &'static str,
    source: Source,
    /// Refuses anything else, and ends the text with one newline.
    check: fn(&str) -> Result<String>,
}

/// Which program prints it.
enum Source {
    /// The product, called with this verb.
    Verb(&'static str),
    /// An example of a crate, for what the product itself has no use for.
    Example {
        package: &'static str,
        name: &'static str,
    },
}

const DOCUMENTS: [Document; 3] = [
    Document {
        path: "docs/openapi.json",
        source: Source::Verb("openapi"),
        check: validated,
    },
    Document {
        path: "docs/problems.md",
        source: Source::Verb("problems"),
        check: page,
    },
    Document {
        path: "docs/audit-events.md",
        source: Source::Example {
            package: "vv-audit",
            name: "events_page",
        },
        check: page,
    },
];

pub(crate) fn run(check: bool, interrupt: &Interrupt) -> Result<()> {
    let binary = build_binary(interrupt)?;
    DOCUMENTS
        .iter()
        .try_for_each(|document| document.renew(&binary, check, interrupt))
}

impl Document {
    fn renew(&self, binary: &Path, check: bool, interrupt: &Interrupt) -> Result<()> {
        let text = (self.check)(&self.source.print(binary, interrupt)?)?;
        let path = crate::tidy::workspace_root().join(self.path);
        if check {
            let committed = fs::read_to_string(&path).unwrap_or_default();
            return match first_difference(&committed, &text) {
                None => Ok(()),
                Some(line) => Err(Failure::new(format!(
                    "{}:{line}: differs from the code; run `cargo xtask openapi` and commit the file",
                    self.path
                ))),
            };
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).context("cannot make docs")?;
        }
        write_whole(&path, &text)?;
        println!("wrote {}, {} bytes", self.path, text.len());
        Ok(())
    }
}

impl Source {
    fn print(&self, binary: &Path, interrupt: &Interrupt) -> Result<String> {
        match self {
            Self::Verb(verb) => {
                // In a folder of its own: printing must not leave anything behind.
                let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
                let mut command = Command::new(binary);
                command.arg(verb).current_dir(folder.path());
                child::capture_within(LIMIT, &mut command, interrupt)
            }
            // Building takes as long as it takes.
            Self::Example { package, name } => child::capture(
                child::cargo().args(["run", "--quiet", "--package", package, "--example", name]),
                interrupt,
            ),
        }
    }
}

/// A page ends with one newline, and an empty one is none.
fn page(text: &str) -> Result<String> {
    let text = text.trim_end();
    if text.is_empty() {
        return Err(Failure::new("the program printed an empty page"));
    }
    Ok(format!("{text}\n"))
}

/// Refuses anything but an `OpenAPI` document, and ends it with one newline.
fn validated(text: &str) -> Result<String> {
    let document: serde_json::Value =
        serde_json::from_str(text).context("`valueverse openapi` did not print JSON")?;
    if document.get("openapi").is_none() || document.get("paths").is_none() {
        return Err(Failure::new(
            "`valueverse openapi` printed JSON that is not an OpenAPI document",
        ));
    }
    Ok(format!("{}\n", text.trim_end()))
}

fn write_whole(path: &Path, text: &str) -> Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, path))
        .context(format_args!("cannot write {}", path.display()))
}

/// The number of the first line that differs.
fn first_difference(left: &str, right: &str) -> Option<usize> {
    if left == right {
        return None;
    }
    let same = left.lines().zip(right.lines()).take_while(|(a, b)| a == b);
    Some(same.count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_different_line_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
    }

    #[test]
    fn a_page_ends_with_one_newline_and_is_not_empty() {
        assert_eq!(page("# Page\n\n").unwrap(), "# Page\n");
        assert!(page("\n").is_err());
    }

    #[test]
    fn only_an_openapi_document_is_written() {
        assert!(validated("<html>").is_err());
        assert!(validated("{}").is_err());
        let kept = validated(r#"{"openapi":"3.1.0","paths":{}}"#).unwrap();
        assert!(kept.ends_with("}\n"));
    }
}
