//! Followers on one node and on two.

use std::num::NonZeroU32;
use std::pin::pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use vv_audit::{Audit, AuditError, AuditSettings, Event, EventView, Kind};
use vv_base::{Ctx, Secret, Span};
use vv_shared::{RedisConfig, Shared};
use vv_testkit::stores::{REQUIRE, setting};

use crate::harness::{World, on_both};

/// No follower takes that long; a test that does is stuck.
const STUCK: Duration = Duration::from_mins(1);

async fn write(audit: &Audit, ctx: &Ctx, count: i64) {
    for n in 0..count {
        let event = Event::new(Kind::DataViewed).detail("n", n);
        audit.append(ctx, event).await.unwrap();
    }
}

async fn take(
    stream: &mut (impl Stream<Item = Result<EventView, AuditError>> + Unpin),
    count: usize,
) -> Vec<i64> {
    let events = stream
        .take(count)
        .map_ok(|event| event.height)
        .try_collect();
    tokio::time::timeout(STUCK, events).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_follower_gets_what_was_and_what_comes() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        write(&world.audit, &ctx, 250).await;
        let mut all = pin!(world.audit.follow(&ctx, Some(0)));
        let wanted: Vec<i64> = (1..=250).collect();
        assert_eq!(take(&mut all, 250).await, wanted);
        // It goes on behind any height, even the last one.
        let mut resumed = pin!(world.audit.follow(&ctx, Some(248)));
        assert_eq!(take(&mut resumed, 2).await, [249, 250]);
        let (found, ()) = tokio::join!(take(&mut all, 30), write(&world.audit, &ctx, 30));
        assert_eq!(found, (251..=280).collect::<Vec<i64>>());
        assert_eq!(take(&mut resumed, 30).await, found);
        // Another tenant's events are not among them.
        write(&world.audit, &world.ctx(world.tenant()), 3).await;
        write(&world.audit, &ctx, 1).await;
        assert_eq!(take(&mut all, 1).await, [281]);
    })
    .await;
}

#[tokio::test]
async fn without_a_height_only_what_comes_is_followed() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        write(&world.audit, &ctx, 5).await;
        let mut new = pin!(world.audit.follow(&ctx, None));
        let write = async {
            // The follower marks its place when it is polled first, some time.
            for _ in 0..20 {
                tokio::time::sleep(Duration::from_millis(20)).await;
                write(&world.audit, &ctx, 1).await;
            }
        };
        let (found, ()) = tokio::join!(take(&mut new, 10), write);
        assert!(found[0] > 5, "{found:?}");
        let wanted: Vec<i64> = (found[0]..found[0] + 10).collect();
        assert_eq!(found, wanted);
    })
    .await;
}

#[tokio::test]
async fn a_height_that_is_not_there_is_refused() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        write(&world.audit, &ctx, 2).await;
        for height in [3, u64::MAX] {
            let mut stream = pin!(world.audit.follow(&ctx, Some(height)));
            let first = stream.next().await.unwrap();
            assert!(matches!(first, Err(AuditError::OutOfRange)), "{first:?}");
            assert!(stream.next().await.is_none());
        }
    })
    .await;
}

#[tokio::test]
async fn a_follower_of_everything_sees_each_event_once_in_the_order_of_commits() {
    on_both(async |world| {
        let chains = [
            world.ctx(world.tenant()),
            world.ctx(world.tenant()),
            world.system(),
        ];
        let writes = async {
            let [a, b, c] = &chains;
            tokio::join!(
                write(&world.audit, a, 40),
                write(&world.audit, b, 40),
                write(&world.audit, c, 40)
            );
        };
        let follow = async |after: Option<i64>, count: usize| {
            let stream = world.audit.follow_all(&world.system(), after);
            let found = stream.take(count).try_collect::<Vec<_>>();
            tokio::time::timeout(STUCK, found).await.unwrap().unwrap()
        };
        let (found, ()) = tokio::join!(follow(Some(0), 120), writes);
        let numbers: Vec<i64> = found.iter().map(|event| event.gseq).collect();
        assert_eq!(numbers, (1..=120).collect::<Vec<i64>>());
        for ctx in &chains {
            let chain = ctx.tenant().unwrap_or(vv_audit::SYSTEM_CHAIN);
            let own = found.iter().filter(|event| event.chain == chain);
            let heights: Vec<i64> = own.map(|event| event.event.height).collect();
            assert_eq!(heights, (1..=40).collect::<Vec<i64>>());
        }
        let rest = follow(Some(100), 20).await;
        assert_eq!(rest[0].gseq, 101);
    })
    .await;
}

async fn redis(world: &World) -> Option<Shared> {
    let Some(url) = setting("VALUEVERSE_TEST_REDIS_URL") else {
        assert_ne!(setting(REQUIRE).as_deref(), Some("1"), "Redis is required");
        println!("skipped: VALUEVERSE_TEST_REDIS_URL is not set");
        return None;
    };
    let random: [u8; 8] = world.system().random();
    let config = RedisConfig {
        prefix: format!("vvtest:{}:", hex::encode(random)),
        nodes: NonZeroU32::MIN,
        // Generous, so that a busy machine fails no test.
        command_timeout: Span::seconds(5),
        connect_timeout: Span::seconds(5),
        ..RedisConfig::new(Secret::new(url))
    };
    Some(Shared::redis(&config, world.clock.clone()).await.unwrap())
}

#[tokio::test]
async fn followers_hear_of_other_nodes() {
    on_both(async |world| {
        let Some(shared) = redis(&world).await else {
            return;
        };
        let other = world.node("node-2", AuditSettings::default()).await;
        world.audit.announce_through(&shared);
        other.announce_through(&shared);
        let ctx = world.ctx(world.tenant());
        let mut here = pin!(world.audit.follow(&ctx, Some(0)));
        let mut there = pin!(other.follow(&ctx, Some(0)));
        let writes = async {
            tokio::join!(write(&world.audit, &ctx, 60), write(&other, &ctx, 60));
        };
        let (found, copy, ()) = tokio::join!(take(&mut here, 120), take(&mut there, 120), writes);
        assert_eq!(found, (1..=120).collect::<Vec<i64>>());
        assert_eq!(copy, found);
        // A notice wakes followers of the node that did not write.
        let mut wake = world.audit.newest();
        let before = *wake.borrow_and_update();
        write(&other, &ctx, 1).await;
        let heard = wake.wait_for(|newest| *newest > before);
        tokio::time::timeout(STUCK, heard).await.unwrap().unwrap();
        other.close().await;
        world.audit.close().await;
    })
    .await;
}
