//! Files that are not as they were left.

use std::os::unix::fs::FileExt;

use super::*;

fn flip(path: &Path, offset: u64, bits: u8) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ bits], offset).unwrap();
}

/// A folder with one segment of `frames` frames, and where each ends.
async fn one_segment(frames: u64) -> (TempDir, Vec<u64>) {
    let dir = private_folder();
    let spool = open(dir.path()).await;
    let positions = fill(&spool, 0..frames).await;
    spool.close().await;
    assert_eq!(files(dir.path(), "seg").len(), 1);
    (dir, positions.iter().map(|it| it.offset).collect())
}

#[tokio::test]
async fn a_torn_tail_is_cut_at_every_byte_of_the_last_frame() {
    let (dir, ends) = one_segment(6).await;
    for length in ends[4]..ends[5] {
        let copy = copy_folder(dir.path());
        let segment = &files(copy.path(), "seg")[0];
        set_len(segment, length);
        let spool = open(copy.path()).await;
        assert_eq!(numbers(&spool).await, [0, 1, 2, 3, 4]);
        let incidents = spool.take_incidents();
        if length == ends[4] {
            assert_eq!(incidents, []);
        } else {
            let cut = length - ends[4];
            let told = matches!(incidents[..],
                [SpoolIncident::TornTail { end, cut: c, .. }] if end == ends[4] && c == cut);
            assert!(told, "{length}: {incidents:?}");
        }
        fill(&spool, 6..7).await;
        spool.close().await;
        let spool = open(copy.path()).await;
        assert_eq!(numbers(&spool).await, [0, 1, 2, 3, 4, 6]);
        assert_eq!(spool.take_incidents(), []);
    }
}

#[tokio::test]
async fn every_flipped_bit_is_noticed_and_nothing_wrong_is_read() {
    let (dir, ends) = one_segment(4).await;
    for offset in 0..ends[3] {
        let copy = copy_folder(dir.path());
        flip(&files(copy.path(), "seg")[0], offset, 1 << (offset % 8));
        let spool = open(copy.path()).await;
        let good = if offset < START {
            0
        } else {
            ends.iter().filter(|end| **end <= offset).count()
        };
        let wanted: Vec<u64> = (0..4).take(good).collect();
        assert_eq!(numbers(&spool).await, wanted, "byte {offset}");
        let incidents = spool.take_incidents();
        let last = offset >= ends[2];
        match incidents[..] {
            [SpoolIncident::TornTail { .. }] => assert!(last, "byte {offset}"),
            [SpoolIncident::Damaged { lost, .. }] => assert!(!last && lost > 0, "byte {offset}"),
            _ => panic!("byte {offset}: {incidents:?}"),
        }
        assert_eq!(files(copy.path(), "damaged").len(), usize::from(!last));
    }
}

#[tokio::test]
async fn damage_is_told_once_and_the_rest_goes_on_at_its_positions() {
    let dir = private_folder();
    let spool = open(dir.path()).await;
    let positions = fill(&spool, 0..60).await;
    spool.close().await;
    let segments = files(dir.path(), "seg");
    assert!(segments.len() > 3);
    let second = positions[0].segment + 1;
    let inside: Vec<u64> = (0..60)
        .zip(&positions)
        .filter(|(_, position)| position.segment == second)
        .map(|(n, _)| n)
        .collect();
    let broken = usize::try_from(inside[3]).unwrap();
    flip(&segments[1], positions[broken].offset - 1, 0x40);
    let wanted: Vec<u64> = (0..60)
        .filter(|n| !inside.contains(n) || *n < inside[3])
        .collect();
    let spool = open(dir.path()).await;
    assert!(matches!(spool.take_incidents()[..],
        [SpoolIncident::Damaged { segment, .. }] if segment == second));
    for frame in read_all(&spool).await {
        let n = usize::try_from(number(&frame)).unwrap();
        assert_eq!(frame.position, positions[n]);
    }
    assert_eq!(numbers(&spool).await, wanted);
    spool.close().await;

    let spool = open(dir.path()).await;
    assert_eq!(spool.take_incidents(), []);
    assert_eq!(numbers(&spool).await, wanted);
    // A cursor that was behind the damage already goes on with the next segment.
    let past = positions[usize::try_from(*inside.last().unwrap()).unwrap()];
    let next = spool.read_from(past, 1, 1).await.unwrap();
    assert_eq!(number(&next[0]), inside.last().unwrap() + 1);
    spool.release(past).await.unwrap();
    assert_eq!(spool.depth().oldest, Some(at(inside.last().unwrap() + 1)));
    assert_eq!(files(dir.path(), "damaged").len(), 1);
}

