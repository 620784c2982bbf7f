//! The tamper matrix: whatever somebody with all rights on the database
//! changes, verification finds it and names the first row.

mod forge;

use vv_audit::{Event, Kind, Question, Start, Verdict, VerifyOptions};
use vv_base::Span;
use vv_store::{Engine, Sql, args};

use self::forge::{Chain, Expected, chain, hash};
use crate::harness::{World, on_both};

use Question::{Anchor, Completeness, Erasure, Integrity, Projection};

const fn expected(
    attack: &'static str,
    verdict: Question,
    code: &'static str,
    first: u64,
) -> Expected {
    Expected {
        attack,
        verdict,
        code,
        first: Some(first),
    }
}

#[tokio::test]
async fn a_sound_chain_is_found_sound() {
    on_both(async |world| {
        let chain = chain(&world).await;
        for anchor in [Verdict::NotConfigured, Verdict::Ok] {
            let found = chain.verify().await;
            assert!(found.verified && found.findings.is_empty(), "{found:?}");
            assert_eq!(found.verdicts.anchor, anchor);
            assert_eq!(found.verdicts.integrity, Verdict::Ok);
            world.anchor().await;
        }
        world.fill(&chain.ctx(), 2_500).await;
        let found = chain.verify().await;
        assert!(found.verified && found.checked > 2_500, "{found:?}");
    })
    .await;
}

#[tokio::test]
async fn edited_leaves_are_found() {
    on_both(async |world| {
        for offset in [0, 4, 5, 20, 21, 37, 69, 100, 300] {
            let chain = chain(&world).await;
            let mut leaf = chain.leaf(3).await;
            leaf[offset] ^= 1;
            let script = chain.set(3, &format!("leaf = {}", world.bytes(&leaf)));
            let expected = expected("edit a leaf", Integrity, "leaf_hash", 3);
            chain.expect(&script, &expected).await;
        }
        for (attack, leaf) in [("no leaf", vec![]), ("a huge leaf", vec![b'x'; 70_000])] {
            let chain = chain(&world).await;
            let script = chain.set(3, &format!("leaf = {}", world.bytes(&leaf)));
            chain
                .expect(&script, &expected(attack, Integrity, "leaf_hash", 3))
                .await;
        }
        let edited = chain(&world).await;
        let script = edited.set(3, &format!("leaf_hash = {}", world.bytes(&[7; 32])));
        edited
            .expect(&script, &expected("edit a hash", Integrity, "leaf_hash", 3))
            .await;
        let middle = chain(&world).await;
        let script = middle.rewrite(3).await;
        middle
            .expect(&script, &expected("rewrite an event", Integrity, "link", 4))
            .await;
        let last = chain(&world).await;
        let script = last.rewrite(5).await;
        let expected = expected("rewrite the last event", Completeness, "head_hash", 5);
        last.expect(&script, &expected).await;
    })
    .await;
}

#[tokio::test]
async fn edited_search_columns_are_found() {
    on_both(async |world| {
        let id = world.id(world.system().new_id::<()>());
        for (code, change) in [
            (
                "column:kind",
                "kind = 'authentication.login_succeeded'".to_owned(),
            ),
            ("column:kind", "kind = ''".to_owned()),
            ("column:severity", "severity = 'critical'".to_owned()),
            ("column:outcome", "outcome = 'denied'".to_owned()),
            ("column:actor_kind", "actor_kind = 'system'".to_owned()),
            ("column:actor_ref", format!("actor_ref = {id}")),
            ("column:actor_ref", "actor_ref = null".to_owned()),
            ("column:target_kind", "target_kind = 'tenant'".to_owned()),
            ("column:target_kind", "target_kind = null".to_owned()),
            ("column:target_ref", "target_ref = 'x'".to_owned()),
            ("column:target_ref", "target_ref = null".to_owned()),
            ("column:request_id", format!("request_id = {id}")),
            ("column:event_id", format!("event_id = {id}")),
            ("column:seq_ts", "seq_ts = seq_ts + 1".to_owned()),
            ("column:gseq", "gseq = -5".to_owned()),
        ] {
            let chain = chain(&world).await;
            let script = chain.set(3, &change);
            chain
                .expect(&script, &expected("edit a column", Projection, code, 3))
                .await;
            // Ids and sequence numbers stay unique for the next round.
            world.tamper(&chain.delete("height = 3")).await;
        }
        let counted = chain(&world).await;
        let script = format!(
            "update audit_rollups set events = events + 1 where tenant_id = {};",
            counted.me()
        );
        let rollup = Expected {
            attack: "edit a roll-up",
            verdict: Projection,
            code: "rollup",
            first: None,
        };
        counted.expect(&script, &rollup).await;
    })
    .await;
}

