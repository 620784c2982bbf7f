//! Removing events at the end of their time, and what stops it.

use std::collections::BTreeSet;

use vv_audit::tree::{verify_consistency, verify_inclusion};
use vv_audit::{Blocked, Event, Kind, LEAST_MONTHS, RetentionError, SegmentState, read_archive};
use vv_base::{Actor, Ctx};
use vv_store::{Engine, Sql};

use super::{
    count, cut, events, kinds, mid, months, on_both_archived, partitions, pruned_events, states,
};
use crate::harness::World;

const KEEP: u32 = 84;

/// Every proof that the chain can be asked for, against its own root.
async fn all_proofs(world: &World, ctx: &Ctx, sizes_from: u64) {
    let proof = world.audit.inclusion_proof(ctx, 1, None).await.unwrap();
    let size = proof.tree_size;
    for height in 1..=size {
        let proof = world
            .audit
            .inclusion_proof(ctx, height, Some(size))
            .await
            .unwrap();
        let (leaf, index) = (&proof.leaf_hash, proof.leaf_index);
        verify_inclusion(leaf, index, size, &proof.path, &proof.root).unwrap();
    }
    for from in (sizes_from..=size).filter(|from| *from > 0) {
        let proof = world
            .audit
            .consistency_proof(ctx, from, size)
            .await
            .unwrap();
        let (old, new) = (&proof.from_root, &proof.to_root);
        verify_consistency(from, size, old, new, &proof.path).unwrap();
    }
}

#[tokio::test]
async fn seven_years_stay_and_what_is_older_goes_with_every_proof_kept() {
    on_both_archived(async |world, folder| {
        let tenant = world.tenant();
        let ctx = world.ctx(tenant);
        months(&world, &ctx, 90, 7).await;
        let system = world.system().with_actor(Actor::Operator);
        world.audit.close_segments(&system).await.unwrap();
        let none = world.audit.prune(&system, KEEP, false).await.unwrap();
        let kept: BTreeSet<_> = none.segments.iter().map(|s| s.blocked).collect();
        assert_eq!(kept, [Some(Blocked::NotArchived)].into());
        world.audit.archive_segments(&system).await.unwrap();
        assert!(matches!(
            world.audit.prune(&system, LEAST_MONTHS - 1, true).await,
            Err(RetentionError::TooShort)
        ));

        let before = events(&world, tenant).await;
        let dry = world.audit.prune(&system, KEEP, true).await.unwrap();
        assert_eq!(events(&world, tenant).await, before);
        // It is June 2033: January to May 2026 are older than 84 whole months.
        let listed: Vec<_> = dry.segments.iter().filter(|s| s.chain == tenant).collect();
        let months: Vec<_> = listed.iter().map(|segment| segment.month).collect();
        assert_eq!(months, [202_601, 202_602, 202_603, 202_604, 202_605]);
        assert!(listed.iter().all(|segment| segment.bytes > 0));

        let done = world.audit.prune(&system, KEEP, false).await.unwrap();
        assert_eq!(done, dry);
        assert_eq!(events(&world, tenant).await, before - 35);
        let again = world.audit.prune(&system, KEEP, false).await.unwrap();
        assert!(again.segments.is_empty());
        world.audit.catch_up().await.unwrap();
        all_proofs(&world, &ctx, 35).await;
        // The archive still gives what is gone.
        let keys = world.audit.manifest_keys().unwrap();
        let path = folder.join(format!("{tenant}/202601.vva"));
        read_archive(&path, &keys, |_, _| {}).unwrap();
        assert_eq!(
            states(&world.audit, &ctx).await[3..7],
            [
                SegmentState::Pruned,
                SegmentState::Pruned,
                SegmentState::Archived,
                SegmentState::Archived
            ]
        );
        // The chain goes on, and says what happened to it and by whom.
        world.fill(&ctx, 3).await;
        let told = pruned_events(&world, tenant).await;
        assert_eq!(told.len(), 5);
        assert!(
            told.iter()
                .all(|body| body.contains("\"type\":\"operator\""))
        );
        assert!(told[0].contains("\"policy\":\"months:84\""));
        assert_eq!(
            partitions(&world).await.first().copied(),
            first_left(&world)
        );
    })
    .await;
}