#[tokio::test]
async fn damage_that_comes_later_is_met_by_the_reader() {
    for which in 0..3 {
        let dir = private_folder();
        let spool = open(dir.path()).await;
        let positions = fill(&spool, 0..40).await;
        let segments = files(dir.path(), "seg");
        let path = &segments[[0, 1, segments.len() - 1][which]];
        let name: u64 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        let inside: Vec<u64> = (0..40)
            .zip(&positions)
            .filter(|(_, position)| position.segment == name)
            .map(|(n, _)| n)
            .collect();
        let victim = inside[inside.len() / 2];
        let end = positions[usize::try_from(victim).unwrap()].offset;
        flip(path, end - 1, 1);
        let wanted: Vec<u64> = (0..40)
            .filter(|n| !inside.contains(n) || *n < victim)
            .collect();
        assert_eq!(numbers(&spool).await, wanted);
        assert!(matches!(spool.take_incidents()[..],
            [SpoolIncident::Damaged { segment, lost, .. }] if segment == name && lost > 0));
        assert_eq!(spool.depth().frames, u64::try_from(wanted.len()).unwrap());
        fill(&spool, 40..42).await;
        spool.close().await;
        let spool = open(dir.path()).await;
        let wanted: Vec<u64> = wanted.into_iter().chain(40..42).collect();
        assert_eq!(numbers(&spool).await, wanted);
        assert_eq!(spool.take_incidents(), []);
    }
}

#[tokio::test]
async fn a_deleted_or_replaced_file_is_put_back_from_the_open_one() {
    let dir = private_folder();
    let path = dir.path().join("spool");
    let spool = open(&path).await;
    fill(&spool, 0..3).await;
    let segment = files(&path, "seg").pop().unwrap();

    fs::remove_file(&segment).unwrap();
    fill(&spool, 3..5).await;
    assert!(matches!(
        spool.take_incidents()[..],
        [SpoolIncident::Restored { .. }]
    ));
    fs::remove_file(&segment).unwrap();
    fs::write(&segment, b"something else").unwrap();
    fill(&spool, 5..6).await;
    assert_eq!(spool.take_incidents().len(), 1);
    assert_eq!(files(&path, "damaged").len(), 1);
    fs::remove_dir_all(&path).unwrap();
    fill(&spool, 6..7).await;
    assert_eq!(spool.take_incidents().len(), 1);
    assert_eq!(
        Spool::open(setup(&path, None)).await.err(),
        Some(SpoolError::Locked)
    );
    spool.close().await;
    let spool = open(&path).await;
    assert_eq!(numbers(&spool).await, (0..7).collect::<Vec<_>>());
    assert_eq!(spool.take_incidents(), []);
}

#[tokio::test]
async fn a_file_cut_while_it_is_written_loses_only_what_was_cut() {
    let dir = private_folder();
    for (round, keep) in [(0, None), (1, Some(2_usize))] {
        let path = dir.path().join(round.to_string());
        let spool = open(&path).await;
        let positions = fill(&spool, 0..4).await;
        let length = keep.map_or(0, |frames| positions[frames - 1].offset);
        set_len(&files(&path, "seg")[0], length);
        let next = spool.append(payload(7), NOW).await.unwrap();
        assert!(next.segment > positions[0].segment);
        let wanted = [&[0, 1][..keep.unwrap_or(0)], &[7]].concat();
        assert_eq!(numbers(&spool).await, wanted);
        assert!(matches!(
            spool.take_incidents()[..],
            [SpoolIncident::Damaged { .. }]
        ));
        spool.close().await;
        let spool = open(&path).await;
        assert_eq!(numbers(&spool).await, wanted);
        assert_eq!(spool.take_incidents(), []);
    }
}