#[tokio::test]
async fn deleted_inserted_and_moved_events_are_found() {
    on_both(async |world| {
        for (condition, first, code) in [
            ("height = 1", 1, "height_gap"),
            ("height = 3", 3, "height_gap"),
            ("height in (2, 3)", 2, "height_gap"),
            ("height = 5", 5, "end_missing"),
            ("height > 2", 3, "end_missing"),
            ("height > 0", 1, "end_missing"),
        ] {
            let chain = chain(&world).await;
            let expected = expected("delete events", Completeness, code, first);
            chain.expect(&chain.delete(condition), &expected).await;
        }
        let beyond = chain(&world).await;
        let forged = expected("insert beyond the head", Completeness, "beyond_head", 6);
        beyond.expect(&beyond.forge(6), &forged).await;
        let gap = chain(&world).await;
        let forged = expected("insert after a gap", Completeness, "beyond_head", 6);
        gap.expect(&gap.forge(9), &forged).await;
        let counted = chain(&world).await;
        let script = format!("{}{}", counted.forge(6), counted.head("height = 6"));
        let forged = expected("insert and move the head", Integrity, "place", 6);
        counted.expect(&script, &forged).await;
        let swapped = chain(&world).await;
        let script = [
            swapped.set(2, "height = 100"),
            swapped.set(3, "height = 2"),
            swapped.set(100, "height = 3"),
        ];
        let reordered = expected("reorder", Integrity, "place", 2);
        swapped.expect(&script.concat(), &reordered).await;
    })
    .await;
}

#[tokio::test]
async fn a_second_event_at_a_height_is_found() {
    on_both(async |world| {
        let chain = chain(&world).await;
        // The owner of a SQLite file can drop the index; on PostgreSQL the key
        // allows another time.
        let script = match world.engine {
            Engine::Lite => format!("drop index audit_events_place;{}", chain.forge(5)),
            Engine::Pg => chain.forge(5).replace(" seq_ts,", " seq_ts + 1,"),
        };
        let expected = expected("double a height", Completeness, "duplicate_height", 5);
        chain.expect(&script, &expected).await;
    })
    .await;
}

#[tokio::test]
async fn cut_tails_and_edited_heads_are_found() {
    on_both(async |world| {
        let cut = chain(&world).await;
        let script = cut.shorten().await;
        let shortened = expected("cut the tail", Completeness, "head_mac", 4);
        cut.expect(&script, &shortened).await;
        let zeros = world.bytes(&[0; 32]);
        for (change, code, first) in [
            (format!("head_hash = {zeros}"), "head_mac", 5),
            (format!("head_mac = {zeros}"), "head_mac", 5),
            ("head_ts = head_ts + 1".to_owned(), "head_mac", 5),
            (format!("tree = {zeros}"), "head_mac", 5),
            ("height = 3".to_owned(), "beyond_head", 3),
            ("height = 0".to_owned(), "beyond_head", 1),
            ("height = 9".to_owned(), "end_missing", 6),
            ("height = 9000000000000000000".to_owned(), "end_missing", 6),
            ("pruned_to = 2".to_owned(), "manifest", 2),
        ] {
            let chain = chain(&world).await;
            let expected = expected("edit the head", Completeness, code, first);
            chain.expect(&chain.head(&change), &expected).await;
        }
        let (mine, other) = (chain(&world).await, chain(&world).await);
        let script = format!(
            "update audit_chains set head_hash = o.head_hash, head_ts = o.head_ts, \
             head_mac = o.head_mac, tree = o.tree from audit_chains o where o.tenant_id = {} \
             and audit_chains.tenant_id = {};",
            other.me(),
            mine.me()
        );
        let borrowed = expected("borrow a head", Completeness, "head_mac", 5);
        mine.expect(&script, &borrowed).await;
        let gone = chain(&world).await;
        let script = format!("delete from audit_chains where tenant_id = {};", gone.me());
        gone.expect(&script, &expected("no head", Completeness, "no_head", 1))
            .await;
    })
    .await;
}

#[tokio::test]
async fn edited_tiles_are_found() {
    on_both(async |world| {
        let zeros = world.bytes(&[0; 32]);
        let attacks = [
            (
                format!("update audit_tiles set hashes = {zeros}"),
                Some(256),
            ),
            (
                match world.engine {
                    Engine::Pg => format!("update audit_tiles set hashes = hashes || {zeros}"),
                    Engine::Lite => {
                        format!("update audit_tiles set hashes = cast(hashes || {zeros} as blob)")
                    }
                },
                None,
            ),
            ("delete from audit_tiles".to_owned(), Some(256)),
        ];
        for (attack, first) in attacks {
            let id = world.tenant();
            world.fill(&world.ctx(id), 300).await;
            let chain = Chain { world: &world, id };
            let script = format!("{attack} where tenant_id = {};", chain.me());
            let expected = Expected {
                attack: "edit a tile",
                verdict: Integrity,
                code: "tile",
                first,
            };
            chain.expect(&script, &expected).await;
        }
        let id = world.tenant();
        world.fill(&world.ctx(id), 10).await;
        let chain = Chain { world: &world, id };
        let script = format!(
            "insert into audit_tiles values ({}, 3, 7, {zeros});",
            chain.me()
        );
        let extra = Expected {
            attack: "add a tile",
            verdict: Integrity,
            code: "tile",
            first: None,
        };
        chain.expect(&script, &extra).await;
    })
    .await;
}

