//! `valueverse audit …` beside and after a real server.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use vv_base::{Rng as _, SystemRng};
use vv_store::{Family, Sql, Store, Target, args};
use vv_testkit::stores::system_ctx;

use crate::harness::api::Api;
use crate::harness::launch::{Finished, Launch};
use crate::harness::people::ADA;
use crate::harness::place::Place;

static SHORTEN_HEAD: Sql = Sql::same(
    "e2e.shorten_head",
    "update audit_chains set height = height - 1 where tenant_id = $1",
);

/// Ends with this code and says one JSON object.
pub(crate) fn json(launch: &Launch, code: i32, verb: &[&str]) -> Value {
    let words: Vec<&str> = ["--json"].iter().chain(verb).copied().collect();
    let done = launch.run(&words);
    assert_eq!(
        done.code,
        Some(code),
        "{verb:?}: {}{}",
        done.stdout,
        done.stderr
    );
    let text = if done.stdout.is_empty() {
        done.stderr.lines().last().unwrap_or_default()
    } else {
        &done.stdout
    };
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{verb:?}: {error}: {text}"))
}

pub(crate) fn fine(launch: &Launch, verb: &[&str]) -> Finished {
    let done = launch.run(verb);
    assert_eq!(
        done.code,
        Some(0),
        "{verb:?}: {}{}",
        done.stdout,
        done.stderr
    );
    done
}

/// An installation with one person who signed in a few times; gives their ids.
async fn lived_in(launch: &Launch) -> (String, String) {
    let mut server = launch.start();
    ADA.set_up(&server).await;
    let api = Api::new(&server.url);
    let tokens = api.login(ADA.email, ADA.password).await;
    let me = api.get("/api/v1/me", Some(&tokens.access)).await.json();
    for _ in 0..3 {
        api.login(ADA.email, ADA.password).await;
    }
    server.stop();
    let id = |name: &str| me[name].as_str().unwrap().to_owned();
    (id("user_id"), id("tenant_id"))
}

#[tokio::test]
async fn evidence_is_made_and_checked_without_the_server() {
    let place = Place::lite();
    let launch = place.launch();
    let (_, tenant) = lived_in(&launch).await;
    let out = tempfile::tempdir().unwrap();
    let path = |name: &str| out.path().join(name).to_str().unwrap().to_owned();

    let found = json(&launch, 0, &["audit", "verify"]);
    assert_eq!(found["verified"], true);
    assert_eq!(found["chains"].as_array().unwrap().len(), 2);
    let again = json(
        &launch,
        0,
        &["audit", "verify", "--incremental", "--chain", &tenant],
    );
    assert!(again["chains"][0]["after"].as_u64().unwrap() > 0, "{again}");

    let file = path("events.jsonl");
    let export = [
        "audit", "export", "--format", "jsonl", "--chain", &tenant, "--out", &file,
    ];
    let written = json(&launch, 0, &export);
    assert_eq!(written["bytes"], fs::metadata(&file).unwrap().len());
    let refused = json(&launch, 2, &export);
    assert_eq!(refused["error"]["code"], "audit.out");

    let keys = path("keys.txt");
    let listed = fine(&launch, &["audit", "keys", "--chain", &tenant]);
    fs::write(&keys, &listed.stdout).unwrap();
    // On the machine of an auditor: another folder, which is not even made.
    let auditor = Launch::new(&out.path().join("nothing"));
    let check = ["audit", "verify", "--file", &file, "--keys", &keys];
    let found = json(&auditor, 0, &check);
    assert_eq!(
        (&found["verified"], &found["anchor"]),
        (&true.into(), &"ok".into()),
        "{found}"
    );
    assert!(!auditor.data().exists());

    let text = fs::read_to_string(&file).unwrap();
    let first: Vec<&str> = text.lines().take(3).collect();
    let cut = format!("{}\n", first.join("\n"));
    fs::write(&file, cut).unwrap();
    let found = json(&auditor, 1, &check);
    assert_eq!(found["completeness"], "failed", "{found}");

    for format in ["csv", "cef", "ocsf"] {
        let done = fine(
            &launch,
            &["audit", "export", "--format", format, "--chain", &tenant],
        );
        assert!(
            done.stdout.contains("login_succeeded"),
            "{format}: {}",
            done.stdout
        );
    }
}

