mod crash;
mod damage;
mod faults;
mod power;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use vv_base::{Span, SystemRng, Timestamp};

use super::frame::FRAME_HEAD;
use super::store::START;
use super::*;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn at(second: u64) -> Timestamp {
    NOW.plus(Span::seconds(i64::try_from(second).unwrap()))
}

fn limits() -> SpoolLimits {
    SpoolLimits {
        segment_bytes: 4096,
        bytes: 1024 * 1024,
        ..SpoolLimits::default()
    }
}

fn setup(dir: &Path, floor: Option<SpoolPosition>) -> SpoolSetup {
    SpoolSetup {
        dir: dir.to_path_buf(),
        limits: limits(),
        floor,
        now: NOW,
        rng: Arc::new(SystemRng),
    }
}

async fn open(dir: &Path) -> Spool {
    Spool::open(setup(dir, None)).await.unwrap()
}

/// A payload that names its number and has a length of its own.
fn payload(number: u64) -> Vec<u8> {
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.resize(8 + usize::try_from(number * 37 % 300).unwrap(), 0xA5);
    bytes
}

fn number(frame: &SpoolFrame) -> u64 {
    let number = u64::from_be_bytes(*frame.payload.first_chunk().unwrap());
    assert_eq!(frame.payload, payload(number));
    number
}

async fn fill(spool: &Spool, numbers: std::ops::Range<u64>) -> Vec<SpoolPosition> {
    let mut positions = Vec::new();
    for n in numbers {
        positions.push(spool.append(payload(n), at(n)).await.unwrap());
    }
    positions
}

async fn read_all(spool: &Spool) -> Vec<SpoolFrame> {
    let mut all: Vec<SpoolFrame> = Vec::new();
    let mut after = spool.first();
    loop {
        let some = spool.read_from(after, 7, 1000).await.unwrap();
        let Some(last) = some.last() else { return all };
        assert!(last.position > after);
        after = last.position;
        all.extend(some);
    }
}

async fn numbers(spool: &Spool) -> Vec<u64> {
    read_all(spool).await.iter().map(number).collect()
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == extension))
        .collect();
    found.sort();
    found
}

fn private_folder() -> TempDir {
    tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir()
        .unwrap()
}

