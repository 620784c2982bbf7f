//! Cosigning for others, and being cosigned.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vv_audit::{
    Audit, AuditSettings, SinkFailure, SinkKind, Witness, WitnessRefusal, WitnessSettings,
    WitnessedLog,
};
use vv_base::Timestamp;
use vv_crypto::{Checkpoint, NoteSignature, Origin, SignatureType, verify_note};

use crate::harness::{World, on_both};
use crate::server::{Answer, Got, Reply, Server};
use crate::sinks::{offer, settings, sink};

/// What a witness needs to know about an installation.
fn log_of(audit: &Audit) -> WitnessedLog {
    let log = audit.anchor_log();
    WitnessedLog {
        origin: Origin::parse(&log.origin()).unwrap(),
        keys: log.verifier_keys().unwrap(),
    }
}

async fn witness_of(audit: &Audit, logs: Vec<WitnessedLog>) -> Witness {
    let settings = WitnessSettings {
        name: "witness.example/w1".to_owned(),
        logs,
    };
    Witness::open(audit, &settings).await.unwrap()
}

/// The body of a request for the newest checkpoint.
async fn request(audit: &Audit, old: u64) -> String {
    let log = audit.anchor_log();
    let size = log.head().await.unwrap().size;
    let mut body = format!("old {old}\n");
    if old > 0 && old < size {
        for hash in log.consistency(old, size).await.unwrap().path {
            body.push_str(&STANDARD.encode(hash));
            body.push('\n');
        }
    }
    format!("{body}\n{}", log.checkpoint().await.unwrap())
}

struct Served(Arc<Witness>);

impl Answer for Served {
    async fn answer(&self, got: &Got) -> Reply {
        assert_eq!(got.target, "/witness/add-checkpoint");
        match self.0.add_checkpoint(&got.body).await {
            Ok(lines) => (200, "text/plain; charset=utf-8", lines),
            Err(refusal) => (refusal.status(), refusal.content_type(), refusal.body()),
        }
    }
}

async fn serve(witness: &Arc<Witness>) -> Server {
    Server::start(Served(Arc::clone(witness))).await
}

fn witness_sink(server: &Server, witness: &Witness) -> AuditSettings {
    let url = format!("{}/witness/", server.url);
    let keys = witness.verifier_keys().unwrap();
    settings(vec![sink("w1", SinkKind::Witness { url, keys })])
}