fn first_left(world: &World) -> Option<i64> {
    (world.engine == Engine::Pg).then_some(202_606)
}

#[tokio::test]
async fn tiles_of_many_sizes_carry_the_proofs_of_what_is_gone() {
    on_both_archived(async |world, _| {
        let tenant = world.tenant();
        let ctx = world.ctx(tenant);
        // Segments that end inside of tiles, at their end, and after several.
        for (month, each) in [100, 156, 1, 700, 323, 20].into_iter().enumerate() {
            world.clock.set(mid(i64::try_from(month).unwrap()));
            world.fill(&ctx, each).await;
        }
        for now in 12..20 {
            world.clock.set(mid(now));
            world.fill(&ctx, 1).await;
            world.audit.close_segments(&world.system()).await.unwrap();
            world.audit.archive_segments(&world.system()).await.unwrap();
            let report = world.audit.prune(&world.system(), 12, false).await.unwrap();
            assert!(
                report.segments.iter().all(|s| s.blocked.is_none()),
                "{report:?}"
            );
            world.audit.catch_up().await.unwrap();
            let pruned: u64 = report
                .segments
                .iter()
                .filter(|segment| segment.chain == tenant)
                .map(|segment| segment.to_height)
                .max()
                .unwrap_or(0);
            let size = world.audit.log(&ctx).head().await.unwrap().size;
            for height in (1..=size).step_by(13).chain([1, pruned.max(1), size]) {
                let proof = world
                    .audit
                    .inclusion_proof(&ctx, height, Some(size))
                    .await
                    .unwrap();
                let (leaf, index) = (&proof.leaf_hash, proof.leaf_index);
                verify_inclusion(leaf, index, size, &proof.path, &proof.root).unwrap();
            }
        }
        assert!(events(&world, tenant).await < 100);
    })
    .await;
}

#[tokio::test]
async fn a_legal_hold_stops_pruning_at_once() {
    on_both_archived(async |world, _| {
        let (bound, free) = (world.tenant(), world.tenant());
        for tenant in [bound, free] {
            months(&world, &world.ctx(tenant), 2, 5).await;
        }
        world.clock.set(mid(20));
        let system = world.system();
        world.audit.close_segments(&system).await.unwrap();
        world.audit.archive_segments(&system).await.unwrap();
        let ctx = world.ctx(bound);
        let too_long = "x".repeat(501);
        for reason in ["", "  ", "line\nbreak", &too_long] {
            let refused = world.audit.place_hold(&ctx, reason).await;
            assert!(matches!(refused, Err(RetentionError::Reason)));
        }
        let hold = world.audit.place_hold(&ctx, "case 4711").await.unwrap();
        let listed = world.audit.holds(&ctx).await.unwrap();
        assert_eq!((listed.len(), listed[0].hold_id), (1, hold));
        assert!(
            world
                .audit
                .holds(&world.ctx(free))
                .await
                .unwrap()
                .is_empty()
        );
        let other = world.audit.release_hold(&world.ctx(free), hold).await;
        assert!(matches!(other, Err(RetentionError::NoHold)));
        for dry_run in [true, false] {
            let report = world.audit.prune(&system, 12, dry_run).await.unwrap();
            let of = |tenant| report.segments.iter().filter(move |s| s.chain == tenant);
            let blocked: Vec<_> = of(bound).map(|segment| segment.blocked).collect();
            assert_eq!(blocked, [Some(Blocked::Hold)]);
            assert_eq!(of(free).count(), 2);
        }
        world.audit.catch_up().await.unwrap();
        assert_eq!(events(&world, bound).await, 10);
        assert_eq!(events(&world, free).await, 0);
        world.audit.release_hold(&ctx, hold).await.unwrap();
        let twice = world.audit.release_hold(&ctx, hold).await;
        assert!(matches!(twice, Err(RetentionError::NoHold)));
        world.audit.prune(&system, 12, false).await.unwrap();
        assert_eq!(events(&world, bound).await, 0);
        let kinds: BTreeSet<_> = kinds(&world, bound).await;
        assert!(kinds.contains("audit.legal_hold_placed"));
        assert!(kinds.contains("audit.legal_hold_released"));
        assert!(kinds.contains("audit.segment_pruned"));
    })
    .await;
}

