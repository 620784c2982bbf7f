//! A chain of its own for each attack, and the SQL of somebody who owns the
//! database.

use sha2::{Digest as _, Sha256};
use vv_audit::{Event, Kind, Question, Start, Verdict, Verification, VerifyOptions};
use vv_base::{Actor, Ctx, Id, Span, TenantId};
use vv_store::{Engine, Sql, args};

use crate::harness::World;

/// Past triggers and row-level security.
const PG: &str = "reset role; set search_path = auth, audit, keys, public; \
     alter table audit_events disable trigger all; \
     alter table audit_anchors disable trigger all; ";
const LITE: &str = "drop trigger if exists audit_events_no_update; \
     drop trigger if exists audit_events_no_delete; \
     drop trigger if exists audit_anchors_no_update; \
     drop trigger if exists audit_anchors_no_delete; ";

impl World {
    /// Changes rows of the main store behind the product's back.
    pub(crate) async fn tamper(&self, script: &str) {
        let pg = format!("{PG}{script}").leak();
        let lite = format!("{LITE}{script}").leak();
        let done = self.store.run_script(&self.system(), pg, lite).await;
        done.unwrap_or_else(|error| panic!("{script}: {:?}", error.detail()));
    }

    /// An id as SQL text.
    pub(crate) fn id<K>(&self, id: Id<K>) -> String {
        match self.engine {
            Engine::Pg => format!("'{id}'::uuid"),
            Engine::Lite => self.bytes(id.as_bytes()),
        }
    }

    /// Bytes as SQL text.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> String {
        let hex = hex::encode(bytes);
        match self.engine {
            Engine::Pg => format!("'\\x{hex}'::bytea"),
            Engine::Lite => format!("x'{hex}'"),
        }
    }

    /// Writes anchors and a checkpoint.
    pub(crate) async fn anchor(&self) {
        self.clock.advance(Span::seconds(2));
        self.audit.catch_up().await.unwrap();
        let done = self.audit.anchor_round().await.unwrap();
        assert!(done.is_some(), "nothing was anchored");
        self.clock.advance(Span::seconds(2));
    }
}

/// A tenant's chain.
pub(crate) struct Chain<'a> {
    pub(crate) world: &'a World,
    pub(crate) id: TenantId,
}

/// A chain of five ordinary events.
pub(crate) async fn chain(world: &World) -> Chain<'_> {
    let id = world.tenant();
    let actor = Actor::User {
        user: world.system().new_id(),
        session: world.system().new_id(),
    };
    let ctx = world.ctx(id).with_actor(actor);
    for _ in 0..5 {
        let event = Event::new(Kind::UserViewed).target("user", ctx.new_id::<()>());
        world.audit.append(&ctx, event).await.unwrap();
        world.clock.advance(Span::seconds(1));
    }
    Chain { world, id }
}

impl Chain<'_> {
    pub(crate) fn ctx(&self) -> Ctx {
        self.world.ctx(self.id)
    }

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
        let (me, id) = (self.me(), self.world.id(self.world.system().new_id::<()>()));
        format!(
            "insert into audit_events select gseq + 1000000 + {height}, tenant_id, {height}, {id}, \
             seq_ts, kind, severity, outcome, actor_kind, actor_ref, target_kind, target_ref, \
             request_id, leaf, leaf_hash from audit_events where tenant_id = {me} and height = 5;"
        )
    }

    pub(crate) async fn leaf(&self, height: i64) -> Vec<u8> {
        static LEAF: Sql = Sql::same(
            "test.leaf",
            "select leaf from audit_events where tenant_id = $1 and height = $2",
        );
        let args = args![self.id, height];
        let found: Result<(Vec<u8>,), vv_store::StoreError> = self
            .world
            .store
            .read(&self.ctx(), "test.leaf", async |tx| {
                tx.one(&LEAF, args).await
            })
            .await;
        found.unwrap().0
    }

    /// An event turned from a success into a failure, hash and column included.
    pub(crate) async fn rewrite(&self, height: u32) -> String {
        let text = self.leaf(height.into()).await;
        let (header, body) = text.split_at(69);
        let body = std::str::from_utf8(body).unwrap();
        let body = body.replace("\"out\":\"success\"", "\"out\":\"failure\"");
        let leaf = [header, body.as_bytes()].concat();
        assert_ne!(leaf, text);
        let (leaf, hash) = (self.world.bytes(&leaf), self.world.bytes(&hash(&leaf)));
        let change = format!("outcome = 'failure', leaf = {leaf}, leaf_hash = {hash}");
        self.set(height, &change)
    }

    /// The tail cut off and the head set to what is left, as well as one can
    /// without the key.
    pub(crate) async fn shorten(&self) -> String {
        let leaf = self.leaf(4).await;
        let micros = u64::from_be_bytes(leaf[13..21].try_into().unwrap());
        let hash = self.world.bytes(&hash(&leaf));
        let head = self.head(&format!(
            "height = 4, head_ts = {micros}, head_hash = {hash}"
        ));
        format!("{}{head}", self.delete("height = 5"))
    }

    pub(crate) async fn verify(&self) -> Verification {
        self.verify_with(&VerifyOptions::default()).await
    }

    pub(crate) async fn verify_from(&self, from: Start) -> Verification {
        let options = VerifyOptions {
            from,
            ..VerifyOptions::default()
        };
        self.verify_with(&options).await
    }

    pub(crate) async fn verify_with(&self, options: &VerifyOptions) -> Verification {
        let audit = &self.world.audit;
        audit.verify(&self.ctx(), options, |_, _| {}).await.unwrap()
    }

    /// Runs the script; expects the verdict, a finding with the code, and the
    /// first bad row to be named. A second look must not turn it green.
    pub(crate) async fn expect(&self, script: &str, expected: &Expected) {
        self.world.tamper(script).await;
        expected.check(&self.verify().await, self.world.engine);
        let again = self.verify().await;
        assert!(!again.verified, "{expected:?} again: {again:?}");
    }
}

/// What an attack must show as.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) attack: &'static str,
    pub(crate) verdict: Question,
    pub(crate) code: &'static str,
    pub(crate) first: Option<u64>,
}

impl Expected {
    pub(crate) fn check(&self, found: &Verification, engine: Engine) {
        let context = format!("{}, {self:?} on {engine:?}: {found:?}", self.attack);
        assert!(!found.verified, "{context}");
        let verdict = match self.verdict {
            Question::Integrity => found.verdicts.integrity,
            Question::Completeness => found.verdicts.completeness,
            Question::Projection => found.verdicts.projection,
            Question::Anchor => found.verdicts.anchor,
            Question::Erasure => found.verdicts.erasure,
        };
        assert_eq!(verdict, Verdict::Failed, "{context}");
        let mut findings = found.findings.iter();
        let named = findings.any(|f| f.code == self.code && f.verdict == self.verdict);
        assert!(named, "{context}");
        assert_eq!(found.first_bad_height, self.first, "{context}");
    }
}

pub(crate) fn hash(leaf: &[u8]) -> Vec<u8> {
    let hash = Sha256::new().chain_update([0]).chain_update(leaf);
    hash.finalize().to_vec()
}
