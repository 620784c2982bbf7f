//! A process that dies at any moment: the test program starts itself as the
//! victim.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use tokio::task::JoinSet;

use super::*;

const FOLDER: &str = "VV_SPOOL_VICTIM_FOLDER";
const FIRST: &str = "VV_SPOOL_VICTIM_FIRST";

/// The victim of the test below, which names its folder; nothing to do without.
/// Appends without end, eight at a time, and prints what was answered.
#[tokio::test]
async fn victim() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let first = std::env::var_os(FIRST).unwrap();
    let mut next: u64 = first.to_str().unwrap().parse().unwrap();
    let spool = open(Path::new(&folder)).await;
    let mut out = std::io::stdout();
    loop {
        let mut group = JoinSet::new();
        for n in next..next + 8 {
            let spool = spool.clone();
            group.spawn(async move { spool.append(payload(n), at(n)).await.map(|_| n) });
        }
        next += 8;
        while let Some(done) = group.join_next().await {
            let n = done.unwrap().unwrap();
            writeln!(out, "\nkept {n}").unwrap();
        }
    }
}

/// Runs the victim until it printed `after` numbers, kills it, and gives all
/// it printed.
fn run_and_kill(folder: &Path, first: u64, after: usize) -> Vec<u64> {
    let module = module_path!().split_once("::").unwrap().1;
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg(format!("{module}::victim"))
        .env(FOLDER, folder)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut kept = Vec::new();
    for line in lines {
        let Ok(line) = line else { break };
        // A last line may be cut short by the kill; it has no newline before it then.
        if let Some(n) = line.strip_prefix("kept ") {
            kept.push(n.parse().unwrap());
        }
        if kept.len() == after {
            victim.kill().unwrap();
        }
    }
    victim.wait().unwrap();
    assert!(kept.len() >= after, "the victim died by itself");
    kept
}

#[tokio::test]
async fn acknowledged_frames_survive_kill_nine() {
    let dir = private_folder();
    let path = dir.path().join("spool");
    let mut acknowledged = BTreeSet::new();
    let mut drained: Vec<u64> = Vec::new();
    let mut cursor = None;
    let mut first = 0;
    for round in 0..16_usize {
        let kept = run_and_kill(&path, first, 1 + round * 23 % 90);
        acknowledged.extend(kept);
        let spool = Spool::open(setup(&path, cursor)).await.unwrap();
        let frames = read_all(&spool).await;
        let found: Vec<u64> = frames.iter().map(number).collect();
        assert!(found.is_sorted_by(|a, b| a < b), "order, and nothing twice");
        let all: BTreeSet<u64> = drained.iter().chain(&found).copied().collect();
        assert_eq!(all.len(), drained.len() + found.len(), "nothing comes back");
        let lost: Vec<_> = acknowledged.difference(&all).collect();
        assert!(lost.is_empty(), "round {round} lost {lost:?}");
        for incident in spool.take_incidents() {
            assert!(matches!(incident, SpoolIncident::TornTail { .. }));
        }
        first = all.last().unwrap() + 1;

        // Drain a part of it; sometimes the process dies before the release.
        let part = found.len() * (round % 4) / 3;
        if let Some(last) = part.checked_sub(1).map(|last| frames[last].position) {
            drained.extend(&found[..part]);
            cursor = Some(last);
            if round % 2 == 0 {
                spool.release(last).await.unwrap();
            }
        }
        spool.close().await;
    }
    assert!(acknowledged.len() > 300);
}