#[tokio::test]
async fn a_witness_cosigns_what_continues_and_nothing_else() {
    on_both(async |world| {
        let witness = witness_of(&world.audit, vec![log_of(&world.audit)]).await;
        world.grow().await;
        let lines = witness
            .add_checkpoint(request(&world.audit, 0).await.as_bytes())
            .await
            .unwrap();
        let parsed = NoteSignature::parse_lines(&lines).unwrap();
        assert_eq!(parsed.len(), 2);
        let note = format!(
            "{}{lines}",
            world.audit.anchor_log().checkpoint().await.unwrap()
        );
        let keys = witness.verifier_keys().unwrap();
        let verified = verify_note(&note, &keys).unwrap();
        let kinds: Vec<_> = verified.signed_by.iter().map(|by| by.kind).collect();
        assert_eq!(
            kinds,
            [
                SignatureType::Ed25519Cosignature,
                SignatureType::MlDsa44Cosignature
            ]
        );
        let seconds = world.system().now().unix_seconds();
        let at = Some(Timestamp::from_unix_seconds(seconds));
        assert!(verified.signed_by.iter().all(|by| by.at == at));
        // The same again, from the size it has.
        witness
            .add_checkpoint(request(&world.audit, 1).await.as_bytes())
            .await
            .unwrap();
        world.grow().await;
        world.grow().await;
        let conflict = witness
            .add_checkpoint(request(&world.audit, 0).await.as_bytes())
            .await
            .unwrap_err();
        assert_eq!(
            (conflict.status(), conflict.content_type()),
            (409, "text/x.tlog.size")
        );
        assert_eq!(conflict.body(), "1\n");
        witness
            .add_checkpoint(request(&world.audit, 1).await.as_bytes())
            .await
            .unwrap();
        let known = witness.logs().await.unwrap();
        assert_eq!((known.len(), known[0].1), (1, 3));
        // A restart forgets nothing.
        let again = witness_of(&world.audit, vec![log_of(&world.audit)]).await;
        let conflict = again
            .add_checkpoint(request(&world.audit, 1).await.as_bytes())
            .await
            .unwrap_err();
        assert!(matches!(conflict, WitnessRefusal::Conflict(3)));
    })
    .await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a list, some lines for each refusal")]
async fn each_refusal_has_its_status() {
    on_both(async |world| {
        let witness = witness_of(&world.audit, vec![log_of(&world.audit)]).await;
        for _ in 0..3 {
            world.grow().await;
        }
        let good = request(&world.audit, 0).await;
        let status = async |body: &str| match witness.add_checkpoint(body.as_bytes()).await {
            Ok(_) => 200,
            Err(refusal) => refusal.status(),
        };
        assert_eq!(status("nonsense").await, 400);
        assert_eq!(status(&good.replacen("old 0", "old 4", 1)).await, 400);
        assert_eq!(status(&good.replacen("old 0", "old 00", 1)).await, 400);
        let foreign = good.replacen("valueverse.local/", "elsewhere.example/", 1);
        assert_eq!(status(&foreign).await, 404);
        // Another root under the same signatures.
        let lines: Vec<&str> = good.split('\n').collect();
        let forged = good.replacen(lines[4], &STANDARD.encode([9; 32]), 1);
        assert_eq!(status(&forged).await, 403);
        // Signed by somebody else under the same name.
        let stranger = World::stranger()
            .checkpoint_signer(&world.audit.anchor_log().origin())
            .unwrap();
        let checkpoint = Checkpoint {
            origin: Origin::parse(&world.audit.anchor_log().origin()).unwrap(),
            size: 3,
            root: [1; 32],
        };
        let note = stranger.sign(&checkpoint, world.system().now()).unwrap();
        assert_eq!(status(&format!("old 0\n\n{note}")).await, 403);
        let proof = format!(
            "old 0\n{}\n\n{}",
            STANDARD.encode([1; 32]),
            good.split_once("\n\n").unwrap().1
        );
        assert_eq!(
            status(&proof).await,
            422,
            "from nothing nothing is to be proven"
        );
        assert_eq!(status(&good.replacen("old 0", "old 2", 1)).await, 409);
        assert_eq!(
            witness.logs().await.unwrap()[0].1,
            0,
            "nothing was taken in"
        );
        assert_eq!(status(&good).await, 200);
        world.grow().await;
        let next = request(&world.audit, 3).await;
        let hash = next.lines().nth(1).unwrap();
        let wrong = next.replacen(hash, &STANDARD.encode([5; 32]), 1);
        assert_eq!(status(&wrong).await, 422);
        assert_eq!(
            status(&next.replacen(&format!("{hash}\n"), "", 1)).await,
            422
        );
        assert_eq!(status(&next).await, 200);
        assert_eq!(
            status(&next.replacen("old 3", "old 4", 1)).await,
            422,
            "a proof of nothing"
        );
        let large = format!("{good}{}", "x".repeat(200_000));
        assert_eq!(status(&large).await, 400);
        // Contradictions are on record, not each of them.
        assert_eq!(world.count("audit.witness_refused").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_fork_and_a_rollback_get_no_cosignature_and_are_reported_on_both_sides() {
    on_both(async |world| {
        let witness = Arc::new(witness_of(&world.audit, vec![log_of(&world.audit)]).await);
        let server = serve(&witness).await;
        let settings = witness_sink(&server, &witness);
        let honest = world.node("node-1", settings.clone()).await;
        for _ in 0..3 {
            world.grow().await;
        }
        assert_eq!(offer(&honest).await.unwrap(), Some(3));

        // The same keys, another history: a database set back to an older copy.
        let folder = tempfile::tempdir().unwrap();
        let twin = world.twin(folder.path(), settings).await;
        twin.grow().await;
        assert!(matches!(
            offer(&twin.audit).await,
            Err(SinkFailure::Ahead(3))
        ));
        assert_eq!(twin.count("audit.witness_refused").await, 1);
        twin.grow().await;
        twin.grow().await;
        assert!(matches!(
            offer(&twin.audit).await,
            Err(SinkFailure::Contradiction(3))
        ));
        twin.grow().await;
        assert!(matches!(
            offer(&twin.audit).await,
            Err(SinkFailure::Contradiction(3))
        ));
        assert_eq!(
            twin.count("audit.witness_refused").await,
            1,
            "once per outage"
        );
        assert_eq!(witness.logs().await.unwrap()[0].1, 3);
        assert_eq!(
            world.count("audit.witness_refused").await,
            1,
            "once a minute"
        );
        world.grow().await;
        assert!(offer(&honest).await.unwrap() > Some(3));
    })
    .await;
}

#[tokio::test]
async fn two_installations_witness_each_other() {
    on_both(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let other = world.another(folder.path(), AuditSettings::default()).await;
        let here = Arc::new(witness_of(&world.audit, vec![log_of(&other.audit)]).await);
        let there = Arc::new(witness_of(&other.audit, vec![log_of(&world.audit)]).await);
        let (server_here, other_server) = (serve(&here).await, serve(&there).await);
        let ours = world.node("a", witness_sink(&other_server, &there)).await;
        let theirs = other.node("b", witness_sink(&server_here, &here)).await;
        for _ in 0..3 {
            let (a, b) = (world.grow().await, other.grow().await);
            let (first, second) = tokio::join!(offer(&ours), offer(&theirs));
            assert_eq!((first.unwrap(), second.unwrap()), (Some(a), Some(b)));
        }
        // The newest checkpoint carries the cosignatures, and receipts use it.
        let note = ours.anchor_log().checkpoint().await.unwrap();
        let mut keys = ours.anchor_log().verifier_keys().unwrap();
        keys.extend(there.verifier_keys().unwrap());
        let verified = verify_note(&note, &keys).unwrap();
        assert!(verified.signed_by_origin(true));
        assert_eq!(verified.signed_by.len(), 4);
        let receipt = ours.receipt(&world.system(), 1).await.unwrap();
        let leaf = crate::proofs::leaves(&ours.log(&world.system())).await[0].clone();
        let (_, note) = receipt.verify(&leaf, &keys).unwrap();
        assert_eq!(note.signed_by.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn sixteen_requests_at_once_leave_one_history() {
    on_both(async |world| {
        let witness = Arc::new(witness_of(&world.audit, vec![log_of(&world.audit)]).await);
        for _ in 0..4 {
            world.grow().await;
            let body = Arc::new(request(&world.audit, witness.logs().await.unwrap()[0].1).await);
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..16 {
                let (witness, body) = (Arc::clone(&witness), Arc::clone(&body));
                tasks.spawn(async move { witness.add_checkpoint(body.as_bytes()).await });
            }
            let done = tasks.join_all().await;
            let cosigned = done.iter().filter(|done| done.is_ok()).count();
            let size = witness.logs().await.unwrap()[0].1;
            assert_eq!(cosigned, 1);
            for refusal in done.into_iter().filter_map(Result::err) {
                assert!(matches!(refusal, WitnessRefusal::Conflict(known) if known == size));
            }
        }
    })
    .await;
}
