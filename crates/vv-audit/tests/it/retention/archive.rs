//! Archive files.

use std::path::Path;

use vv_audit::{Blocked, RetentionError, SegmentState, read_archive};

use super::{cut, events, mid, months, on_both_archived, states};

#[tokio::test]
async fn an_archive_stands_on_its_own_and_shows_every_change() {
    on_both_archived(async |world, folder| {
        let tenant = world.tenant();
        let ctx = world.ctx(tenant);
        world.clock.set(mid(0));
        world.fill(&ctx, 1_200).await;
        world.clock.set(mid(1));
        let system = world.system();
        world.audit.close_segments(&system).await.unwrap();
        let segment = world
            .audit
            .archive_segment(&system, tenant, 202_601)
            .await
            .unwrap();
        assert_eq!(segment.state, SegmentState::Archived);
        let path = folder.join(format!("{tenant}/202601.vva"));
        let archive = segment.manifest.archive.clone().unwrap();
        assert_eq!(folder.join(&archive.path), path);
        let keys = world.audit.manifest_keys().unwrap();
        let mut seen = 0;
        let found = read_archive(&path, &keys, |height, leaf| {
            seen += 1;
            assert_eq!(height, seen);
            assert!(leaf.starts_with(b"VVA1"));
        })
        .unwrap();
        assert_eq!((seen, found.sha256), (1_200, archive.sha256));
        let ratio = segment.manifest.bytes * 100 / found.bytes;
        println!("{:?}: leaves take {ratio} % of their archive", world.engine);
        assert_eq!(mode(&path), 0o440);
        // A second run finds it and writes nothing.
        let before = std::fs::metadata(&path).unwrap().modified().unwrap();
        world
            .audit
            .archive_segment(&system, tenant, 202_601)
            .await
            .unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().modified().unwrap(),
            before
        );
        let none = world.audit.archive_segment(&system, tenant, 202_602).await;
        assert!(matches!(none, Err(RetentionError::NoSegment)));
        every_change_shows(&path, &keys);
    })
    .await;
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn every_change_shows(path: &Path, keys: &[vv_crypto::VerifierKey]) {
    let bytes = std::fs::read(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.vva");
    let original = read_archive(path, keys, |_, _| {}).unwrap();
    for place in (0..bytes.len()).step_by(bytes.len() / 60 + 1) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        std::fs::write(&copy, &changed).unwrap();
        // A header of gzip has bytes that say nothing; the hash of the file does.
        if let Ok(found) = read_archive(&copy, keys, |_, _| {}) {
            assert_ne!(found.sha256, original.sha256, "byte {place}");
        }
        std::fs::write(&copy, &bytes[..place]).unwrap();
        assert!(
            read_archive(&copy, keys, |_, _| {}).is_err(),
            "cut at {place}"
        );
    }
    let mut longer = bytes.clone();
    longer.push(0);
    std::fs::write(&copy, &longer).unwrap();
    assert!(read_archive(&copy, keys, |_, _| {}).is_err());
    std::fs::write(&copy, [&bytes[..], &bytes[..]].concat()).unwrap();
    assert!(read_archive(&copy, keys, |_, _| {}).is_err());
    assert!(read_archive(&copy, &[], |_, _| {}).is_err());
}

#[tokio::test]
async fn an_attempt_that_died_leaves_no_half_archive() {
    on_both_archived(async |world, folder| {
        let tenant = world.tenant();
        let ctx = world.ctx(tenant);
        world.clock.set(mid(0));
        world.fill(&ctx, 1_100).await;
        world.clock.set(mid(1));
        let system = world.system();
        world.audit.close_segments(&system).await.unwrap();
        let chain = folder.join(tenant.to_string());
        std::fs::create_dir_all(&chain).unwrap();
        // What a process that was killed leaves behind.
        std::fs::write(chain.join("202601.vva.part.00"), b"half").unwrap();
        let target = chain.join("202601.vva");
        let keys = world.audit.manifest_keys().unwrap();
        for polls in 1..200 {
            let work = world.audit.archive_segment(&system, tenant, 202_601);
            let done = cut(work, polls).await;
            if target.exists() {
                read_archive(&target, &keys, |_, _| {}).unwrap();
            }
            if let Some(done) = done {
                done.unwrap();
                break;
            }
        }
        assert_eq!(states(&world.audit, &ctx).await, [SegmentState::Archived]);
        settle(&chain, 1).await;
        // The file was there and the row was not: the file is used as it is.
        world.fill(&ctx, 3).await;
        world.clock.set(mid(2));
        world.audit.close_segments(&system).await.unwrap();
        std::fs::write(chain.join("202602.vva"), b"something else").unwrap();
        let taken = world.audit.archive_segment(&system, tenant, 202_602).await;
        assert!(
            matches!(taken, Err(RetentionError::Archive(_))),
            "{taken:?}"
        );
        assert_eq!(
            std::fs::read(chain.join("202602.vva")).unwrap(),
            b"something else"
        );
    })
    .await;
}

/// Waits until threads that outlived their caller have tidied up.
async fn settle(folder: &Path, files: usize) {
    while std::fs::read_dir(folder).unwrap().count() != files {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_bad_archive_keeps_the_events() {
    on_both_archived(async |world, folder| {
        let tenant = world.tenant();
        let ctx = world.ctx(tenant);
        months(&world, &ctx, 2, 5).await;
        world.clock.set(mid(20));
        let system = world.system();
        world.audit.close_segments(&system).await.unwrap();
        world.audit.archive_segments(&system).await.unwrap();
        let (one, two) = (
            folder.join(format!("{tenant}/202601.vva")),
            folder.join(format!("{tenant}/202602.vva")),
        );
        let good = std::fs::read(&one).unwrap();
        let blocked = async || {
            let report = world.audit.prune(&system, 12, false).await.unwrap();
            let own = report.segments.iter().filter(|s| s.chain == tenant);
            own.map(|segment| segment.blocked).collect::<Vec<_>>()
        };
        std::fs::remove_file(&one).unwrap();
        assert_eq!(blocked().await, [Some(Blocked::Archive)]);
        std::fs::copy(&two, &one).unwrap();
        assert_eq!(blocked().await, [Some(Blocked::Archive)]);
        std::fs::remove_file(&one).unwrap();
        std::fs::write(&one, &good[..good.len() - 1]).unwrap();
        assert_eq!(blocked().await, [Some(Blocked::Archive)]);
        assert_eq!(events(&world, tenant).await, 10);
        std::fs::write(&one, &good).unwrap();
        assert_eq!(blocked().await, [None, None]);
    })
    .await;
}