#[tokio::test]
async fn proofs_and_checkpoints_are_printed() {
    let place = Place::lite();
    let launch = place.launch();
    let (_, tenant) = lived_in(&launch).await;
    let out = tempfile::tempdir().unwrap();
    let prove = |more: &[&'static str]| {
        let mut verb = vec!["audit", "prove", "--chain", &tenant];
        verb.extend_from_slice(more);
        json(&launch, 0, &verb)
    };
    let inclusion = prove(&["--height", "2"]);
    assert_eq!(inclusion["leaf_index"], 1);
    let consistency = prove(&["--from", "2", "--to", "4"]);
    assert_eq!(
        (&consistency["from"], &consistency["to"]),
        (&2.into(), &4.into())
    );
    let receipt = prove(&["--height", "2", "--receipt"]);
    assert_eq!(receipt["event"]["leaf_hash"], inclusion["leaf_hash"]);
    assert!(
        receipt["checkpoint"]
            .as_str()
            .unwrap()
            .contains(".valueverse.local/audit/ffffffff-")
    );
    // A checkpoint kept elsewhere is continued by what comes later.
    let file = out.path().join("checkpoint.txt");
    let file = file.to_str().unwrap();
    fine(
        &launch,
        &["audit", "checkpoint", "--chain", &tenant, "--out", file],
    );
    assert_eq!(
        launch.run(&["audit", "checkpoint", "--out", file]).code,
        Some(2)
    );
    ADA.with_email("eve@acme.example").create(&launch);
    let verify = ["audit", "verify", "--chain", &tenant, "--checkpoint", file];
    assert_eq!(
        json(&launch, 0, &verify)["chains"][0]["verdicts"]["anchor"],
        "ok"
    );
}

#[tokio::test]
async fn questions_without_an_answer_are_refused() {
    let place = Place::lite();
    let launch = place.launch();
    ADA.create(&launch);
    for wrong in [
        &["audit", "prove"][..],
        &["audit", "prove", "--from", "2"],
        &[
            "audit", "prove", "--height", "1", "--from", "1", "--to", "2",
        ],
        &["audit", "verify", "--chain", "anchor"],
        &[
            "audit",
            "verify",
            "--chain",
            "01a203f3-fc0c-7093-a582-cc8bf44cd6ce",
        ],
        &["audit", "verify", "--key", "x"],
        &["audit", "witness"],
    ] {
        assert_eq!(launch.run(wrong).code, Some(2), "{wrong:?}");
    }
    assert_eq!(
        launch.run(&["audit", "prove", "--height", "9999"]).code,
        Some(1)
    );
}

#[tokio::test]
async fn a_person_is_forgotten_and_every_verdict_stays_green() {
    let place = Place::lite();
    let launch = place.launch();
    let (user, tenant) = lived_in(&launch).await;
    let export = [
        "audit", "export", "--format", "jsonl", "--chain", &tenant, "--opened",
    ];
    assert!(fine(&launch, &export).stdout.contains(ADA.email));
    let database = launch.data().join("valueverse.db");
    let backup = fs::read(&database).unwrap();
    assert!(!database.with_extension("db-wal").exists());

    let refused = json(&launch, 2, &["audit", "forget", "--user", &user]);
    assert_eq!(refused["error"]["code"], "audit.unconfirmed");
    let forget = ["audit", "forget", "--user", &user, "--yes"];
    let done = json(&launch, 0, &forget);
    assert_eq!(done["key_destroyed"], true);
    assert!(done["index_entries"].as_u64().unwrap() > 0);
    assert_eq!(json(&launch, 0, &forget)["key_destroyed"], false);

    assert!(!fine(&launch, &export).stdout.contains(ADA.email));
    let found = json(&launch, 0, &["audit", "verify"]);
    for chain in found["chains"].as_array().unwrap() {
        assert_eq!(chain["verdicts"]["erasure"], "ok", "{chain}");
    }
    // An older backup of the main database brings nothing back.
    fs::write(&database, backup).unwrap();
    assert!(!fine(&launch, &export).stdout.contains(ADA.email));
    fine(&launch, &["audit", "verify"]);
}