#[tokio::test]
async fn pruning_that_was_interrupted_anywhere_goes_on() {
    on_both_archived(async |world, _| {
        let system = world.system();
        for round in 0..10_usize {
            let tenant = world.tenant();
            let ctx = world.ctx(tenant);
            let start = i64::try_from(round).unwrap() * 20;
            world.clock.set(mid(start));
            world.fill(&ctx, 1_100).await;
            world.clock.set(mid(start + 18));
            world.audit.close_segments(&system).await.unwrap();
            world.audit.archive_segments(&system).await.unwrap();
            // A bit later each time, until it comes to its end.
            cut(world.audit.prune(&system, 12, false), 3 + round * round).await;
            let head = world.audit.log(&ctx).head().await.unwrap();
            assert_eq!(head.size, 1_100, "round {round}");
            if round % 3 == 0 {
                // A hold that is placed in the middle keeps what is left.
                let hold = world.audit.place_hold(&ctx, "stop").await.unwrap();
                let left = events(&world, tenant).await;
                world.audit.prune(&system, 12, false).await.unwrap();
                world.audit.catch_up().await.unwrap();
                assert!(events(&world, tenant).await >= left);
                world.audit.release_hold(&ctx, hold).await.unwrap();
            }
            world.audit.prune(&system, 12, false).await.unwrap();
            assert_eq!(states(&world.audit, &ctx).await[0], SegmentState::Pruned);
            world.audit.catch_up().await.unwrap();
            assert_eq!(pruned_events(&world, tenant).await.len(), 1);
            let proof = world.audit.inclusion_proof(&ctx, 777, None).await.unwrap();
            let (leaf, size) = (&proof.leaf_hash, proof.tree_size);
            verify_inclusion(leaf, 776, size, &proof.path, &proof.root).unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn words_and_blind_indexes_go_with_their_events() {
    static WORDS: Sql = Sql::split(
        "test.words",
        "select count(*) from audit_text where tenant_id = $1",
        "select count(*) from audit_text where $1 is not null",
    );
    static BLIND: Sql = Sql::same(
        "test.blind",
        "select count(*) from audit_blind where tenant_id = $1",
    );
    on_both_archived(async |world, _| {
        let tenant = world.tenant();
        let ctx = world.ctx(tenant);
        let subject = world.audit.sealer(&ctx, ctx.new_id()).await.unwrap();
        for month in 0..2 {
            world.clock.set(mid(month));
            for n in 0..3 {
                let event = Event::new(Kind::DataViewed)
                    .detail("note", format!("word{n}"))
                    .personal(&subject, "email", format!("{n}@example.com"));
                world.audit.append(&ctx, event).await.unwrap();
            }
        }
        world.clock.set(mid(13));
        world.audit.close_segments(&world.system()).await.unwrap();
        world.audit.archive_segments(&world.system()).await.unwrap();
        world.audit.catch_up().await.unwrap();
        let words = count(&world, &WORDS, tenant).await;
        assert_eq!(count(&world, &BLIND, tenant).await, 6);
        world.audit.prune(&world.system(), 12, false).await.unwrap();
        assert_eq!(count(&world, &BLIND, tenant).await, 3);
        world.audit.catch_up().await.unwrap();
        // Three events went; the one that tells of it has words, too.
        assert_eq!(count(&world, &WORDS, tenant).await, words - 3 + 1);
    })
    .await;
}