#[tokio::test]
async fn edited_anchors_and_checkpoints_are_found() {
    let other_note =
        "update audit_checkpoints set note = replace(note, 'valueverse', 'v4lueverse');";
    for (attack, script, code) in [
        (
            "the size of an anchor",
            "update audit_anchors set size = 4 where position = 1;",
            "anchor_leaf",
        ),
        (
            "the time of an anchor",
            "update audit_anchors set at = at + 1 where position = 1;",
            "anchor_leaf",
        ),
        (
            "a deleted anchor",
            "delete from audit_anchors where position = 1;",
            "anchor_log",
        ),
        (
            "all anchors deleted",
            "delete from audit_anchors;",
            "anchor_head",
        ),
        ("an edited note", other_note, "checkpoint"),
        (
            "an edited size",
            "update audit_checkpoints set size = size + 5;",
            "anchor_cut",
        ),
        (
            "no checkpoint",
            "delete from audit_checkpoints;",
            "checkpoint",
        ),
        (
            "no head",
            "delete from audit_chains where tenant_id = (select tenant_id from \
          audit_chains order by tenant_id desc limit 1);",
            "anchor_head",
        ),
    ] {
        on_both(async |world| {
            let chain = chain(&world).await;
            world.anchor().await;
            world.fill(&chain.ctx(), 1).await;
            world.anchor().await;
            let expected = Expected {
                attack,
                verdict: Anchor,
                code,
                first: None,
            };
            world.tamper(script).await;
            expected.check(&chain.verify().await, world.engine);
        })
        .await;
    }
}

#[tokio::test]
async fn a_chain_rewritten_from_end_to_end_contradicts_its_anchor() {
    on_both(async |world| {
        let chain = chain(&world).await;
        world.anchor().await;
        assert_eq!(chain.verify().await.verdicts.anchor, Verdict::Ok);
        // Whoever has the key can write another history with genuine check
        // values; here the product itself does, over the ruins of the first.
        let me = chain.me();
        world
            .tamper(&format!(
                "delete from audit_events where tenant_id = {me}; \
                 delete from audit_chains where tenant_id = {me}; \
                 delete from audit_rollups where tenant_id = {me}; \
                 delete from audit_verifications where tenant_id = {me};"
            ))
            .await;
        world.fill(&chain.ctx(), 5).await;
        let rewritten = expected("rewrite everything", Anchor, "anchor_root", 6);
        let found = chain.verify().await;
        let named = found.findings.iter().any(|f| f.code == rewritten.code);
        assert!(!found.verified && named, "{found:?}");
        assert_eq!(found.verdicts.anchor, Verdict::Failed);
        assert_eq!(found.verdicts.integrity, Verdict::Ok);
    })
    .await;
}

/// The tables of the trail, which a restore from backup brings back together.
const TABLES: [&str; 9] = [
    "audit_events",
    "audit_chains",
    "audit_anchors",
    "audit_checkpoints",
    "audit_tiles",
    "audit_rollups",
    "audit_nodes",
    "audit_verifications",
    "audit_verify_progress",
];

#[tokio::test]
async fn a_database_set_back_contradicts_a_checkpoint_kept_outside() {
    on_both(async |world| {
        let chain = chain(&world).await;
        world.anchor().await;
        let save: Vec<_> = TABLES
            .iter()
            .map(|table| format!("create table old_{table} as select * from {table};"))
            .collect();
        world.tamper(&save.concat()).await;
        chain.verify().await;
        world.fill(&chain.ctx(), 3).await;
        world.anchor().await;
        let options = VerifyOptions {
            checkpoints: vec![
                world.audit.anchor_log().checkpoint().await.unwrap(),
                world.audit.checkpoint(&chain.ctx()).await.unwrap(),
            ],
            ..VerifyOptions::default()
        };
        let sound = chain.verify_with(&options).await;
        assert!(sound.verified, "{sound:?}");
        let restore: Vec<_> = TABLES
            .iter()
            .map(|table| {
                format!("delete from {table}; insert into {table} select * from old_{table};")
            })
            .collect();
        world.tamper(&restore.concat()).await;
        // By itself the old state is sound, which is why receipts are kept outside.
        assert!(chain.verify().await.verified);
        for note in options.checkpoints {
            let options = VerifyOptions {
                checkpoints: vec![note],
                ..VerifyOptions::default()
            };
            let expected = Expected {
                attack: "set the database back",
                verdict: Anchor,
                code: "outside_beyond",
                first: None,
            };
            expected.check(&chain.verify_with(&options).await, world.engine);
        }
    })
    .await;
}

