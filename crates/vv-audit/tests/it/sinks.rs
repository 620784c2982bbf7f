//! Checkpoints that leave the house, and what happens when they cannot.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use vv_audit::{AnchorSettings, Audit, AuditSettings, SinkFailure, SinkKind, SinkSettings};
use vv_base::{Secret, Span, Timestamp};
use vv_crypto::verify_note;
use vv_outbound::{Outbound, OutboundSettings, WebhookSecret, verify_webhook};
use vv_store::{Sql, args};

use crate::harness::{World, on_both};
use crate::server::{Always, Server};

pub(crate) fn settings(sinks: Vec<SinkSettings>) -> AuditSettings {
    let outbound = OutboundSettings {
        allow_http_loopback: true,
        timeout: Span::seconds(2),
        ..OutboundSettings::default()
    };
    AuditSettings {
        anchor: AnchorSettings {
            sinks,
            outbound: Some(Outbound::new(&outbound).unwrap()),
            ..AnchorSettings::default()
        },
        ..AuditSettings::default()
    }
}

pub(crate) fn sink(name: &str, kind: SinkKind) -> SinkSettings {
    let name = name.to_owned();
    SinkSettings { name, kind }
}

fn file(path: &Path) -> SinkSettings {
    let path = path.to_owned();
    sink("file", SinkKind::File { path })
}

fn secret() -> WebhookSecret {
    WebhookSecret::new(Secret::new(b"sixteen bytes or more".to_vec())).unwrap()
}

fn webhook(name: &str, url: &str) -> SinkSettings {
    let (url, secret) = (url.to_owned(), secret());
    sink(name, SinkKind::Webhook { url, secret })
}

/// What the only sink says.
pub(crate) async fn offer(audit: &Audit) -> Result<Option<u64>, SinkFailure> {
    let mut offered = audit.offer_checkpoints().await;
    assert_eq!(offered.len(), 1);
    offered.remove(0).1
}

impl World {
    /// Some more events and a checkpoint over them.
    pub(crate) async fn grow(&self) -> u64 {
        self.fill(&self.system(), 1).await;
        self.round().await.unwrap().size
    }
}

#[tokio::test]
async fn a_file_gets_one_line_per_checkpoint() {
    on_both(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchors.jsonl");
        let audit = world.node("node-1", settings(vec![file(&path)])).await;
        assert_eq!(offer(&audit).await.unwrap(), None, "nothing to give yet");
        assert!(!path.exists());
        for size in 1..=3 {
            assert_eq!(world.grow().await, size);
            assert_eq!(offer(&audit).await.unwrap(), Some(size));
            assert_eq!(
                offer(&audit).await.unwrap(),
                Some(size),
                "again changes nothing"
            );
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let keys = audit.anchor_log().verifier_keys().unwrap();
        for (line, size) in text.lines().zip(1..=3) {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            let note = verify_note(record["note"].as_str().unwrap(), &keys).unwrap();
            assert_eq!(note.checkpoint.size, size);
            assert_eq!(record["size"], size);
        }
        assert_eq!(text.lines().count(), 3);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let status = audit.anchor_status().await.unwrap();
        assert_eq!(status.sinks[0].newest.unwrap().0, 3);
        assert_eq!(status.newest.unwrap().0, 3);
        assert!(!status.sinks[0].failing);
    })
    .await;
}

#[tokio::test]
async fn a_line_that_was_cut_off_by_a_crash_is_passed_over() {
    on_both(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchors.jsonl");
        let audit = world.node("node-1", settings(vec![file(&path)])).await;
        world.grow().await;
        offer(&audit).await.unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let half = bytes[..bytes.len() / 2].to_vec();
        bytes.extend_from_slice(&half);
        std::fs::write(&path, &bytes).unwrap();
        let again = world.node("node-1", settings(vec![file(&path)])).await;
        world.grow().await;
        assert_eq!(offer(&again).await.unwrap(), Some(2));
        let text = std::fs::read_to_string(&path).unwrap();
        let whole = |line: &&str| serde_json::from_str::<serde_json::Value>(line).is_ok();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(text.lines().filter(whole).count(), 2);
        // The very first line can be cut off, too.
        std::fs::write(folder.path().join("other"), &half).unwrap();
        let other = folder.path().join("other");
        let name = "other".to_owned();
        let kind = SinkKind::File { path: other };
        let first = world
            .node("n", settings(vec![SinkSettings { name, kind }]))
            .await;
        assert_eq!(offer(&first).await.unwrap(), Some(2));
    })
    .await;
}

#[tokio::test]
async fn a_file_that_was_tampered_with_is_refused_and_reported_once() {
    on_both(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchors.jsonl");
        let audit = world.node("node-1", settings(vec![file(&path)])).await;
        for _ in 0..2 {
            world.grow().await;
            offer(&audit).await.unwrap();
        }
        let bytes = std::fs::read(&path).unwrap();
        let first = bytes.split_inclusive(|byte| *byte == b'\n').next().unwrap();
        // Cut while the process runs, and found after a restart.
        std::fs::write(&path, first).unwrap();
        let fresh = world.node("node-1", settings(vec![file(&path)])).await;
        for audit in [&audit, &fresh] {
            assert!(matches!(offer(audit).await, Err(SinkFailure::FileCut)));
        }
        assert!(matches!(offer(&audit).await, Err(SinkFailure::FileCut)));
        assert_eq!(
            world.count("audit.anchor_failed").await,
            2,
            "once per process"
        );
        assert!(audit.anchor_status().await.unwrap().sinks[0].failing);
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(offer(&fresh).await, Err(SinkFailure::FileCut)));
        std::fs::write(&path, [&bytes[..], b"{}\n"].concat()).unwrap();
        world.grow().await;
        offer(&fresh).await.expect("a foreign line hurts nobody");
        let text = String::from_utf8(bytes.clone()).unwrap();
        let forged = text.replace("\"size\":2", "\"size\":9");
        std::fs::write(&path, [forged.as_bytes(), &bytes].concat()).unwrap();
        std::fs::write(&path, forged).unwrap();
        let fresh = world.node("node-1", settings(vec![file(&path)])).await;
        assert!(matches!(offer(&fresh).await, Err(SinkFailure::FileForeign)));
        std::fs::write(&path, "something else\n".repeat(2_000)).unwrap();
        let fresh = world.node("node-1", settings(vec![file(&path)])).await;
        assert!(matches!(offer(&fresh).await, Err(SinkFailure::FileForeign)));
    })
    .await;
}

