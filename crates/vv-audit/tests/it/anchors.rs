//! The log of logs: rounds, checkpoints, receipts.

use vv_audit::{
    ANCHOR_CHAIN, AnchorLeaf, Audit, AuditError, AuditSettings, Event, Kind, Receipt, TlogProof,
};
use vv_base::{Span, TenantId};
use vv_crypto::verify_note;
use vv_store::{Engine, Sql, args};

use crate::harness::{World, on_both};
use crate::proofs::leaves;

const SECOND: Span = Span::seconds(1);

static CHECKPOINTS: Sql = Sql::same(
    "test.checkpoints",
    "select size, signed_at from audit_checkpoints order by size",
);
static EVENTS_OF_KIND: Sql = Sql::same(
    "test.events_of_kind",
    "select count(*) from audit_events where tenant_id = $1 and kind = $2",
);
static SET_BACK: Sql = Sql::split(
    "test.set_back",
    "update audit_chains c set height = o.height, head_hash = o.head_hash, head_ts = o.head_ts, \
     head_mac = o.head_mac, tree = o.tree from test_old o where c.tenant_id = o.tenant_id",
    "update audit_chains set (height, head_hash, head_ts, head_mac, tree) = \
     (select o.height, o.head_hash, o.head_ts, o.head_mac, o.tree from test_old o \
     where o.tenant_id = audit_chains.tenant_id) where tenant_id in (select tenant_id from test_old)",
);

impl World {
    /// How many events of a kind the system chain has.
    pub(crate) async fn count(&self, kind: &str) -> i64 {
        self.audit.catch_up().await.unwrap();
        let (count,): (i64,) = self
            .store
            .read(&self.system(), "test.count", async |tx| {
                tx.one(&EVENTS_OF_KIND, args![TenantId::nil(), kind]).await
            })
            .await
            .unwrap();
        count
    }

    /// Another second, another round.
    pub(crate) async fn round(&self) -> Option<vv_audit::Anchored> {
        self.clock.advance(SECOND);
        self.audit.anchor_round().await.unwrap()
    }

    async fn checkpoints(&self) -> Vec<(u64, i64)> {
        self.store
            .read(&self.system(), "test.checkpoints", async |tx| {
                tx.all(&CHECKPOINTS, args![]).await
            })
            .await
            .unwrap()
    }
}

async fn anchor_leaves(audit: &Audit) -> Vec<AnchorLeaf> {
    let leaves = leaves(&audit.anchor_log()).await;
    leaves
        .iter()
        .map(|leaf| AnchorLeaf::decode(leaf).unwrap())
        .collect()
}

#[tokio::test]
async fn a_round_anchors_what_grew_and_signs() {
    on_both(async |world| {
        assert_eq!(world.audit.anchor_round().await.unwrap(), None);
        let (one, other) = (world.ctx(world.tenant()), world.ctx(world.tenant()));
        world.fill(&one, 3).await;
        world.fill(&other, 300).await;
        let done = world.round().await.unwrap();
        assert_eq!((done.chains, done.size), (2, 2));
        world.fill(&one, 1).await;
        let done = world.round().await.unwrap();
        assert_eq!((done.chains, done.size), (1, 3));

        let found = anchor_leaves(&world.audit).await;
        assert_eq!(
            found.iter().map(|leaf| leaf.position).collect::<Vec<_>>(),
            [1, 2, 3]
        );
        for leaf in &found {
            assert_ne!(leaf.chain, ANCHOR_CHAIN);
            let log = world.audit.log(&world.ctx(leaf.chain));
            assert_eq!(log.root_at(leaf.size).await.unwrap(), leaf.root);
            let last = log.inclusion(leaf.size, None).await.unwrap();
            assert_eq!(last.leaf_hash, leaf.last_leaf_hash);
        }
        let log = world.audit.anchor_log();
        let note = log.checkpoint().await.unwrap();
        let verified = verify_note(&note, &log.verifier_keys().unwrap()).unwrap();
        assert!(verified.signed_by_origin(true));
        assert_eq!(verified.checkpoint.size, 3);
        assert_eq!(verified.checkpoint.root, log.root_at(3).await.unwrap());
        log.consistency(2, 3).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn nothing_is_written_while_nothing_happens() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        // Nothing is left to be done after this, unlike after a record.
        let event = Event::new(Kind::DataViewed);
        world.audit.append(&ctx, event).await.unwrap();
        world.round().await.unwrap();
        let before = (world.store.stats(), world.checkpoints().await);
        for _ in 0..5 {
            assert_eq!(world.round().await, None);
        }
        assert_eq!((world.store.stats(), world.checkpoints().await), before);
        if world.engine == Engine::Lite {
            assert!(before.0.transactions > 0);
        }
    })
    .await;
}

