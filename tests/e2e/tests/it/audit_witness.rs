//! Two installations that witness each other, as real processes.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::audit_cli::{fine, json};
use crate::harness::eventually;
use crate::harness::launch::Launch;
use crate::harness::people::ADA;
use crate::harness::place::Place;

/// Checkpoints go out once a second; the machine may be slow.
const PATIENCE: Duration = Duration::from_mins(1);

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn texts(value: &Value) -> String {
    let texts: Vec<&str> = value
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect();
    texts.join(" ")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Whether the newest checkpoint has a cosignature of this witness.
fn is_cosigned(launch: &Launch, witness: &str) -> bool {
    let note = fine(launch, &["audit", "checkpoint"]).stdout;
    note.contains(&format!("\u{2014} {witness} "))
}

fn refusals(launch: &Launch) -> usize {
    let verb = [
        "audit",
        "export",
        "--format",
        "csv",
        "--type",
        "audit.witness_refused",
    ];
    fine(launch, &verb).stdout.lines().count() - 1
}

/// Two installations, each with the other one's keys.
fn witnesses(place: &Place, ports: [u16; 2]) -> [Launch; 2] {
    let calls = ("VALUEVERSE__OUTBOUND__ALLOW_HTTP_LOOPBACK", "true");
    let often = ("VALUEVERSE__AUDIT__ANCHOR_INTERVAL", "1s");
    let launch = |name: &str| {
        let launch = place.launch_in(name).env(calls.0, calls.1);
        let name = format!("{name}.example/witness");
        launch
            .env(often.0, often.1)
            .env("VALUEVERSE__AUDIT__WITNESS_NAME", &name)
    };
    let bare = ["north", "south"].map(launch);
    let keys = [0, 1].map(|n| json(&bare[n], 0, &["audit", "keys"]));
    [0, 1].map(|n| {
        let other = 1 - n;
        let witness = format!(
            "http://127.0.0.1:{}/witness {}",
            ports[other],
            texts(&keys[other]["witness_keys"])
        );
        let log = texts(&keys[other]["checkpoint_keys"]);
        bare[n]
            .clone()
            .env("VALUEVERSE__AUDIT__WITNESSES", &witness)
            .env("VALUEVERSE__AUDIT__WITNESS_LOGS", &log)
    })
}

#[tokio::test]
async fn two_installations_witness_each_other_and_refuse_a_rollback() {
    let place = Place::lite();
    let ports = [free_port(), free_port()];
    let [north, south] = witnesses(&place, ports);
    let at = ports.map(|port| format!("127.0.0.1:{port}"));
    // One is a whole server that is a witness, too, the other one nothing but a witness.
    let mut south_server = south.start_verb(&["audit", "witness"], &at[1]);
    let mut server = north.start_verb(&["serve"], &at[0]);
    eventually("both are cosigned", PATIENCE, async || {
        is_cosigned(&north, "south.example/witness") && is_cosigned(&south, "north.example/witness")
    })
    .await;

    server.stop();
    let before = north.data().with_file_name("before");
    copy(north.data(), &before);
    let mut server = north.start_verb(&["serve"], &at[0]);
    ADA.set_up(&server).await;
    eventually("what was added is cosigned", PATIENCE, async || {
        is_cosigned(&north, "south.example/witness")
    })
    .await;
    let kept = north.data().with_file_name("kept.txt");
    let kept = kept.to_str().unwrap();
    fine(&north, &["audit", "checkpoint", "--out", kept]);
    assert_eq!((refusals(&north), refusals(&south)), (0, 0));
    server.stop();

    fs::remove_dir_all(north.data()).unwrap();
    copy(&before, north.data());
    let mut server = north.start_verb(&["serve"], &at[0]);
    eventually("the rollback is on record", PATIENCE, async || {
        refusals(&north) > 0
    })
    .await;
    assert!(!is_cosigned(&north, "south.example/witness"));
    let verify = ["audit", "verify", "--chain", "system", "--checkpoint", kept];
    let found = json(&north, 1, &verify);
    assert_eq!(
        found["chains"][0]["verdicts"]["anchor"], "failed",
        "{found}"
    );
    server.stop();
    south_server.stop();
}
