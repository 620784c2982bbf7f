//! Every list of heights comes out of an index, in its order.

use std::sync::Arc;

use vv_base::{Ctx, Id, TenantId};
use vv_crypto::{Keyring, RootKey};
use vv_store::{Engine, FromRow, Row, Store, StoreError};
use vv_testkit::stores::{both, system_ctx};

use super::filter::Order;
use super::lane::{Lane, Range};
use super::words::Words;
use crate::{Audit, AuditParts, AuditSettings, Event, Kind, Outcome};

/// Enough for `PostgreSQL` to prefer an index.
const EVENTS: i64 = 4_000;

struct Step(String);

impl FromRow for Step {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("detail")
            .or_else(|_| row.get("QUERY PLAN"))
            .map(Self)
    }
}

async fn filled(store: &Store, keys: &Store, ctx: &Ctx) {
    let root = RootKey::generate(ctx.rng());
    let parts = AuditParts {
        store: store.clone(),
        keys: keys.clone(),
        keyring: Arc::new(Keyring::new(&root, "test")),
        node: "node-1".to_owned(),
    };
    let audit = Audit::open(&system_ctx(), parts, AuditSettings::default())
        .await
        .expect("a trail");
    let nobody = audit.unattributed(ctx).await.expect("a key");
    store
        .tx(ctx, "test.fill", async |tx| {
            for n in 0..EVENTS {
                let (kind, outcome) = match n % 50 {
                    0 => (Kind::KeyDestroyed, Outcome::Denied),
                    _ => (Kind::DataViewed, Outcome::Success),
                };
                let event = Event::new(kind)
                    .outcome(outcome)
                    .by_user(Id::from_custom_bytes(
                        [u8::try_from(n % 200).unwrap_or(0); 16],
                    ))
                    .foreign_target("cart".to_owned(), format!("cart-{}", n % 100))
                    .personal(&nobody, "ip", format!("10.0.{}.{}", n % 200, n % 7))
                    .detail("note", format!("word{n}"));
                audit.record(ctx, tx, event).await?;
            }
            Ok::<_, crate::AuditError>(())
        })
        .await
        .expect("events");
    audit.close().await;
    store
        .run_script(ctx, "analyze", "select 1")
        .await
        .expect("statistics");
}

async fn plan(store: &Store, ctx: &Ctx, lane: &Lane, order: Order, chain: TenantId) -> String {
    let range = Range {
        low: 1,
        high: EVENTS / 2,
        from: None,
        to: None,
    };
    let query = lane.query(store.engine(), chain, &range, order, 51);
    let steps: Vec<Step> = store
        .read(ctx, "test.explain", async |tx| {
            tx.select(&query.explained(tx.engine())).await
        })
        .await
        .expect("a plan");
    let lines: Vec<String> = steps.into_iter().map(|step| step.0).collect();
    lines.join("\n")
}

#[tokio::test]
async fn no_list_reads_the_whole_trail() {
    both(async |engine, store, keys| {
        let ctx = system_ctx();
        let ctx = ctx.clone().for_tenant(ctx.new_id());
        let chain = ctx.tenant().expect("a tenant");
        filled(&store, &keys, &ctx).await;
        // What the plan must name, on either engine.
        let lanes = [
            (
                Lane::Kind("security.key_destroyed".to_owned()),
                "_kind_height",
                "events_kind",
            ),
            (
                Lane::Severity("warning"),
                "_severity_height",
                "events_severity",
            ),
            (Lane::Outcome("denied"), "_outcome_height", "events_outcome"),
            (
                Lane::Actor(Id::from_custom_bytes([7; 16])),
                "_actor_ref_height",
                "events_actor",
            ),
            (
                Lane::Target("cart-7".to_owned()),
                "_target_ref_height",
                "events_target",
            ),
            (
                Lane::Field([7; 16]),
                "audit_blind_pkey",
                "audit_blind USING PRIMARY KEY",
            ),
        ];
        for (lane, pg, lite) in &lanes {
            let name = if engine == Engine::Pg { pg } else { lite };
            for order in [Order::Newest, Order::Oldest] {
                let plan = plan(&store, &ctx, lane, order, chain).await;
                assert!(plan.contains(name), "{engine:?} {name}: {plan}");
                assert!(
                    !plan.contains("Seq Scan on audit_"),
                    "{engine:?} {name}: {plan}"
                );
                assert!(!plan.contains("SCAN audit"), "{engine:?} {name}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{engine:?} {name}: {plan}");
            }
        }
        if engine == Engine::Lite {
            let words = Lane::Words(Words::parse("word7").expect("a word"));
            for order in [Order::Newest, Order::Oldest] {
                let plan = plan(&store, &ctx, &words, order, chain).await;
                assert!(plan.contains("SCAN t VIRTUAL TABLE INDEX"), "{plan}");
                assert!(
                    plan.contains("SEARCH e USING INTEGER PRIMARY KEY"),
                    "{plan}"
                );
                assert!(!plan.contains("TEMP B-TREE"), "{plan}");
            }
        }
    })
    .await;
}