#[tokio::test]
async fn months_holds_and_pruning() {
    let place = Place::lite();
    let launch = place.launch();
    let (_, tenant) = lived_in(&launch).await;
    let months = json(&launch, 0, &["audit", "segments", "--close", "--archive"]);
    assert_eq!(
        (&months["closed"], &months["archived"]),
        (&0.into(), &0.into())
    );
    let hold = [
        "audit", "hold", "place", "--chain", &tenant, "--reason", "case 17",
    ];
    let id = json(&launch, 0, &hold)["id"].as_str().unwrap().to_owned();
    let list = ["audit", "hold", "list", "--chain", &tenant];
    assert_eq!(json(&launch, 0, &list)["holds"][0]["reason"], "case 17");
    let release = ["audit", "hold", "release", "--chain", &tenant, "--id", &id];
    fine(&launch, &release);
    assert_eq!(launch.run(&release).code, Some(2));
    assert!(json(&launch, 0, &list)["holds"][0]["released_at"].is_string());
    assert_eq!(
        json(&launch, 0, &["audit", "prune", "--dry-run"])["events"],
        0
    );
    let keeps = launch.env("VALUEVERSE__AUDIT__RETENTION_MONTHS", "0");
    let refused = json(&keeps, 2, &["audit", "prune", "--yes"]);
    assert_eq!(refused["error"]["code"], "audit.kept");
}

#[tokio::test]
async fn a_broken_chain_goes_on_after_an_operator_said_so() {
    let place = Place::lite();
    let launch = place.launch();
    let (_, tenant) = lived_in(&launch).await;
    shorten_head(&launch, &tenant).await;
    let found = json(&launch, 1, &["audit", "verify", "--chain", &tenant]);
    assert_eq!(found["chains"][0]["verdicts"]["completeness"], "failed");
    let doctor = launch.run(&["doctor"]);
    assert_eq!(doctor.code, Some(1));
    assert!(
        doctor
            .stdout
            .contains("FAULT audit chains: the head of tenant "),
        "{}",
        doctor.stdout
    );

    let resume = ["audit", "resume", "--chain", &tenant];
    assert_eq!(launch.run(&resume).code, Some(2));
    let resumed = json(
        &launch,
        0,
        &["audit", "resume", "--chain", &tenant, "--yes"],
    );
    assert_eq!(resumed["resumed"], true, "{resumed}");
    fine(&launch, &["doctor"]);
    let again = json(
        &launch,
        0,
        &["audit", "resume", "--chain", &tenant, "--yes"],
    );
    assert_eq!(again["resumed"], false);
}

async fn shorten_head(launch: &Launch, tenant: &str) {
    let target = Target::Lite {
        path: launch.data().join("valueverse.db"),
    };
    let store = Store::open(&target, Family::Main).await.unwrap();
    let tenant: vv_base::TenantId = tenant.parse().unwrap();
    store
        .tx(&system_ctx(), "e2e.shorten_head", async |tx| {
            tx.exec_one(&SHORTEN_HEAD, args![tenant]).await
        })
        .await
        .unwrap();
    store.close().await;
}

#[tokio::test]
async fn an_export_that_dies_leaves_nothing_under_its_name() {
    let place = Place::lite();
    let launch = place.launch();
    lived_in(&launch).await;
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("events.jsonl");
    let path = file.to_str().unwrap();
    let verb = ["audit", "export", "--format", "jsonl", "--out", path];
    let mut whole = 0;
    for _ in 0..12 {
        let mut child = launch.spawn(&verb);
        let mut byte = [0];
        SystemRng.fill(&mut byte);
        tokio::time::sleep(Duration::from_millis(u64::from(byte[0]) * 2)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        if file.exists() {
            fine(&launch, &["audit", "verify", "--file", path]);
            fs::remove_file(&file).unwrap();
            whole += 1;
        }
    }
    println!("{whole} of 12 exports were complete when they were killed");
    // What they left behind is in nobody's way.
    fine(&launch, &verb);
    fine(&launch, &["audit", "verify", "--file", path]);
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
    fine(&launch, &["audit", "verify"]);
}
