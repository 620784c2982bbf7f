//! Where the programs are, and how to get them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::child;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;

/// Oldest `PostgreSQL` the product runs on.
const OLDEST_POSTGRES: u32 = 15;

/// Something a test needs from the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    Postgres,
    Redis,
    SoftHsm,
    Chromium,
    Chromedriver,
    Curl,
}

impl Need {
    pub(crate) const ALL: &[Self] = &[
        Self::Postgres,
        Self::Redis,
        Self::SoftHsm,
        Self::Chromium,
        Self::Chromedriver,
        Self::Curl,
    ];

    const fn what(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL 15 or newer (postgres, initdb)",
            Self::Redis => "Redis (redis-server)",
            Self::SoftHsm => "SoftHSM2 (libsofthsm2.so)",
            Self::Chromium => "Chromium (chromium or google-chrome)",
            Self::Chromedriver => "ChromeDriver (chromedriver)",
            Self::Curl => "curl",
        }
    }

    const fn debian_package(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::Redis => "redis-server",
            Self::SoftHsm => "softhsm2",
            Self::Chromium => "chromium",
            Self::Chromedriver => "chromium-driver",
            Self::Curl => "curl",
        }
    }

    fn locate(self) -> Option<PathBuf> {
        match self {
            Self::Postgres => postgres_program(),
            Self::Redis => on_path("redis-server").or_else(|| on_path("valkey-server")),
            Self::SoftHsm => softhsm_module(),
            Self::Chromium => [
                "chromium",
                "chromium-browser",
                "google-chrome",
                "google-chrome-stable",
            ]
            .into_iter()
            .find_map(on_path),
            Self::Chromedriver => on_path("chromedriver")
                .or_else(|| existing("/usr/lib/chromium-browser/chromedriver"))
                .or_else(|| existing("/usr/lib/chromium/chromedriver")),
            Self::Curl => on_path("curl"),
        }
    }
}

/// The programs that were found.
pub(super) struct Found(BTreeMap<Need, PathBuf>);

impl Found {
    pub(super) fn path(&self, need: Need) -> Option<&Path> {
        self.0.get(&need).map(PathBuf::as_path)
    }
}

pub(super) fn locate_or_install(needs: &[Need], interrupt: &Interrupt) -> Result<Found> {
    let missing = match locate(needs) {
        Ok(found) => return Ok(found),
        Err(missing) => missing,
    };
    let install = install_command(&missing);
    if rustix::process::geteuid().is_root()
        && let Some(apt) = on_path("apt-get")
    {
        eprintln!("installing what is missing: {install}");
        apt_install(&apt, &missing, interrupt)?;
        return locate(needs).map_err(|missing| still_missing(&missing));
    }
    let list: Vec<&str> = missing.iter().map(|need| need.what()).collect();
    Err(Failure::new(format!(
        "missing on this machine: {}\n  on Debian or Ubuntu run: sudo {install}\n  elsewhere install the same programs so that they are on the PATH, then run this again",
        list.join(", ")
    )))
}

fn locate(needs: &[Need]) -> std::result::Result<Found, Vec<Need>> {
    let mut found = BTreeMap::new();
    let mut missing = Vec::new();
    for &need in needs {
        match need.locate() {
            Some(path) => {
                found.insert(need, path);
            }
            None => missing.push(need),
        }
    }
    if missing.is_empty() {
        Ok(Found(found))
    } else {
        Err(missing)
    }
}

fn install_command(missing: &[Need]) -> String {
    let packages: Vec<&str> = missing.iter().map(|need| need.debian_package()).collect();
    format!(
        "apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    )
}

fn still_missing(missing: &[Need]) -> Failure {
    let list: Vec<&str> = missing.iter().map(|need| need.what()).collect();
    Failure::new(format!(
        "installed the packages, but this is still missing: {}; install it so that it is on the PATH",
        list.join(", ")
    ))
}

/// Installs packages; fetches the package lists first only when that is needed.
fn apt_install(apt: &Path, missing: &[Need], interrupt: &Interrupt) -> Result<()> {
    let apt_get = |args: &[&str]| {
        let mut command = Command::new(apt);
        // The output of the chore itself stays clean: apt tells its story on stderr.
        command
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::from(std::io::stderr()));
        command
    };
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(missing.iter().map(|need| need.debian_package()));
    if child::run(&mut apt_get(&install), interrupt)?.success() {
        return Ok(());
    }
    child::run_ok(&mut apt_get(&["update"]), interrupt)?;
    if child::run(&mut apt_get(&install), interrupt)?.success() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "could not install; try by hand: {}",
        install_command(missing)
    )))
}

/// The program of that name on the PATH.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

fn existing(path: &str) -> Option<PathBuf> {
    let path = PathBuf::from(path);
    path.is_file().then_some(path)
}

/// The newest `postgres` that is new enough and has its `initdb` beside it.
/// Debian keeps them off the PATH.
fn postgres_program() -> Option<PathBuf> {
    let mut candidates: Vec<PathBuf> = on_path("postgres").into_iter().collect();
    for parent in ["/usr/lib/postgresql", "/usr/local", "/usr", "/opt"] {
        let versions = fs::read_dir(parent).into_iter().flatten().flatten();
        candidates.extend(
            versions
                .filter(|entry| {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    parent.ends_with("postgresql") || name.starts_with("pgsql")
                })
                .map(|entry| entry.path().join("bin/postgres")),
        );
    }
    candidates
        .into_iter()
        .filter(|program| program.with_file_name("initdb").is_file())
        .filter_map(|program| Some((postgres_version(&program)?, program)))
        .filter(|(version, _)| *version >= OLDEST_POSTGRES)
        .max_by_key(|(version, _)| *version)
        .map(|(_, program)| program)
}

fn postgres_version(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    major_version(&String::from_utf8(output.stdout).ok()?)
}

/// Reads `postgres (PostgreSQL) 15.8 (Debian …)`, also `17beta1`.
fn major_version(line: &str) -> Option<u32> {
    let number = line.split_once("(PostgreSQL)")?.1.trim_start();
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn softhsm_module() -> Option<PathBuf> {
    let file = "libsofthsm2.so";
    let libraries = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    let architectures = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    libraries
        .into_iter()
        .chain(
            architectures
                .map(|entry| entry.path())
                .filter(|path| path.to_string_lossy().contains("-linux-")),
        )
        .flat_map(|folder| {
            [
                folder.join("softhsm").join(file),
                folder.join("pkcs11").join(file),
            ]
        })
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_versions_are_read() {
        let debian = "postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)\n";
        assert_eq!(major_version(debian), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta2"), Some(18));
        assert_eq!(major_version("redis 7"), None);
    }

    #[test]
    fn the_install_command_names_what_is_missing_only() {
        let command = install_command(&[Need::SoftHsm, Need::Chromedriver]);
        assert_eq!(
            command,
            "apt-get install -y --no-install-recommends softhsm2 chromium-driver"
        );
    }
}
