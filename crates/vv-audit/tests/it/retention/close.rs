//! Closing months.

use vv_audit::tree::CompactRange;
use vv_audit::{Manifest, SYSTEM_CHAIN, SegmentState};
use vv_base::Timestamp;
use vv_store::Engine;

use super::{kinds, mid, months, on_both_archived, partitions, states};
use crate::harness::on_both;

#[tokio::test]
async fn months_that_are_over_get_one_signed_manifest_each() {
    on_both(async |world| {
        let tenant = world.tenant();
        let ctx = world.ctx(tenant);
        world.clock.set(mid(0));
        world.fill(&ctx, 3).await;
        // March has none.
        world.clock.set(mid(1));
        world.fill(&ctx, 2).await;
        world.clock.set(mid(3));
        world.fill(&ctx, 1).await;
        let closed = world.audit.close_segments(&world.system()).await.unwrap();
        assert!(closed.damaged.is_empty());
        let own = |closed: &vv_audit::Closed| -> Vec<u32> {
            let own = closed.segments.iter().filter(|(chain, _)| *chain == tenant);
            own.map(|(_, month)| *month).collect()
        };
        assert_eq!(own(&closed), [202_601, 202_602]);
        let again = world.audit.close_segments(&world.system()).await.unwrap();
        assert!(own(&again).is_empty());
        // The last day is still open, for nodes whose clock is behind.
        world
            .clock
            .set(Timestamp::parse_rfc3339("2026-05-01T23:59:59Z").unwrap());
        assert!(own(&world.audit.close_segments(&world.system()).await.unwrap()).is_empty());
        world
            .clock
            .set(Timestamp::parse_rfc3339("2026-05-02T00:00:00Z").unwrap());
        let closed = world.audit.close_segments(&world.system()).await.unwrap();
        assert_eq!(own(&closed), [202_604]);

        let segments = world.audit.segments(&ctx).await.unwrap();
        let keys = world.audit.manifest_keys().unwrap();
        let mut before = CompactRange::new();
        for segment in &segments {
            let manifest = &segment.manifest;
            assert_eq!(
                Manifest::verify(&segment.note, &keys).as_ref(),
                Ok(manifest)
            );
            assert_eq!(manifest.before.range, before);
            assert_eq!(
                manifest.counts,
                [("data".to_owned(), manifest.events())].into()
            );
            assert!(manifest.first_at <= manifest.last_at);
            before = manifest.after.range.clone();
        }
        let heights: Vec<_> = segments
            .iter()
            .map(|s| (s.manifest.from_height(), s.manifest.to_height()))
            .collect();
        assert_eq!(heights, [(1, 3), (4, 5), (6, 6)]);
        assert_eq!(
            before.root(),
            world.audit.log(&ctx).head().await.unwrap().root
        );
    })
    .await;
}

#[tokio::test]
async fn late_events_of_a_closed_month_go_into_the_next_segment() {
    on_both(async |world| {
        let tenant = world.tenant();
        let ctx = world.ctx(tenant);
        world.clock.set(mid(0));
        world.fill(&ctx, 3).await;
        world.clock.set(mid(1));
        world.audit.close_segments(&world.system()).await.unwrap();
        // A node whose clock is weeks behind.
        world.clock.set(mid(0));
        world.fill(&ctx, 2).await;
        world.clock.set(mid(2));
        world.audit.close_segments(&world.system()).await.unwrap();
        let segments = world.audit.segments(&ctx).await.unwrap();
        let months: Vec<_> = segments.iter().map(|s| s.manifest.month).collect();
        assert_eq!(months, [202_601, 202_602]);
        assert_eq!(segments[1].manifest.first_at, mid(0));
    })
    .await;
}

#[tokio::test]
async fn nothing_is_signed_over_a_damaged_chain() {
    on_both(async |world| {
        let (bad, good) = (world.tenant(), world.tenant());
        world.clock.set(mid(0));
        for tenant in [bad, good] {
            world.fill(&world.ctx(tenant), 5).await;
        }
        world
            .tamper(&format!(
                "update audit_events set leaf_hash = {} where tenant_id = {} and height = 3",
                world.bytes(&[7; 32]),
                world.id(bad)
            ))
            .await;
        world.clock.set(mid(1));
        let closed = world.audit.close_segments(&world.system()).await.unwrap();
        // The leaf itself is whole, and it alone is signed.
        assert!(closed.damaged.is_empty());
        world
            .tamper(&format!(
                "delete from audit_events where tenant_id = {} and height = 3",
                world.id(bad)
            ))
            .await;
        let other = world.tenant();
        world.fill(&world.ctx(other), 4).await;
        world
            .tamper(&format!(
                "delete from audit_events where tenant_id = {} and height = 4",
                world.id(other)
            ))
            .await;
        world.clock.set(mid(2));
        let closed = world.audit.close_segments(&world.system()).await.unwrap();
        assert_eq!(closed.damaged, [other]);
        assert!(
            world
                .audit
                .segments(&world.ctx(other))
                .await
                .unwrap()
                .is_empty()
        );
    })
    .await;
}

#[tokio::test]
async fn the_system_chain_is_closed_too_and_tells_of_the_others() {
    on_both_archived(async |world, _| {
        let tenant = world.tenant();
        months(&world, &world.ctx(tenant), 1, 3).await;
        months(&world, &world.system(), 1, 3).await;
        world.clock.set(mid(1));
        world.audit.retain(&world.system()).await.unwrap();
        let kinds = kinds(&world, SYSTEM_CHAIN).await;
        assert!(kinds.contains("audit.segment_closed"));
        assert!(kinds.contains("audit.segment_archived"));
        assert_eq!(
            states(&world.audit, &world.system()).await,
            [SegmentState::Archived]
        );
        world.audit.ensure_months(&world.system()).await.unwrap();
        let months = partitions(&world).await;
        assert!(world.engine == Engine::Lite || months.ends_with(&[202_602, 202_603]));
    })
    .await;
}