#[tokio::test]
async fn a_lost_or_replaced_subject_key_is_found() {
    on_both(async |world| {
        let id = world.tenant();
        let ctx = world.ctx(id);
        let user = ctx.new_id();
        let sealer = world.audit.sealer(&ctx, user).await.unwrap();
        let event = Event::new(Kind::UserViewed).personal(&sealer, "ip", "192.0.2.7".to_owned());
        world.audit.append(&ctx, event).await.unwrap();
        let chain = Chain { world: &world, id };
        assert!(chain.verify().await.verified);
        let zeros = world.bytes(&[1; 80]);
        let named = match world.engine {
            Engine::Pg => format!(
                "reset role; set search_path = keys; \
                update subject_keys set wrapped_key = {zeros};"
            ),
            Engine::Lite => format!("update subject_keys set wrapped_key = {zeros};"),
        };
        let text: &'static str = named.leak();
        world.keys.run_script(&ctx, text, text).await.unwrap();
        let replaced = Expected {
            attack: "replace the key",
            verdict: Erasure,
            code: "subject_key",
            first: None,
        };
        replaced.check(&chain.verify().await, world.engine);
    })
    .await;
}

#[tokio::test]
async fn events_deleted_before_they_had_a_place_show_as_lost() {
    on_both(async |world| {
        let mut keeper = world.audit.keeper();
        let ctx = world.system();
        keeper.step().await;
        world.clock.advance(Span::minutes(2));
        let capture = |found: vv_audit::Verification| found.capture.unwrap();
        let verify = async || {
            let options = VerifyOptions::default();
            let found = world.audit.verify(&ctx, &options, |_, _| {}).await.unwrap();
            assert!(found.verified, "{found:?}");
            capture(found)
        };
        assert_eq!(verify().await.lost, 0);
        // The event of that verification shall have its place first.
        world.audit.catch_up().await.unwrap();
        delete_from_intake(&world).await;
        keeper.step().await;
        world.clock.advance(Span::minutes(2));
        keeper.step().await;
        world.clock.advance(Span::minutes(2));
        let found = verify().await;
        assert_eq!(found.lost, 1, "{found:?}");
        assert_eq!(found.verdict, vv_audit::CaptureVerdict::Lost);
    })
    .await;
}

/// An event whose transaction commits and whose row is gone before the
/// sequencer comes by.
async fn delete_from_intake(world: &World) {
    static GONE: Sql = Sql::same("test.delete_intake", "delete from audit_intake");
    let ctx = world.system();
    world
        .store
        .tx(&ctx, "test.suppress", async |tx| {
            world
                .audit
                .record(&ctx, tx, Event::new(Kind::UserViewed))
                .await?;
            tx.exec(&GONE, args![]).await?;
            Ok::<_, vv_audit::AuditError>(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn later_verifications_start_where_the_last_sound_one_ended() {
    on_both(async |world| {
        let chain = chain(&world).await;
        let all = chain.verify().await;
        assert!(all.verified && all.after == 0, "{all:?}");
        let new = chain.verify_from(Start::LastVerified).await;
        assert!(new.verified, "{new:?}");
        // The event of the first verification is all that is new.
        assert_eq!((new.after, new.checked), (5, 1));
        // What was verified before is vouched for by its saved state only …
        world.tamper(&chain.set(2, "outcome = 'denied'")).await;
        assert!(chain.verify_from(Start::LastVerified).await.verified);
        let everything = chain.verify().await;
        assert_eq!(everything.first_bad_height, Some(2));
        // … and its end must still be there.
        let leaf = world.bytes(b"x");
        let script = chain.set(
            7,
            &format!("leaf = {leaf}, leaf_hash = {}", world.bytes(&hash(b"x"))),
        );
        world.tamper(&script).await;
        let found = chain.verify_from(Start::LastVerified).await;
        let joined = expected(
            "edit behind the saved state",
            Integrity,
            "verified_before",
            7,
        );
        joined.check(&found, world.engine);
        // A saved state that somebody else wrote counts for nothing.
        let script = format!(
            "update audit_verify_progress set height = 1 where tenant_id = {};",
            chain.me()
        );
        world.tamper(&script).await;
        assert_eq!(chain.verify_from(Start::LastVerified).await.after, 0);
    })
    .await;
}
