//! `cargo xtask tidy`: the rules of the house that the compiler does not know.

mod arrows;
mod code;
mod crates;
mod links;
mod migrations;
mod names;
mod reviewed;
mod runtime_tree;
mod size;
mod words;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::child;
use crate::failure::{Context, Failure, Result};
use crate::interrupt::Interrupt;

/// Larger files are data, not text somebody wrote.
const MAX_TEXT: u64 = 2 * 1024 * 1024;

/// One thing to change, or to keep an eye on.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    severity: Severity,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    Fails,
    Warns,
}

impl Finding {
    fn new(path: impl Into<String>, line: usize, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line,
            severity: Severity::Fails,
            text: text.into(),
        }
    }

    fn warning(mut self) -> Self {
        self.severity = Severity::Warns;
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.severity {
            Severity::Fails => "",
            Severity::Warns => "warning: ",
        };
        write!(f, "{}:{}: {mark}{}", self.path, self.line, self.text)
    }
}

/// A file of the repository, its path with forward slashes from the root.
struct SourceFile {
    path: String,
    text: String,
}

impl SourceFile {
    fn is_rust(&self) -> bool {
        has_extension(&self.path, "rs")
    }
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|found| found == extension)
}

/// Runs every check and reports everything at once.
pub(crate) fn run(interrupt: &Interrupt) -> Result<()> {
    let root = workspace_root();
    let paths = tracked(&root, interrupt)?;
    let files = read_texts(&root, &paths)?;
    let metadata = crates::Metadata::read(&root, interrupt)?;
    let mut findings = arrows::check(&metadata);
    findings.extend(crates::check_lints(&metadata)?);
    findings.extend(names::check(&paths));
    findings.extend(migrations::check(&paths));
    findings.extend(links::check(&files, &|target| root.join(target).exists()));
    for file in &files {
        if file.is_rust() {
            let code = code::only_code(&file.text);
            findings.extend(size::check(&file.path, &code));
            findings.extend(reviewed::check(&file.path, &code));
            findings.extend(words::check_code(&file.path, &code));
        }
        findings.extend(words::check_text(&file.path, &file.text));
    }
    let (crate_count, too_many) = runtime_tree::check(&root, interrupt)?;
    findings.extend(too_many);
    findings.sort();
    report(&findings, files.len(), crate_count)
}

fn report(findings: &[Finding], files: usize, crates: usize) -> Result<()> {
    for finding in findings {
        println!("{finding}");
    }
    let failing = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Fails)
        .count();
    println!(
        "tidy: {files} files, {crates} crates in the Linux runtime tree (limit {}), {failing} findings, {} warnings",
        runtime_tree::LIMIT,
        findings.len() - failing
    );
    if failing == 0 {
        Ok(())
    } else {
        Err(Failure::Exit(1))
    }
}

/// The folder this tool was built from is `xtask`, one below the root.
pub(crate) fn workspace_root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}

/// Where cargo puts what it builds.
pub(crate) fn target_folder(interrupt: &Interrupt) -> Result<PathBuf> {
    Ok(crates::Metadata::read(&workspace_root(), interrupt)?.target_directory)
}

/// Files under version control, and new ones that are not ignored.
fn tracked(root: &Path, interrupt: &Interrupt) -> Result<Vec<String>> {
    let list = child::capture(
        Command::new("git").current_dir(root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ]),
        interrupt,
    )
    .map_err(|failure| match failure {
        Failure::Exit(_) => Failure::new("tidy needs git and a git work tree to list the files"),
        other => other,
    })?;
    let mut paths: Vec<String> = list
        .split('\0')
        .filter(|path| !path.is_empty() && root.join(path).is_file())
        .map(ToOwned::to_owned)
        .collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// Reads the text files; what is not UTF-8 is an image or the like.
fn read_texts(root: &Path, paths: &[String]) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for path in paths {
        let full = root.join(path);
        let length = fs::metadata(&full).context(path)?.len();
        if length > MAX_TEXT {
            continue;
        }
        if let Ok(text) = String::from_utf8(fs::read(&full).context(path)?) {
            files.push(SourceFile {
                path: path.clone(),
                text,
            });
        }
    }
    Ok(files)
}