#[tokio::test]
async fn there_is_one_checkpoint_per_second_over_all_nodes() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let second = world.node("node-2", AuditSettings::default()).await;
        world.fill(&ctx, 1).await;
        assert!(world.audit.anchor_round().await.unwrap().is_some());
        world.fill(&ctx, 1).await;
        assert_eq!(world.audit.anchor_round().await.unwrap(), None);
        assert_eq!(second.anchor_round().await.unwrap(), None);
        world.clock.advance(SECOND);
        assert_eq!(second.anchor_round().await.unwrap().unwrap().size, 2);
        world.clock.advance(SECOND);
        assert_eq!(world.audit.anchor_round().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn many_rounds_at_once_make_one_history() {
    on_both(async |world| {
        let nodes = [
            world.audit.clone(),
            world.node("node-2", AuditSettings::default()).await,
            world.node("node-3", AuditSettings::default()).await,
        ];
        let chains: Vec<_> = (0..4).map(|_| world.ctx(world.tenant())).collect();
        let mut wrote = 0;
        for _ in 0..6 {
            for ctx in &chains {
                world.fill(ctx, 2).await;
            }
            world.clock.advance(SECOND);
            let mut tasks = tokio::task::JoinSet::new();
            for task in 0..16 {
                let node = nodes[task % nodes.len()].clone();
                tasks.spawn(async move { node.anchor_round().await });
            }
            for done in tasks.join_all().await {
                wrote += done.unwrap().map_or(0, |done| done.chains);
            }
        }
        let found = anchor_leaves(&world.audit).await;
        assert_eq!((wrote, found.len()), (24, 24));
        let mut seen: Vec<_> = found.iter().map(|leaf| (leaf.chain, leaf.size)).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 24, "no anchor twice");
        assert!(
            found
                .windows(2)
                .all(|pair| pair[0].position + 1 == pair[1].position)
        );
        assert!(found.windows(2).all(|pair| pair[0].at <= pair[1].at));
    })
    .await;
}

#[tokio::test]
async fn a_restarted_node_goes_on_where_it_was() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        world.fill(&ctx, 3).await;
        world.round().await.unwrap();
        let again = world.node("node-1", AuditSettings::default()).await;
        world.clock.advance(SECOND);
        assert_eq!(again.anchor_round().await.unwrap(), None);
        world.fill(&ctx, 1).await;
        assert_eq!(again.anchor_round().await.unwrap().unwrap().size, 2);
    })
    .await;
}

#[tokio::test]
async fn of_old_checkpoints_the_first_of_each_hour_stays() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let mut expected = Vec::new();
        for step in 0..9_u64 {
            world.fill(&ctx, 1).await;
            world.clock.advance(Span::minutes(20));
            world.audit.anchor_round().await.unwrap().unwrap();
            // Rounds at minutes 20, 40, 60, 80 …: the first of each hour, and the last.
            if step == 0 || step % 3 == 2 {
                expected.push(step + 1);
            }
        }
        let kept: Vec<u64> = world.checkpoints().await.iter().map(|row| row.0).collect();
        assert_eq!(kept, expected);
        world.fill(&ctx, 1).await;
        world.round().await.unwrap();
        let kept: Vec<u64> = world.checkpoints().await.iter().map(|row| row.0).collect();
        assert_eq!(kept, [expected.as_slice(), &[10]].concat());
    })
    .await;
}