/// A database from an older backup: the file knows more than we do.
#[tokio::test]
async fn a_file_that_is_ahead_or_of_another_history_is_refused() {
    on_both(async |world| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchors.jsonl");
        let audit = world.node("node-1", settings(vec![file(&path)])).await;
        for _ in 0..3 {
            world.grow().await;
        }
        offer(&audit).await.unwrap();
        let twin = world.twin(folder.path(), settings(vec![file(&path)])).await;
        twin.grow().await;
        assert!(matches!(
            offer(&twin.audit).await,
            Err(SinkFailure::Ahead(3))
        ));
        for _ in 0..3 {
            twin.grow().await;
        }
        assert!(matches!(
            offer(&twin.audit).await,
            Err(SinkFailure::Contradiction(3))
        ));
        assert_eq!(twin.count("audit.anchor_failed").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_webhook_gets_the_signed_note() {
    on_both(async |world| {
        let server = Server::start(Always::new(204)).await;
        let url = format!("{}/hook?t=1", server.url);
        let audit = world
            .node("node-1", settings(vec![webhook("hook", &url)]))
            .await;
        world.grow().await;
        assert_eq!(offer(&audit).await.unwrap(), Some(1));
        assert_eq!(offer(&audit).await.unwrap(), Some(1));
        let got = server.requests();
        assert_eq!(got.len(), 1, "the same checkpoint is not sent twice");
        assert_eq!(got[0].target, "/hook?t=1");
        let signature = got[0]
            .head
            .lines()
            .find_map(|line| line.strip_prefix("x-valueverse-signature: "))
            .unwrap();
        let now = world.system().now();
        verify_webhook(&secret(), signature, &got[0].body, now, Span::seconds(1)).unwrap();
        let note = std::str::from_utf8(&got[0].body).unwrap();
        let keys = audit.anchor_log().verifier_keys().unwrap();
        assert_eq!(verify_note(note, &keys).unwrap().checkpoint.size, 1);
    })
    .await;
}

#[tokio::test]
async fn an_outage_and_its_end_are_each_told_once() {
    on_both(async |world| {
        let status = Always::new(503);
        let server = Server::start(status.clone()).await;
        let audit = world
            .node("node-1", settings(vec![webhook("hook", &server.url)]))
            .await;
        world.grow().await;
        for _ in 0..3 {
            assert!(matches!(offer(&audit).await, Err(SinkFailure::Status(503))));
        }
        assert_eq!(world.count("audit.anchor_failed").await, 1);
        assert_eq!(world.count("audit.anchor_recovered").await, 0);
        status.set(200);
        assert!(offer(&audit).await.unwrap().is_some());
        assert!(offer(&audit).await.unwrap().is_some());
        assert_eq!(server.requests().len(), 4);
        assert_eq!(world.count("audit.anchor_failed").await, 1);
        assert_eq!(world.count("audit.anchor_recovered").await, 1);
    })
    .await;
}

/// A sink that accepts connections and never says a word.
#[tokio::test]
async fn a_sink_that_hangs_holds_up_nobody() {
    on_both(async |world| {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = format!("http://{}", silent.local_addr().unwrap());
        let good = Server::start(Always::new(200)).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchors.jsonl");
        let sinks = vec![
            webhook("silent", &silent),
            webhook("good", &good.url),
            file(&path),
        ];
        let audit = world.node("node-1", settings(sinks)).await;
        world.grow().await;
        audit.start_anchoring();
        let began = Instant::now();
        while good.requests().is_empty() || !path.exists() {
            assert!(began.elapsed() < Duration::from_mins(1), "the others wait");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Writers go on, too, and the process ends although the sink hangs.
        world.grow().await;
        audit.close().await;
    })
    .await;
}

static RECEIPTS: Sql = Sql::same(
    "test.receipts",
    "select size, at from audit_receipts where sink = $1 order by size",
);

#[tokio::test]
async fn of_old_receipts_the_first_of_each_day_stays() {
    on_both(async |world| {
        let server = Server::start(Always::new(200)).await;
        let audit = world
            .node("node-1", settings(vec![webhook("hook", &server.url)]))
            .await;
        for _ in 0..7 {
            world.clock.advance(Span::hours(9));
            world.fill(&world.system(), 1).await;
            world.round().await.unwrap();
            offer(&audit).await.unwrap();
        }
        // Hours 9, 18, 27, 36, 45, 54, 63.
        let kept: Vec<(u64, Timestamp)> = world
            .store
            .read(&world.system(), "test.receipts", async |tx| {
                tx.all(&RECEIPTS, args!["hook"]).await
            })
            .await
            .unwrap();
        let kept: Vec<u64> = kept.iter().map(|row| row.0).collect();
        assert_eq!(kept, [1, 3, 6, 7]);
    })
    .await;
}