#[tokio::test]
async fn missing_segments_are_told_unless_they_were_released() {
    let dir = private_folder();
    let spool = open(dir.path()).await;
    let positions = fill(&spool, 0..60).await;
    spool.close().await;
    let segments = files(dir.path(), "seg");
    let first = positions[0].segment;

    let middle = copy_folder(dir.path());
    fs::remove_file(&files(middle.path(), "seg")[1]).unwrap();
    let spool = open(middle.path()).await;
    let missing = |segment| SpoolIncident::Missing { segment };
    assert_eq!(spool.take_incidents(), [missing(first + 1)]);
    let kept: Vec<u64> = (0..60)
        .zip(&positions)
        .filter(|(_, position)| position.segment != first + 1)
        .map(|(n, _)| n)
        .collect();
    assert_eq!(numbers(&spool).await, kept);

    fs::remove_file(&segments[0]).unwrap();
    let undrained = Spool::open(setup(dir.path(), Some(SpoolPosition::default())))
        .await
        .unwrap();
    assert_eq!(undrained.take_incidents(), [missing(first)]);
    undrained.close().await;
    let past = positions.iter().rfind(|position| position.segment == first);
    let drained = Spool::open(setup(dir.path(), past.copied())).await.unwrap();
    assert_eq!(drained.take_incidents(), []);

    // While it is open, too.
    fs::remove_file(&segments[1]).unwrap();
    let count = numbers(&drained).await.len();
    assert!(count > 0 && count < kept.len());
    assert_eq!(drained.take_incidents(), [missing(first + 1)]);
}

#[tokio::test]
async fn a_whole_chain_written_by_somebody_else_does_not_count() {
    let dir = private_folder();
    let spool = open(dir.path()).await;
    let positions = fill(&spool, 0..40).await;
    spool.close().await;
    let path = &files(dir.path(), "seg")[0];
    let bytes = fs::read(path).unwrap();
    let mut forged = bytes[..frame::HEADER_LEN].to_vec();
    let (_, mut link) = frame::Header::decode(&bytes).unwrap();
    frame::scan(&bytes, |_, frame| {
        let mut payload = frame.payload.to_vec();
        payload[0] = 0xEE;
        link = frame::encode_frame(&mut forged, &link, frame.durable, frame.at, &payload);
    })
    .unwrap();
    assert_eq!(forged.len(), bytes.len());
    fs::write(path, forged).unwrap();
    let spool = open(dir.path()).await;
    assert!(matches!(
        spool.take_incidents()[..],
        [SpoolIncident::Damaged { good: 0, .. }]
    ));
    let first = positions[0].segment;
    let kept: Vec<u64> = (0..40)
        .zip(&positions)
        .filter(|(_, position)| position.segment != first)
        .map(|(n, _)| n)
        .collect();
    assert_eq!(numbers(&spool).await, kept);
}

#[tokio::test]
async fn foreign_names_do_no_harm() {
    let dir = private_folder();
    let spool = open(dir.path()).await;
    let position = fill(&spool, 0..2).await[1];
    spool.close().await;
    let next = format!("{:020}.seg", position.segment + 1);
    let link = format!("{:020}.seg", position.segment + 2);
    std::os::unix::fs::symlink("nowhere", dir.path().join(link)).unwrap();
    fs::create_dir(dir.path().join(next)).unwrap();
    fs::write(dir.path().join("00000000000000000001.new"), b"half").unwrap();
    fs::write(dir.path().join("notes.seg"), b"mine").unwrap();
    let spool = open(dir.path()).await;
    assert_eq!(numbers(&spool).await, [0, 1]);
    let after = fill(&spool, 2..3).await[0];
    assert_eq!(after.segment, position.segment + 3);
    assert!(files(dir.path(), "new").is_empty());
}
