//! Chains, and the SQL of somebody who wants to change them unseen.

use sha2::{Digest as _, Sha256};
use vv_audit::{SYSTEM_CHAIN, Verdict, Verdicts};
use vv_base::{Actor, TenantId};
use vv_store::{Sql, args};

use crate::audit::{note, verify};
use crate::harness::World;

/// A chain of five events, and SQL about it.
pub(crate) struct Chain<'a> {
    pub(crate) world: &'a World,
    pub(crate) id: TenantId,
}

vv_store::row! {
    struct LeafRow {
        leaf: Vec<u8>,
    }
}

/// A fresh one.
pub(crate) async fn chain(world: &World) -> Chain<'_> {
    let id = world.ctx().new_id();
    let (user, session) = (world.ctx().new_id(), world.ctx().new_id());
    let ctx = world
        .chain_ctx(id)
        .with_actor(Actor::User { user, session });
    for _ in 0..5 {
        note(world, &ctx).await;
        world.wait(vv_base::Span::seconds(1));
    }
    Chain { world, id }
}

impl Chain<'_> {
    pub(crate) fn me(&self) -> String {
        self.world.id(self.id)
    }

    pub(crate) fn set(&self, height: u32, change: &str) -> String {
        let me = self.me();
        format!("update audit_events set {change} where tenant_id = {me} and height = {height};")
    }

    pub(crate) fn delete(&self, condition: &str) -> String {
        let me = self.me();
        format!("delete from audit_events where tenant_id = {me} and {condition};")
    }

    pub(crate) fn head(&self, change: &str) -> String {
        let me = self.me();
        format!("update audit_chains set {change} where tenant_id = {me};")
    }

    /// A copy of event 5 at another height.
    pub(crate) fn forge(&self, height: u32) -> String {
        let (me, id) = (self.me(), self.world.id::<()>(self.world.ctx().new_id()));
        format!(
            "insert into audit_events select gseq + 1000000 + {height}, tenant_id, {height}, {id}, seq_ts, kind, severity, \
             outcome, actor_kind, actor_ref, target_kind, target_ref, request_id, leaf, leaf_hash \
             from audit_events where tenant_id = {me} and height = 5;"
        )
    }

    pub(crate) async fn leaf(&self, height: i64) -> Vec<u8> {
        static LEAF: Sql = Sql::same(
            "test.leaf",
            "select leaf from audit_events where tenant_id = $1 and height = $2",
        );
        let args = args![self.id, height];
        let rows: Vec<LeafRow> = crate::raw::rows(self.world, &self.world.store, &LEAF, args).await;
        rows.into_iter().next().unwrap().leaf
    }

    /// Event 3 or 5 turned from a success into a failure, hash and column included.
    pub(crate) async fn rewrite(&self, height: u32) -> String {
        let text = self.leaf(height.into()).await;
        let (header, body) = text.split_at(69);
        let body = std::str::from_utf8(body).unwrap();
        let body = body.replace("\"out\":\"success\"", "\"out\":\"failure\"");
        let leaf = [header, body.as_bytes()].concat();
        assert_ne!(leaf, text);
        let hash = Sha256::new()
            .chain_update([0])
            .chain_update(&leaf)
            .finalize();
        let (leaf, hash) = (self.world.bytes(&leaf), self.world.bytes(&hash));
        let change = format!("outcome = 'failure', leaf = {leaf}, leaf_hash = {hash}");
        self.set(height, &change)
    }

    /// Runs the script and expects it to be found.
    pub(crate) async fn expect(
        &self,
        name: &str,
        script: &str,
        bad: fn(Verdicts) -> Verdict,
        first: u64,
    ) {
        let engine = self.world.engine;
        self.world.tamper(script).await;
        let found = verify(self.world, self.id).await;
        assert!(!found.verified, "{name} on {engine:?}: {found:?}");
        assert_eq!(
            bad(found.verdicts),
            Verdict::Failed,
            "{name} on {engine:?}: {found:?}"
        );
        assert_eq!(
            found.first_bad_height,
            Some(first),
            "{name} on {engine:?}: {found:?}"
        );
        let audit = self.world.auth().audit();
        let ctx = self.world.chain_ctx(self.id);
        let kept = audit.last_verification(&ctx).await.unwrap().unwrap();
        assert!(!kept.verified, "{name} on {engine:?}");
        // A second look does not turn it green.
        assert!(
            !verify(self.world, self.id).await.verified,
            "{name} on {engine:?}"
        );
        let here = self.world.count(self.id, "security.chain_broken").await;
        let there = self
            .world
            .count(SYSTEM_CHAIN, "security.chain_broken")
            .await;
        assert!(here + there >= 2, "{name} on {engine:?}: nobody was told");
    }
}

pub(crate) const fn integrity(verdicts: Verdicts) -> Verdict {
    verdicts.integrity
}
pub(crate) const fn completeness(verdicts: Verdicts) -> Verdict {
    verdicts.completeness
}
pub(crate) const fn projection(verdicts: Verdicts) -> Verdict {
    verdicts.projection
}

/// The tail cut off and the head set to what is left, as well as one can
/// without the key.
pub(crate) async fn shortened(chain: &Chain<'_>) -> String {
    let leaf = chain.leaf(4).await;
    let hash = Sha256::new()
        .chain_update([0])
        .chain_update(&leaf)
        .finalize();
    let micros = u64::from_be_bytes(leaf[13..21].try_into().unwrap());
    let head = format!(
        "height = 4, head_ts = {micros}, head_hash = {}",
        chain.world.bytes(&hash)
    );
    format!("{}{}", chain.delete("height = 5"), chain.head(&head))
}