fn copy_folder(from: &Path) -> TempDir {
    let copy = private_folder();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

#[tokio::test]
async fn frames_come_back_in_order_with_time_and_position() {
    let dir = private_folder();
    let spool = open(dir.path()).await;
    let positions = fill(&spool, 0..100).await;
    assert!(positions.is_sorted_by(|a, b| a < b));
    assert!(files(dir.path(), "seg").len() > 3);
    let frames = read_all(&spool).await;
    assert_eq!(frames.len(), 100);
    for (n, (frame, position)) in (0..).zip(frames.iter().zip(&positions)) {
        assert_eq!((number(frame), frame.at), (n, at(n)));
        assert_eq!(frame.position, *position);
    }
    let wanted: u64 = (0..100)
        .map(|n| u64::try_from(payload(n).len() + FRAME_HEAD).unwrap())
        .sum();
    let depth = SpoolDepth {
        frames: 100,
        bytes: wanted,
        oldest: Some(at(0)),
    };
    assert_eq!(spool.depth(), depth);
    spool.close().await;
    assert_eq!(spool.append(payload(1), NOW).await, Err(SpoolError::Closed));
    let again = open(dir.path()).await;
    assert_eq!(again.depth(), depth);
    assert_eq!(read_all(&again).await, frames);
    assert_eq!(again.take_incidents(), []);
}

#[tokio::test]
async fn reads_start_anywhere_and_keep_their_limits() {
    let dir = private_folder();
    let spool = open(dir.path()).await;
    let positions = fill(&spool, 0..40).await;
    for (start, position) in positions.iter().enumerate() {
        let some = spool.read_from(*position, 3, 1 << 20).await.unwrap();
        let wanted: Vec<u64> = (0..40).skip(start + 1).take(3).collect();
        assert_eq!(some.iter().map(number).collect::<Vec<_>>(), wanted);
    }
    let one = spool.read_from(spool.first(), 100, 1).await.unwrap();
    assert_eq!(one.len(), 1, "at least one, however large");
    let some = spool.read_from(spool.first(), 100, 500).await.unwrap();
    let bytes: usize = some.iter().map(|frame| frame.payload.len()).sum();
    assert!(some.len() > 1 && bytes <= 500);
    let mut crooked = positions[5];
    crooked.offset -= 1;
    let ahead = SpoolPosition {
        segment: positions[39].segment + 1,
        offset: START,
    };
    for wrong in [crooked, ahead] {
        let refused = Err(SpoolError::UnknownPosition);
        assert_eq!(spool.read_from(wrong, 1, 1).await, refused);
        assert_eq!(spool.release(wrong).await, Err(SpoolError::UnknownPosition));
    }
    assert_eq!(spool.depth().frames, 40);
}

#[tokio::test]
async fn release_deletes_and_positions_are_never_used_again() {
    let dir = private_folder();
    let mut spool = open(dir.path()).await;
    let positions = fill(&spool, 0..60).await;
    let before = files(dir.path(), "seg").len();
    for _ in 0..2 {
        spool.release(positions[29]).await.unwrap();
        assert_eq!(spool.depth().frames, 30);
        assert_eq!(spool.depth().oldest, Some(at(30)));
        assert_eq!(spool.first(), positions[29]);
    }
    assert!(files(dir.path(), "seg").len() < before);
    assert_eq!(numbers(&spool).await, (30..60).collect::<Vec<_>>());

    // The cursor of a restart is what SQL says, or nothing.
    spool.close().await;
    spool = Spool::open(setup(dir.path(), Some(positions[44])))
        .await
        .unwrap();
    assert_eq!(numbers(&spool).await, (45..60).collect::<Vec<_>>());
    let mut last = positions[59];
    for round in 60..65 {
        spool.release(last).await.unwrap();
        assert_eq!(spool.depth(), SpoolDepth::default());
        assert_eq!(files(dir.path(), "seg").len(), 1);
        spool.close().await;
        spool = open(dir.path()).await;
        assert_eq!(numbers(&spool).await, [0; 0]);
        let next = spool.append(payload(round), at(round)).await.unwrap();
        assert!(next > last);
        last = next;
    }
    assert_eq!(spool.take_incidents(), []);
}

#[tokio::test]
async fn a_lost_folder_does_not_bring_old_positions_back() {
    let dir = private_folder();
    let path = dir.path().join("spool");
    let cursor = SpoolPosition {
        segment: u64::try_from(i64::MAX).unwrap() - 5,
        offset: 77,
    };
    let spool = Spool::open(setup(&path, Some(cursor))).await.unwrap();
    let first = spool.append(payload(1), NOW).await.unwrap();
    assert!(first > cursor);
    spool.close().await;
    fs::remove_dir_all(&path).unwrap();

    // Without the database only the clock tells what was used before.
    let spool = open(&path).await;
    let first = spool.append(payload(1), NOW).await.unwrap();
    spool.close().await;
    fs::remove_dir_all(&path).unwrap();
    let mut later = setup(&path, None);
    later.now = NOW.plus(Span::seconds(1));
    let spool = Spool::open(later).await.unwrap();
    assert!(spool.append(payload(1), NOW).await.unwrap() > first);
}

#[tokio::test]
async fn a_cursor_behind_the_end_of_the_files_moves_on() {
    let dir = private_folder();
    let spool = open(dir.path()).await;
    let mut cursor = fill(&spool, 0..5).await[4];
    spool.close().await;
    cursor.offset += 1000;
    let spool = Spool::open(setup(dir.path(), Some(cursor))).await.unwrap();
    assert_eq!(numbers(&spool).await, [0; 0]);
    assert!(spool.append(payload(9), NOW).await.unwrap() > cursor);
    assert_eq!(numbers(&spool).await, [9]);
}

#[tokio::test]
async fn only_one_process_and_only_the_owner() {
    let dir = private_folder();
    let path = dir.path().join("made/for/it");
    let spool = open(&path).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    fill(&spool, 0..20).await;
    for file in files(&path, "seg").iter().chain([&path.join("lock")]) {
        assert_eq!(mode(file), 0o600);
    }
    let second = Spool::open(setup(&path, None)).await;
    assert_eq!(second.err(), Some(SpoolError::Locked));
    spool.close().await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
    let second = Spool::open(setup(&path, None)).await;
    assert_eq!(second.err(), Some(SpoolError::Exposed));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(open(&path).await.depth().frames, 20);
}

#[tokio::test]
async fn caps_on_entries_bytes_and_age() {
    let dir = private_folder();
    let mut small = setup(dir.path(), None);
    small.limits.bytes = 10_000;
    small.limits.age = Span::minutes(1);
    let spool = Spool::open(small).await.unwrap();
    for wrong in [0, frame::MAX_PAYLOAD + 1] {
        let refused = spool.append(vec![1; wrong], NOW).await;
        assert_eq!(refused, Err(SpoolError::Size));
    }
    let mut kept = 0;
    let full = loop {
        match spool.append(vec![7; 400], NOW).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(full, SpoolError::Full);
    let on_disk: u64 = files(dir.path(), "seg")
        .iter()
        .map(|path| fs::metadata(path).unwrap().len())
        .sum();
    assert!((9_000..=10_000).contains(&on_disk), "{on_disk}");
    assert_eq!(spool.depth().frames, kept);

    let first = spool.read_from(spool.first(), 1, 1).await.unwrap();
    let overdue = spool.append(vec![7], NOW.plus(Span::seconds(61))).await;
    assert_eq!(overdue, Err(SpoolError::Overdue));
    spool.release(first[0].position).await.unwrap();
    let all = read_all(&spool).await;
    spool.release(all[all.len() - 1].position).await.unwrap();
    let later = NOW.plus(Span::hours(5));
    assert!(spool.append(vec![7], later).await.is_ok());
    assert_eq!(spool.depth().oldest, Some(later));

    let mut wrong = setup(dir.path(), None);
    wrong.limits.segment_bytes = 1 << 40;
    let refused = Spool::open(wrong).await;
    assert_eq!(refused.err(), Some(SpoolError::Limits));
}

#[tokio::test]
async fn the_largest_entry_fits_a_segment_of_its_own() {
    let dir = private_folder();
    let spool = open(dir.path()).await;
    let large = vec![3; frame::MAX_PAYLOAD];
    for _ in 0..3 {
        spool.append(large.clone(), NOW).await.unwrap();
    }
    spool.close().await;
    let spool = open(dir.path()).await;
    let frames = read_all(&spool).await;
    assert_eq!(frames.len(), 3);
    assert!(frames.iter().all(|frame| frame.payload == large));
}

/// Cuts or extends a file.
fn set_len(path: &Path, length: u64) {
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(length)
        .unwrap();
}