#[tokio::test]
async fn a_receipt_proves_an_event_up_to_the_signed_anchor_log() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        let noise = world.ctx(world.tenant());
        world.fill(&ctx, 5).await;
        world.fill(&noise, 2).await;
        world.round().await.unwrap();
        world.fill(&ctx, 5).await;
        world.fill(&noise, 1).await;
        world.round().await.unwrap();
        let receipt = world.audit.receipt(&ctx, 4).await.unwrap();
        assert_eq!(
            receipt.event.tree_size, 5,
            "the first anchor that covers it"
        );
        let leaf = leaves(&world.audit.log(&ctx)).await[3].clone();
        let keys = world.audit.anchor_log().verifier_keys().unwrap();
        let (anchored, note) = receipt.verify(&leaf, &keys).unwrap();
        assert_eq!((Some(anchored.chain), anchored.size), (ctx.tenant(), 5));
        assert!(note.signed_by_origin(true));

        let json = serde_json::to_string(&receipt).unwrap();
        let back: Receipt = serde_json::from_str(&json).unwrap();
        assert_eq!(back, receipt);
        let text = receipt.to_tlog_proof().to_string();
        let proof: TlogProof = text.parse().unwrap();
        let (of_text, _) = Receipt::from_tlog_proof(&proof, &leaf, &keys).unwrap();
        assert_eq!(of_text, receipt);

        // Every part counts.
        assert!(receipt.verify(&[&leaf[..], b"x"].concat(), &keys).is_err());
        let mut wrong = receipt.clone();
        wrong.anchor_leaf[50] ^= 1;
        assert!(wrong.verify(&leaf, &keys).is_err());
        let mut wrong = receipt.clone();
        wrong.event.path[0][0] ^= 1;
        assert!(wrong.verify(&leaf, &keys).is_err());
        let mut wrong = receipt.clone();
        wrong.event.tree_size += 1;
        assert!(wrong.verify(&leaf, &keys).is_err());
        let mut wrong = receipt.clone();
        wrong.checkpoint = world.audit.checkpoint(&ctx).await.unwrap();
        assert!(wrong.verify(&leaf, &keys).is_err());
    })
    .await;
}

#[tokio::test]
async fn a_receipt_of_the_newest_event_anchors_it_first() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        world.fill(&ctx, 2).await;
        let receipt = world.audit.receipt(&ctx, 2).await.unwrap();
        assert_eq!(receipt.anchor.tree_size, 1);
        world.fill(&ctx, 1).await;
        let early = world.audit.receipt(&ctx, 3).await;
        assert!(matches!(early, Err(AuditError::NotAnchored)));
        world.clock.advance(SECOND);
        world.audit.receipt(&ctx, 3).await.unwrap();
        for height in [0, 4] {
            let refused = world.audit.receipt(&ctx, height).await;
            assert!(matches!(refused, Err(AuditError::OutOfRange)));
        }
    })
    .await;
}

/// Somebody puts an old, genuine head back and deletes what came after it.
#[tokio::test]
async fn a_chain_that_was_set_back_is_reported_and_not_anchored() {
    on_both(async |world| {
        let ctx = world.ctx(world.tenant());
        world.fill(&ctx, 2).await;
        world
            .store
            .run_script(
                &world.system(),
                "select set_config('app.tenant', '*', false); \
                 create table audit.test_old as select * from audit.audit_chains; \
                 grant select on audit.test_old to valueverse_app",
                "create table test_old as select * from audit_chains",
            )
            .await
            .unwrap();
        world.fill(&ctx, 3).await;
        let before = world.round().await.unwrap();
        world
            .store
            .tx(&world.system(), "test.set_back", async |tx| {
                tx.exec_one(&SET_BACK, args![]).await
            })
            .await
            .unwrap();
        let fresh = world.node("node-2", AuditSettings::default()).await;
        world.clock.advance(SECOND);
        assert_eq!(fresh.anchor_round().await.unwrap(), None);
        assert_eq!(world.count("security.chain_broken").await, 1);
        world.clock.advance(SECOND);
        // Only the system chain, which holds the report, has grown.
        let after = fresh.anchor_round().await.unwrap().unwrap();
        assert_eq!((after.chains, after.size), (1, before.size + 1));
        assert_eq!(world.count("security.chain_broken").await, 1);
    })
    .await;
}
